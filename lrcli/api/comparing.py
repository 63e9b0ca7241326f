"""What is compared: runs with runs, a sweep with a sweep."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrcli.errors import UsageError

if TYPE_CHECKING:
    from lrcli.running.comparison import Comparison

__all__ = ["compare_directories"]


def compare_directories(directories: Sequence[Path]) -> "Comparison":
    """Compare runs, or two sweeps.

    Args:
        directories: of each.

    Raises:
        RunDirectoryError: one of them cannot be read.
        UsageError: there are too few, or too many sweeps; some are runs, some sweeps; or one is named twice.
    """
    from lrcli.running.comparing import compare_runs
    from lrcli.storage.finding import refuse_twice
    from lrcli.storage.reading import read_result
    from lrcli.storage.run_result import RunResult
    from lrcli.storage.sweep_result import SweepResult

    if len(directories) < 2:
        raise UsageError("two runs or more can be compared, or two sweeps; name another")
    refuse_twice(directories)
    results = [read_result(directory) for directory in directories]
    runs = [result for result in results if isinstance(result, RunResult)]
    if len(runs) == len(results):
        return compare_runs(directories, runs)
    sweeps = [result for result in results if isinstance(result, SweepResult)]
    if len(sweeps) == len(results) == 2:
        from lrcli.sweeps.comparing import compare_sweeps

        return compare_sweeps(directories, sweeps)
    if len(sweeps) == len(results):
        raise UsageError(f"two sweeps can be compared at a time, not {len(sweeps)}")
    kinds = [
        f"{where} is a {'run' if isinstance(result, RunResult) else 'sweep'}"
        for where, result in zip(directories, results, strict=True)
    ]
    raise UsageError("runs can be compared with runs, and a sweep with a sweep:", kinds)
