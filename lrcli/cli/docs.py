"""`lrcli docs`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrcli.cli.completion import complete_topic
from lrcli.cli.help import examples
from lrcli.errors import UsageError

if TYPE_CHECKING:
    from lrcli.authoring.docs.content import Topic

__all__ = ["EPILOG", "docs"]

EPILOG = examples(
    "lrcli docs", "lrcli docs which-rate-which-optimizer", "lrcli docs adam", "lrcli docs --html docs"
)


def docs(
    context: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC",
            help="A topic, or a section of one, such as optimizer.adam; without it all are listed.",
            show_default=False,
            autocompletion=complete_topic,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write all topics there, as pages that need no network.", show_default=False
        ),
    ] = None,
) -> None:
    """Read the documentation: guides, and the reference of commands, keys, components and Python.

    The reference is made of the definitions themselves when it is asked for.
    """
    from lrcli.authoring.docs.contents import all_topics, find_blocks
    from lrcli.cli.command_reference import described_commands
    from lrcli.reporting.docs.console import print_contents, print_topic

    topics = all_topics(*described_commands(context))
    if html is not None:
        if topic is not None:
            raise UsageError("--html writes all topics; leave out the one named, or --html")
        _write(html, topics)
    elif topic is None:
        print_contents(topics)
    else:
        print_topic(*find_blocks(topics, topic))


def _write(folder: Path, topics: "Sequence[Topic]") -> None:
    from lrcli.reporting.docs.files import write_site
    from lrcli.reporting.streams import print_lines

    print_lines([str(write_site(folder, topics))])
