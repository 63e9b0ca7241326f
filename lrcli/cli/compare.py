"""`lrcli compare`."""

from pathlib import Path
from typing import Annotated

import typer

from lrcli.cli.completion import complete_run
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.errors import UsageError

__all__ = ["EPILOG", "compare"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli train experiments/linear.yaml optimizer.lr=0.1 --quiet",
    "lrcli compare linear/train-0001 linear/train-0002",
    "lrcli compare linear/train-0001 last --json",
)


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN...",
            help="Runs, or two sweeps: a directory, NAME/train-0001, NAME for its newest, or last.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every number in full.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with every number in full.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    runs_dir: RUNS_DIR = Path("runs"),
) -> None:
    """Say in what runs differ: settings first, then results with their ratio or difference.

    Only what differs is shown. Runs of the same settings and seed are compared to the bit. Two sweeps are
    compared configuration by configuration and seed by seed, with 95% intervals: a configuration is better,
    worse, or not distinguishable.
    """
    from lrcli.api.comparing import compare_directories
    from lrcli.storage.finding import find_run

    if as_json + as_csv + as_markdown > 1:
        raise UsageError("choose one of --json, --csv and --markdown")
    comparison = compare_directories([find_run(word, runs_dir) for word in runs])
    if as_json:
        from lrcli.reporting.explanation import print_data

        print_data(comparison.as_data())
        return
    from lrcli.reporting.comparisons.console import print_comparison, print_csv, print_markdown

    (print_csv if as_csv else print_markdown if as_markdown else print_comparison)(comparison)
