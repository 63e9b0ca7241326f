"""What the commands and their help texts share."""

from pathlib import Path
from typing import Annotated

import typer

from lrcli.cli.completion import complete_file, complete_word

__all__ = ["FILE", "OVERRIDES", "RUNS_DIR", "examples"]

FILE = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="An experiment file.", show_default=False, autocompletion=complete_file
    ),
]
OVERRIDES = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Dotted keys, with the values to use.",
        show_default=False,
        autocompletion=complete_word,
    ),
]
RUNS_DIR = Annotated[Path, typer.Option(help="The directory of all runs.")]


def examples(*commands: str) -> str:
    """The end of a help text: a line for each command that a user may try."""
    return "\b\n" + "\n".join(["Examples:", *(f"  {command}" for command in commands)])
