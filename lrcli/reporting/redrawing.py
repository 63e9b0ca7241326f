"""The figures of runs and sweeps that have ended, read back from their directories."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lrcli.errors import RunDirectoryError, UsageError
from lrcli.reporting.drawing import Drawing, side_by_side
from lrcli.reporting.runs.figures import KINDS as RUN_KINDS
from lrcli.reporting.runs.figures import drawings as run_drawings
from lrcli.reporting.runs.figures import drawings_of_runs
from lrcli.reporting.runs.naming import labels_of
from lrcli.reporting.sweeps.figures import KINDS as SWEEP_KINDS
from lrcli.reporting.sweeps.figures import drawings as sweep_drawings
from lrcli.running.trained import read_run
from lrcli.runs.reading import read_result
from lrcli.sweeps.reading import read_sweep

__all__ = ["KINDS", "chosen", "drawings_of"]

KINDS = tuple(dict.fromkeys((*RUN_KINDS, *SWEEP_KINDS)))


def drawings_of(directories: Sequence[Path]) -> dict[str, Drawing]:
    """The figures of a run or a sweep, or of several in one.

    Args:
        directories: of runs or of sweeps, one at least.

    Returns:
        From kind to drawing; those that make sense.

    Raises:
        RunDirectoryError: one of them cannot be read.
        UsageError: some are runs, some sweeps.
    """
    commands = {read_result(directory).command for directory in directories}
    if len(commands) > 1:
        raise UsageError("runs and sweeps have no figures in common; name either")
    if commands == {"sweep"}:
        return _of_sweeps(directories)
    runs = [read_run(directory) for directory in directories]
    if len(runs) == 1:
        return run_drawings(runs[0])
    return drawings_of_runs(dict(zip(labels_of(runs), runs, strict=True)))


def _of_sweeps(directories: Sequence[Path]) -> dict[str, Drawing]:
    """The figures of each sweep, those of several side by side."""
    each = {
        "/".join(path.absolute().parts[-2:]): sweep_drawings(read_sweep(path).results) for path in directories
    }
    if len(each) == 1:
        return next(iter(each.values()))
    common = [kind for kind in SWEEP_KINDS if all(kind in drawn for drawn in each.values())]
    return {kind: side_by_side({name: drawn[kind] for name, drawn in each.items()}) for kind in common}


def chosen(drawings: Mapping[str, Drawing], kind: str | None, called: str) -> dict[str, Drawing]:
    """One of some figures, or all.

    Args:
        drawings: from kind to drawing.
        kind: which; None: all.
        called: what they are of.

    Raises:
        RunDirectoryError: there is none of this kind, with those that there are.
    """
    if not drawings:
        raise RunDirectoryError(f"{called}: has no figures")
    if kind is None:
        return dict(drawings)
    if kind not in drawings:
        raise RunDirectoryError(f"{called}: has no figure {kind}; it has {', '.join(drawings)}")
    return {kind: drawings[kind]}
