"""report.html of a sweep."""

from collections.abc import Mapping
from pathlib import Path

from lrcli.analysis.sweep_results import SweepResults
from lrcli.experiment.experiment import Experiment
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.pages.figures import figures_of
from lrcli.reporting.pages.files import write_page
from lrcli.reporting.sweeps.page import sweep_page
from lrcli.storage.sweep_result import SweepResult

__all__ = ["write_sweep_report"]


def write_sweep_report(
    path: Path,
    experiment: Experiment,
    results: SweepResults,
    result: SweepResult,
    drawings: Mapping[str, Drawing],
    drawn: Mapping[str, Mapping[str, bytes]] | None = None,
) -> None:
    """Write the report of a sweep.

    Args:
        path: of the file; an earlier report there is replaced.
        experiment: what was swept.
        results: of the sweep.
        result: what was made of them.
        drawings: its figures, by name.
        drawn: their files, where they have been written already.

    Raises:
        UsageError: something is there that is no report.
        WriteError: it could not be written.
    """
    write_page(path, sweep_page(results, result, experiment, figures_of(drawings, drawn)))
