"""What the data of each member say before it is trained: reference.npz of a sweep.

It takes the data and their best fits to find, so it is kept, for outcomes and recovery errors to be judged
when the sweep is read again. Its arrays, (M,) each for members in the order of results.csv: ``least`` and
``constant``, the smallest training loss that is possible and that of the best constant answer, NaN where
unknown; ``undetermined:w[0]``, ..., whether the member's data leave that parameter open, for those that some
member's data do; and, where true parameters are known, what `lrcli.analysis.sampling.Sampling` holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sampling import FREEDOM, TABLES, Sampling
from lrcli.analysis.sweep_results import SweepResults
from lrcli.errors import RunDirectoryError
from lrcli.storage.array_file import StoredArray, StreamedArray
from lrcli.storage.sweep_result import SweepResult
from lrcli.storage.table_reading import find_arrays
from lrcli.sweeps.columns import mapped, streamed

__all__ = ["REFERENCE_FILE", "Reference", "read_reference", "reference_arrays"]

REFERENCE_FILE = "reference.npz"
_OPEN = "undetermined:"


@dataclass(frozen=True, eq=False)
class Reference:
    """Fields of `lrcli.analysis.sweep_results.SweepResults` that training does not change, (S, C) each.

    Attributes:
        least: the smallest training loss that is possible.
        constant: that of the best constant answer.
        undetermined: from a parameter's number to the members whose data leave it open.
        sampling: what the data say about the true parameters; None where no truth is known, and in sweeps of
            an older lrcli.
    """

    least: NDArray[np.float64]
    constant: NDArray[np.float64]
    undetermined: Mapping[str, NDArray[np.bool_]]
    sampling: Sampling | None


def reference_arrays(results: SweepResults) -> dict[str, NDArray[Any] | StreamedArray]:
    """The arrays of reference.npz."""
    arrays: dict[str, NDArray[Any] | StreamedArray] = {
        "least": results.least.reshape(-1),
        "constant": results.constant.reshape(-1),
    }
    shape = results.status.shape
    masks = results.undetermined
    arrays |= {f"{_OPEN}{name}": streamed(masks, name, shape, np.bool_) for name in masks}
    if results.sampling is not None:
        arrays[FREEDOM] = results.sampling.freedom.reshape(-1)
        for table, short in TABLES.items():
            found = getattr(results.sampling, table)
            arrays |= {f"{short}:{name}": streamed(found, name, shape, np.float64) for name in found}
    return arrays


def read_reference(directory: Path, result: SweepResult, shape: tuple[int, int]) -> Reference:
    """Read reference.npz again.

    Args:
        directory: of the sweep.
        result: of the sweep.
        shape: (S, C) seeds and configurations.

    Raises:
        RunDirectoryError: it is not there, as in sweeps of an older lrcli, or has been damaged.
    """
    file = result.file(directory, REFERENCE_FILE)
    if file.sha256 is None and not file.path.exists():
        raise RunDirectoryError(
            f"{directory}: has no {REFERENCE_FILE}, without which it cannot be read again: an older lrcli "
            "wrote it, or the file was removed; train it again with lrcli sweep on its experiment.yaml"
        )
    stored = find_arrays(file)
    count = shape[0] * shape[1]
    kinds = {
        each.dtype == (np.bool_ if name.startswith(_OPEN) else np.float64) for name, each in stored.items()
    }
    known = {"least", "constant"} <= stored.keys() and all(each.shape == (count,) for each in stored.values())
    others = [name for name in stored if name not in ("least", "constant") and not name.startswith(_OPEN)]
    if kinds != {True} or not known or not _are_sampling(others):
        raise file.damaged()
    least, constant = (stored[name][:].reshape(shape) for name in ("least", "constant"))
    return Reference(
        least, constant, mapped(stored, shape, _OPEN), _sampling(stored, shape) if others else None
    )


def _are_sampling(names: Sequence[str]) -> bool:
    """Whether arrays are all that a `Sampling` has, or nothing."""
    tables = {name.partition(":")[0] for name in names if name != FREEDOM}
    return tables <= set(TABLES.values()) and (FREEDOM in names or not names)


def _sampling(stored: Mapping[str, StoredArray], shape: tuple[int, int]) -> Sampling:
    freedom = stored[FREEDOM][:].reshape(shape)
    return Sampling(freedom, **{table: mapped(stored, shape, f"{short}:") for table, short in TABLES.items()})
