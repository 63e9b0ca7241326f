"""`lrcli check`."""

from pathlib import Path
from typing import Annotated

import typer

from lrcli.cli.completion import complete_file
from lrcli.cli.help import examples

__all__ = ["EPILOG", "check"]

EPILOG = examples("lrcli check experiments/linear.yaml", "lrcli check experiments/sine*.yaml")


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE", help="Experiment files.", show_default=False, autocompletion=complete_file
        ),
    ],
) -> None:
    """Check experiment files without training: a line for each good one, every mistake of the others."""
    from lrcli.errors import UsageError
    from lrcli.experiment.loading import load
    from lrcli.experiment.user_code import missing_code
    from lrcli.reporting.messages import print_error, print_note
    from lrcli.reporting.text import print_sentences
    from lrcli.running.summary import summarize

    wrong = False
    for file in files:
        try:
            loaded = load(file)
        except UsageError as error:
            wrong = True
            print_error(str(error))
            continue
        missing = missing_code(loaded.experiment)
        for key, path in missing.items():
            wrong = True
            print_error(f"{file}: {key}: there is no file {path}")
        if missing:
            continue
        print_sentences([f"{file}: {summarize(loaded.experiment)}"])
        for note in loaded.notes:
            print_note(f"{file}: {note}")
    raise typer.Exit(2 if wrong else 0)
