"""A run trained from the experiment.yaml of an earlier one: what differs from it, and whether its numbers do.

On the machine of the earlier run the numbers are the same to the last bit. Elsewhere they may not be; then
what they depend on is told before training, and how far they agree after it.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.errors import RunDirectoryError
from lrcli.storage.history import History
from lrcli.storage.reading import find_result
from lrcli.storage.result_fields import SourceFiles
from lrcli.storage.run_result import Repetition, RunResult
from lrcli.storage.table_reading import read_metrics
from lrcli.wording import one_line

__all__ = ["Earlier", "differing_facts", "earlier_run", "what_differs"]

_ENDED = {"completed", "stopped_early", "diverged"}
_DEPENDED_ON = ("lrcli", "python", "numpy", "engine", "torch", "numba", "llvmlite", "device", "gpu")
_MACHINE = ("platform", "processor", "denormals_flushed")


@dataclass(frozen=True)
class Earlier:
    """The run whose experiment.yaml is trained.

    Attributes:
        directory: of it.
        result: how it ended.
    """

    directory: Path
    result: RunResult

    def compared(self, result: RunResult, history: History) -> RunResult:
        """The result of a run that has ended, with how its numbers compare with those of the earlier one.

        Args:
            result: of the run that repeats it.
            history: its records.
        """
        if not {result.status, self.result.status} <= _ENDED:
            return result
        with contextlib.suppress(RunDirectoryError):  # its records are gone: there is nothing to compare with
            epoch = _first_difference(read_metrics(self.result.file(self.directory, "metrics.csv")), history)
            same = epoch is None and _same_parameters(self.result.parameters, result.parameters)
            return replace(result, repetition=Repetition(self.directory.as_posix(), same, epoch))
        return result


def earlier_run(source: SourceFiles | None, run_dir: Path) -> Earlier | None:
    """The run whose experiment.yaml an experiment was read from, nothing changed; None: there is none.

    Args:
        source: what the experiment was read from.
        run_dir: of the run that is trained; one that goes on repeats nothing.
    """
    if source is None or source.overrides or Path(source.file).name != "experiment.yaml":
        return None
    directory = Path(source.file).parent
    if directory.resolve() == run_dir.resolve():
        return None
    with contextlib.suppress(RunDirectoryError):
        result = find_result(directory / "result.json")
        return Earlier(directory, result) if isinstance(result, RunResult) else None
    return None


def what_differs(
    earlier: Earlier | None, facts: Mapping[str, Any], data: Mapping[str, str], *, goes_on: bool = False
) -> tuple[str, ...]:
    """What the numbers of an earlier run depended on that is otherwise now, as a note; or none.

    Args:
        earlier: the run.
        facts: what the numbers depend on now, as a result's environment has it.
        data: from each file of examples to the SHA-256 of its content.
        goes_on: it is the same run, which goes on.
    """
    if earlier is None:
        return ()
    there = earlier.result.environment
    files = {each.file: each.sha256 for each in earlier.result.data}
    code_there, code_here = there.get("code"), facts.get("code")
    changed = [*_changed(files, data)]
    if isinstance(code_there, Mapping) and isinstance(code_here, Mapping):
        changed += _changed(code_there, code_here)
    found = [*differing_facts(there, facts), *(f"{file} has changed" for file in changed)]
    if not found:
        return ()
    what = "goes on otherwise than it was begun" if goes_on else "differs from the run it repeats"
    return (one_line(f"{what}: {'; '.join(found)}"),)


def differing_facts(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """Each fact that is known of both environments and differs, in words.

    Threads count where sums may be cut up by them.
    """
    threads = ("threads",) if there.get("engine") == here.get("engine") == "torch" else ()
    for key in (*_DEPENDED_ON, *threads, *_MACHINE):
        one, other = there.get(key), here.get(key)
        if one != other and one is not None and other is not None:
            yield f"{key.replace('_', ' ')} {one} there, {other} here"


def _changed(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The files of both whose content differs."""
    return [file for file, digest in here.items() if there.get(file, digest) != digest]


def _first_difference(there: History, here: History) -> int | None:
    """The epoch of the first record that differs in any bit, or that one of the two lacks; or None."""
    count = min(len(there.epoch), len(here.epoch))
    differs = (there.epoch[:count] != here.epoch[:count]) | (there.step[:count] != here.step[:count])
    if set(there.metrics) != set(here.metrics):
        differs[:] = True
    for name in set(there.metrics) & set(here.metrics):
        differs |= ~_same(there.metrics[name][0, :count], here.metrics[name][0, :count])
    if differs.any():
        return int(here.epoch[np.argmax(differs)])
    longer = max((there.epoch, here.epoch), key=len)
    return int(longer[count]) if len(longer) > count else None


def _same_parameters(there: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    arrays = [{name: np.asarray(v, dtype=np.float64) for name, v in each.items()} for each in (there, here)]
    return set(there) == set(here) and all(
        one.shape == arrays[1][name].shape and bool(_same(one, arrays[1][name]).all())
        for name, one in arrays[0].items()
    )


def _same(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where numbers are equal, zero and minus zero told apart; NaN is NaN, whatever its bits."""
    equal: NDArray[np.bool_] = (one == other) & (np.signbit(one) == np.signbit(other))
    return equal | (np.isnan(one) & np.isnan(other))
