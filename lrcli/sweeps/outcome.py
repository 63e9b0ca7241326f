"""What the members of a part have come to: a value that a process can hand to another, and a file of it."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.storage.history import History
from lrcli.storage.sealed import read_sealed, sealed_content, write_sealed
from lrcli.sweeps.cutting import Part
from lrcli.training.states import State

__all__ = ["PartOutcome", "arrays_of", "content_of_outcome", "is_of", "load_outcome", "save_outcome", "whose"]

Array = NDArray[np.float64]
_STATE = ("status", "diverged_step", "epochs", "best")
_WHOSE = ("indices", "fingerprint")
_TABLES = ("final", "errors", "levels", "undetermined", "sampling")


@dataclass(frozen=True, eq=False)
class PartOutcome:
    """What has become of the R members of a part, in plain arrays.

    Attributes:
        status: (R,) completed, stopped_early, diverged or interrupted.
        diverged_step: (R,) as in `lrcli.training.loop.Members`; 0: it has not diverged.
        epochs: (R,) epochs finished.
        best: (R,) the best value of the metric by which the part keeps its best states.
        final: from metric to its last value, (R,).
        errors: from a parameter's number, such as ``w[0]``, to reference minus learned, (R,).
        levels: ``least`` and ``constant``, (R,) each, as `lrcli.running.levels.Levels`.
        undetermined: from a parameter's number to 1 for the members whose data leave it open, else 0, (R,).
        sampling: the arrays of a `lrcli.analysis.sampling.Sampling`, (R,) each; none where no truth is known.
        history: the records; fewer than were planned where all members ended before.
        seconds: in the engine; 0 for an outcome that was read from a file.
    """

    status: NDArray[np.str_]
    diverged_step: NDArray[np.int64]
    epochs: NDArray[np.int64]
    best: Array
    final: Mapping[str, Array]
    errors: Mapping[str, Array]
    levels: Mapping[str, Array]
    undetermined: Mapping[str, Array]
    sampling: Mapping[str, Array]
    history: History
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether every member has ended."""
        return not np.any(self.status == "interrupted")


def save_outcome(path: Path, part: Part, outcome: PartOutcome, fingerprint: str) -> None:
    """Write an outcome, with what tells whose it is.

    Args:
        path: of the file.
        part: whose outcome.
        outcome: what its members have come to.
        fingerprint: of the plan of the sweep.

    Raises:
        WriteError: the file could not be written.
    """
    write_sealed(path, whose(part, fingerprint) | arrays_of(outcome))


def arrays_of(outcome: PartOutcome) -> State:
    """All of an outcome by name, such as ``best``, ``final:val/loss`` or ``history:val/loss``."""
    ends = {name: getattr(outcome, name) for name in _STATE}
    tables = {f"{kind}:{name}": v for kind in _TABLES for name, v in getattr(outcome, kind).items()}
    return ends | tables | {f"history:{name}": values for name, values in outcome.history.arrays.items()}


def load_outcome(path: Path, part: Part, fingerprint: str) -> PartOutcome | None:
    """Read what `save_outcome` wrote of the same part of the same plan; None where it is not there whole.

    Of a file that has been damaged a warning tells.

    Raises:
        RunDirectoryError: a newer lrcli has written it.
    """
    saved = read_sealed(path)
    if saved is None and path.exists():
        warnings.warn(f"{path}: has been damaged; its members are trained anew", stacklevel=2)
    if saved is None or not is_of(saved, part, fingerprint):
        return None
    return _outcome({name: array for name, array in saved.items() if name not in _WHOSE})


def content_of_outcome(path: Path, part: Part, fingerprint: str) -> bytes | None:
    """The bytes of a file that `save_outcome` wrote of the same part of the same plan; None: it is not whole.

    Raises:
        RunDirectoryError: a newer lrcli has written it.
    """
    found = sealed_content(path, _WHOSE)
    return found[0] if found is not None and is_of(found[1], part, fingerprint) else None


def whose(part: Part, fingerprint: str) -> State:
    """Arrays that say whose the others in a file are."""
    return {"indices": part.indices, "fingerprint": np.array(fingerprint)}


def is_of(saved: Mapping[str, NDArray[Any]], part: Part, fingerprint: str) -> bool:
    """Whether the arrays of a file are of a part of a plan."""
    own = whose(part, fingerprint)
    return all(name in saved and np.array_equal(saved[name], value) for name, value in own.items())


def _outcome(saved: Mapping[str, NDArray[Any]]) -> PartOutcome:
    """An outcome from the arrays of its file.

    Raises:
        KeyError: one is missing.
    """
    groups: dict[str, dict[str, NDArray[Any]]] = {kind: {} for kind in (*_STATE, *_TABLES, "history")}
    for key, values in saved.items():
        kind, _, name = key.partition(":")
        groups[kind][name] = values
    history = History.of_arrays(groups["history"])
    found: dict[str, Any] = {name: saved[name] for name in _STATE}
    found |= {kind: groups[kind] for kind in _TABLES}
    return PartOutcome(history=history, **found)
