"""`lrcli check`."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["EPILOG", "check"]

EPILOG = "Examples: lrcli check exp.yaml | lrcli check experiments/*.yaml"


def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Experiment files.", show_default=False)
    ],
) -> None:
    """Check experiment files without training: a line for each good one, every mistake of the others."""
    from lrcli.errors import UsageError
    from lrcli.experiment.loading import load
    from lrcli.experiment.summary import summarize

    wrong = False
    for file in files:
        try:
            loaded = load(file)
        except UsageError as error:
            wrong = True
            typer.echo(f"error: {error}", err=True)
            continue
        typer.echo(f"{file}: {summarize(loaded.experiment)}")
        for note in loaded.notes:
            typer.echo(f"note: {file}: {note}", err=True)
    raise typer.Exit(2 if wrong else 0)
