"""report.html of a run, and one of several runs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lrcli.explaining.runs.explanation import what_matters_most
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.pages.content import Block, Paragraph, Row
from lrcli.reporting.pages.figures import figures_of
from lrcli.reporting.pages.files import write_page
from lrcli.reporting.runs.comparison_page import comparison_page
from lrcli.reporting.runs.figures import KINDS, drawings, overlays
from lrcli.reporting.runs.page import run_page
from lrcli.running.trained import TrainedRun

__all__ = ["write_comparison", "write_run_report"]

_MOST_APART = 6  # runs of which each has figures of its own


def write_run_report(
    path: Path,
    run: TrainedRun,
    drawings: Mapping[str, Drawing],
    drawn: Mapping[str, Mapping[str, bytes]] | None = None,
) -> None:
    """Write the report of a run.

    Args:
        path: of the file; an earlier report there is replaced.
        run: what was trained.
        drawings: its figures, by name.
        drawn: their files, where they have been written already.

    Raises:
        UsageError: something is there that is no report.
        WriteError: it could not be written.
    """
    matters, figures = what_matters_most(run), figures_of(drawings, drawn)
    write_page(path, run_page(run.result, run.experiment, figures, matters.text if matters else ""))


def write_comparison(path: Path, runs: Mapping[str, TrainedRun]) -> None:
    """Write a comparison of several runs.

    Args:
        path: of the file; an earlier report there is replaced.
        runs: from what each is to be called to the run.

    Raises:
        UsageError: something is there that is no report.
        WriteError: it could not be written.
    """
    write_page(path, comparison_page(runs, list(_figures(runs))))


def _figures(runs: Mapping[str, TrainedRun]) -> Iterator[Block]:
    """Each kind in the same axes, or the figures of each run beside each other, unless these are too many."""
    together = overlays(runs)
    each = {label: drawings(run) for label, run in runs.items()} if len(runs) <= _MOST_APART else {}
    for kind in KINDS:
        if kind in together:
            yield from figures_of({kind: together[kind]})
            continue
        apart = {label: drawn[kind] for label, drawn in each.items() if kind in drawn}
        figures = [
            replace(figure, name=label)
            for label, drawing in apart.items()
            for figure in figures_of({label: drawing})
        ]
        if figures:
            yield Row(figures)
    if not each:
        yield Paragraph("Figures of a single run are in its own report: lrcli report RUN.")
