"""Whether a run repeats another to the bit; numbers in files are in the shortest form that reads back."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from lrcli.errors import RunDirectoryError
from lrcli.running.comparison import BitComparison
from lrcli.storage.digests import KeptFile
from lrcli.storage.run_result import RunResult

__all__ = ["compare_bits"]

_Record = Mapping[str, str]


def compare_bits(
    runs: tuple[int, int], directories: Sequence[Path], results: Sequence[RunResult]
) -> BitComparison:
    """Compare two runs of the same settings and seed, record by record, then in what they learned.

    Args:
        runs: the positions of the two.
        directories: of all runs.
        results: likewise.
    """
    try:
        first, second = (_records(results[run].file(directories[run], "metrics.csv")) for run in runs)
    except (OSError, ValueError, csv.Error, RunDirectoryError) as error:
        return BitComparison(runs, None, unknown=_reason(error))
    common = [epoch for epoch in first if epoch in second]
    if not common:
        return BitComparison(runs, None, unknown="they have no records in common")
    for epoch in common:
        a, b = first[epoch], second[epoch]
        for name in a:
            if name in b and a[name] != b[name]:
                step = int(a["step"]) if a["step"].isdecimal() else None
                values = (a[name], b[name])
                return BitComparison(
                    runs,
                    False,
                    len(common),
                    int(epoch),
                    step,
                    name,
                    values,
                )
    return _ends(runs, len(common), *(results[run] for run in runs))


def _ends(runs: tuple[int, int], records: int, first: RunResult, second: RunResult) -> BitComparison:
    """Where no record differs: what they have learned, where they ended at the same step."""
    if first.steps == second.steps and first.parameters and second.parameters:
        for name, value in first.parameters.items():
            if name in second.parameters and repr(value) != repr(second.parameters[name]):
                return BitComparison(runs, False, records, metric=f"parameter {name}")
        for name, number in first.metrics.items():  # those of the test set are in no record
            if name in second.metrics and repr(number) != repr(second.metrics[name]):
                values = (repr(number), repr(second.metrics[name]))
                return BitComparison(runs, False, records, metric=name, values=values)
    return BitComparison(runs, True, records)


def _records(file: KeptFile) -> dict[str, _Record]:
    """From epoch to the cells of its record; a last line that was cut off is none.

    Raises:
        OSError: the file cannot be read.
        RunDirectoryError: it is not as it was written.
        ValueError: it is no table of records.
    """
    lines = io.StringIO(file.content().decode(), newline="")
    header, *rows = [*csv.reader(lines)] or [[]]
    if not {"epoch", "step"} <= set(header):
        raise ValueError("has been damaged")
    records = [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]
    if any(not record["epoch"].isdecimal() for record in records):
        raise ValueError("has been damaged")
    return {record["epoch"]: record for record in records}


def _reason(error: Exception) -> str:
    if isinstance(error, RunDirectoryError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror or error}"
    return "a metrics.csv has been damaged"
