"""`lrcli report`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lrcli.cli.completion import complete_run
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.errors import UsageError

__all__ = ["EPILOG", "report"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli report last",
    "lrcli train experiments/linear.yaml optimizer.lr=0.1 --quiet",
    "lrcli report linear/train-0001 linear/train-0002 --out comparison.html",
)

_FILE = "report.html"


def report(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Runs, or a sweep: a directory, NAME/train-0001, NAME for its newest, or last.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Write this file; default: {_FILE} in the directory of the run.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RUNS_DIR = Path("runs"),
) -> None:
    """Write a page to hand out: what was asked, what came out, in words and figures, how to repeat it.

    One HTML file that needs nothing else, no network and no script. Of several runs it is a comparison.
    """
    from lrcli.reporting.pages.files import check_place
    from lrcli.reporting.streams import print_lines
    from lrcli.storage.finding import find_run

    directories = [find_run(word, runs_dir) for word in runs]
    if out is None and len(directories) > 1:
        raise UsageError("a comparison is a file of its own; name it, as in --out comparison.html")
    path = out or directories[0] / _FILE
    check_place(path)
    if len(directories) > 1:
        _compare(path, directories)
    else:
        _report(path, directories[0])
    print_lines([str(path)])


def _report(path: Path, directory: Path) -> None:
    """Write the report of a run or of a sweep."""
    from lrcli.storage.reading import read_result
    from lrcli.storage.run_result import RunResult

    if isinstance(read_result(directory), RunResult):
        from lrcli.reporting.runs.figures import drawings
        from lrcli.reporting.runs.report import write_run_report
        from lrcli.running.trained import read_run

        run = read_run(directory)
        write_run_report(path, run, drawings(run))
    else:
        from lrcli.reporting.sweeps.figures import drawings as drawings_of_sweep
        from lrcli.reporting.sweeps.report import write_sweep_report
        from lrcli.sweeps.reading import read_sweep

        sweep = read_sweep(directory)
        figures = drawings_of_sweep(sweep.results)
        write_sweep_report(path, sweep.plan.experiment, sweep.results, sweep.result, figures)


def _compare(path: Path, directories: Sequence[Path]) -> None:
    """Write a comparison of runs.

    Raises:
        UsageError: one of them is a sweep, or there twice.
    """
    from lrcli.reporting.runs.report import write_comparison
    from lrcli.running.trained import read_run
    from lrcli.storage.finding import refuse_twice
    from lrcli.storage.reading import read_result
    from lrcli.storage.run_result import RunResult

    for directory in directories:
        if not isinstance(read_result(directory), RunResult):
            raise UsageError(
                f"{directory}: is a sweep; runs can be compared, a sweep has a report of its own"
            )
    refuse_twice(directories)
    real = [directory.resolve() for directory in directories]
    short = ["/".join(directory.parts[-2:]) for directory in real]
    labels = short if len(set(short)) == len(short) else list(map(str, real))
    write_comparison(path, {label: read_run(each) for label, each in zip(labels, directories, strict=True)})
