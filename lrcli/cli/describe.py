"""`lrcli list` and `lrcli describe`."""

from typing import Annotated

import typer

from lrcli.cli.completion import complete_group, complete_name
from lrcli.cli.help import examples

__all__ = ["DESCRIBE_EPILOG", "LIST_EPILOG", "describe", "list_components"]

LIST_EPILOG = examples("lrcli list", "lrcli list optimizer")
DESCRIBE_EPILOG = examples(
    "lrcli describe optimizer.adam", "lrcli describe schedule", "lrcli describe training"
)


def list_components(
    group: Annotated[
        str | None,
        typer.Argument(
            metavar="GROUP",
            help="dataset, model, init, loss, optimizer or schedule.",
            autocompletion=complete_group,
        ),
    ] = None,
) -> None:
    """List what an experiment file can choose from, a line each."""
    from lrcli.authoring.descriptions import describe as described
    from lrcli.authoring.descriptions import find
    from lrcli.components.registry import GROUPS
    from lrcli.reporting.reference import print_list

    names = [group] if group else list(GROUPS)
    pairs = [pair for name in names for pair in find(name)]
    print_list([described(*pair) for pair in pairs])


def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A component, a group of them, a block such as training, or a key.",
            autocompletion=complete_name,
        ),
    ],
) -> None:
    """Describe a component or a block: its formula, every key with type, default, range and meaning.

    A kind is found with its group or without, as optimizer.adam or adam. An example follows.
    """
    from lrcli.authoring.topics import find_topics
    from lrcli.config.dumping import annotated_yaml, yaml_text
    from lrcli.reporting.reference import print_description
    from lrcli.reporting.streams import standard_output

    with standard_output():
        for number, topic in enumerate(find_topics(name)):
            print("\n" if number else "", end="")  # noqa: T201
            heading = "A minimal file" if topic.is_file else "In a file"
            content = yaml_text(topic.content) if topic.is_file else annotated_yaml(topic.content, {})
            print_description(topic.description, heading, content)
