"""`lrcli predict`."""

from pathlib import Path
from typing import Annotated

import typer

from lrcli.cli.completion import complete_run
from lrcli.cli.help import RUNS_DIR, examples

__all__ = ["EPILOG", "predict"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli data experiments/linear.yaml seed=1 --out new",
    "lrcli predict linear --input new/val.csv --out predicted.csv",
)


def predict(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run: a directory, NAME/train-0001, NAME for its newest, or last.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ],
    file: Annotated[
        Path,
        typer.Option(
            "--input", metavar="FILE", help="A table, CSV or Parquet, with the features.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write this file; default, or -: standard output.", show_default=False
        ),
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="With the parameters of the best record, not with the last.")
    ] = False,
    runs_dir: RUNS_DIR = Path("runs"),
) -> None:
    """Have a trained model predict the rows of a table, and write CSV: row, prediction, chances of classes.

    The table has the columns that were the features, in any order and in their own units. Where it has the
    target as well, in every row, the loss is told on standard error.
    """
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.streams import print_lines
    from lrcli.running.prediction import lines_of
    from lrcli.running.prediction import predict as predicted
    from lrcli.storage.files import write_new
    from lrcli.storage.finding import find_run

    found = predicted(find_run(run, runs_dir, "train"), file, best=best)
    if found.ignored:
        print_note(
            f"{file}: columns that the model does not know are ignored: {', '.join(found.ignored[:12])}"
        )
    if out is None or out == Path("-"):
        print_lines(lines_of(found))
    else:
        write_new(out, "".join(f"{line}\n" for line in lines_of(found)).encode())
        print_lines([str(out)])
    if found.loss is not None:
        accuracy = "" if found.accuracy is None else f", accuracy {found.accuracy:.6g}"
        print_note(f"loss {found.loss:.6g}{accuracy}, over {len(found.outputs):,} rows")
    if found.why_no_loss:
        print_note(f"{file}: no loss is told, for want of a target in every row: {found.why_no_loss}")
