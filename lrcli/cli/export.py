"""`lrcli export`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrcli.cli.completion import complete_run
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.errors import UsageError

if TYPE_CHECKING:
    from lrcli.storage.exporting.records import Content, Records

__all__ = ["EPILOG", "export"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli export last",
    "lrcli export linear/train-0001 --wide -o curves.csv",
    "lrcli sweep experiments/linear.yaml --lr 0.01,0.1 --seeds 2 --quiet",
    "lrcli export linear/train-0001 linear/sweep-0001 --what results --wide",
    "lrcli export last -o curves.parquet",
)

_FORMATS = ("csv", "parquet")


def export(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Runs or sweeps: a directory, NAME/train-0001, NAME for its newest, or last.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ],
    what: Annotated[
        str,
        typer.Option(
            help="curves: every record of training; results: where each member ended, its test metrics and "
            "the errors of its parameters included.",
        ),
    ] = "curves",
    wide: Annotated[
        bool, typer.Option("--wide", help="A row for each record, swept keys and metrics as columns.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A new file, .csv or .parquet. Default: standard output.", show_default=False
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv or parquet. Default: what the file ends in.", show_default=False),
    ] = None,
    runs_dir: RUNS_DIR = Path("runs"),
) -> None:
    """Write the curves or the results of runs and sweeps as one table, for other programs.

    A row for each number: run, member, configuration, seed, epoch, step, metric, value; a run is member 0.
    Numbers are written in the fewest digits that read back to the same bits; one that is not a number is left
    empty.
    """
    from lrcli.reporting.streams import print_lines

    content, is_parquet = _content(what), _is_parquet(form, out)
    tables = _tables(runs, runs_dir, content)
    if out is None:
        _print(tables, wide=wide)
        return
    from lrcli.storage.files import writing_new

    with writing_new(out) as file:
        if is_parquet:
            from lrcli.storage.exporting.parquet import write_parquet

            write_parquet(file, tables, wide=wide)
        else:
            from lrcli.storage.exporting.text import long_text, wide_text

            for rows in (wide_text if wide else long_text)(tables):
                file.write(rows.encode())
    print_lines([str(out)])


def _tables(words: Sequence[str], runs_dir: Path, content: "Content") -> "list[Records]":
    """The records of each run; all are read before anything is written.

    Raises:
        RunDirectoryError: one cannot be found or read.
        UsageError: one is named twice.
    """
    from lrcli.storage.exporting.records import read_records
    from lrcli.storage.finding import find_run, refuse_twice, word_of

    directories = [find_run(word, runs_dir) for word in words]
    refuse_twice(directories)
    return [read_records(directory, word_of(directory, runs_dir), content) for directory in directories]


def _print(tables: "Sequence[Records]", *, wide: bool) -> None:
    import sys

    from lrcli.reporting.streams import standard_output
    from lrcli.storage.exporting.text import long_text, wide_text

    with standard_output():
        for rows in (wide_text if wide else long_text)(tables):
            sys.stdout.write(rows)


def _content(what: str) -> "Content":
    from lrcli.storage.exporting.records import CONTENTS

    for content in CONTENTS:
        if content == what:
            return content
    raise UsageError(f"--what {what[:40]}: must be {' or '.join(CONTENTS)}")


def _is_parquet(form: str | None, out: Path | None) -> bool:
    """Whether the file is Parquet.

    Raises:
        UsageError: there is no such format, no file for it, or nothing that writes it.
    """
    ending = "" if out is None else out.suffix[1:].lower()
    if form is None and out is not None and ending not in _FORMATS:
        raise UsageError(f"--out {out}: must end in .csv or .parquet, or be told by --format")
    chosen = form or ending or "csv"
    if chosen not in _FORMATS:
        raise UsageError(f"--format {chosen[:40]}: must be {' or '.join(_FORMATS)}")
    if form and ending in _FORMATS and ending != form:
        raise UsageError(f"--format {form}: the file ends in .{ending}; say the same twice, or leave one out")
    if chosen == "parquet":
        if out is None:
            raise UsageError("--format parquet: is for a file; name one with --out")
        from lrcli.storage.exporting.parquet import check_polars

        check_polars()
    return chosen == "parquet"
