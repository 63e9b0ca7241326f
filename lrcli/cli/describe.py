"""`lrcli list` and `lrcli describe`."""

from typing import Annotated

import typer

from lrcli.cli.completion import complete_group, complete_name
from lrcli.cli.help import examples

__all__ = ["DESCRIBE_EPILOG", "LIST_EPILOG", "describe", "list_components"]

LIST_EPILOG = examples("lrcli list", "lrcli list optimizer")
DESCRIBE_EPILOG = examples("lrcli describe optimizer.adam", "lrcli describe schedule")


def list_components(
    group: Annotated[
        str | None,
        typer.Argument(
            metavar="GROUP", help="dataset, model, init, loss, ...", autocompletion=complete_group
        ),
    ] = None,
) -> None:
    """List what an experiment file can choose from, a line each."""
    from lrcli.components.descriptions import describe as described
    from lrcli.components.descriptions import find
    from lrcli.components.tables import GROUPS
    from lrcli.reporting.reference import list_lines
    from lrcli.reporting.streams import print_lines

    names = [group] if group else list(GROUPS)
    pairs = [pair for name in names for pair in find(name)]
    print_lines(list_lines([described(*pair) for pair in pairs]))


def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="GROUP[.KIND]", help="A component, or all of a group.", autocompletion=complete_name
        ),
    ],
) -> None:
    """Describe a component: its formula, every key with type, default, range and meaning, a minimal file."""
    from lrcli.components.descriptions import describe as described
    from lrcli.components.descriptions import find
    from lrcli.config.dumping import yaml_text
    from lrcli.experiment.examples import minimal_experiment
    from lrcli.reporting.reference import print_description
    from lrcli.reporting.streams import standard_output

    with standard_output():
        for number, (group, kind) in enumerate(find(name)):
            print("\n" if number else "", end="")  # noqa: T201
            print_description(described(group, kind), yaml_text(minimal_experiment(group, kind)))
