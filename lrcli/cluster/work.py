"""What a worker of a cluster does: it trains a part of a sweep, of which it is told the experiment alone.

    outcome = client.submit(train, work, number, ...)

The experiment, the memory that a part may take and the number of the part are all that goes to a worker: it
draws the examples itself, and cuts the sweep as everybody does.
"""

import json
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.cluster.plugin import code_paths
from lrcli.errors import ClusterError, DeviceError, EngineError, UsageError
from lrcli.experiment.loading import load
from lrcli.experiment.user_code import code_digests
from lrcli.running.location import Interruption
from lrcli.running.preparation import Prepared, make_ready
from lrcli.storage.provenance import environment
from lrcli.sweeps.outcome import PartOutcome
from lrcli.sweeps.part import PartProgress, prepare_part, train_part
from lrcli.sweeps.plan import SweepPlan, plan_sweep
from lrcli.training.cores import use_at_most

if TYPE_CHECKING:
    from distributed import Worker

__all__ = ["Trained", "Work", "prepare", "train", "with_paths"]

_TELLING = 0.5  # seconds from one word about the progress to the next
_FINISHING = ("running", "paused", "closing_gracefully")  # what workers are that finish what they compute
_UNTOLD = (
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)  # as by Python itself
_one_at_a_time = Lock()  # threads and warnings are of a process, and several sweeps may share a worker


@dataclass(frozen=True)
class Work:
    """What a worker must know of a sweep.

    Attributes:
        experiment: with all defaults, as JSON.
        memory: bytes that a part may take.
        shares: how many its parts are to make.
        code: the SHA-256 of each Python file of the user's.
        admission: the name of what has admitted the worker, see `lrcli.cluster.plugin`.
        topic: under which it tells of its progress.
    """

    experiment: str
    memory: int
    shares: int
    code: frozenset[str]
    admission: str
    topic: str


@dataclass(frozen=True, eq=False)
class Trained:
    """A part that a worker has trained.

    Attributes:
        indices: (R, 2) of its members, as of `lrcli.sweeps.cutting.Part`.
        outcome: what they have come to.
        warnings: what was warned of.
    """

    indices: NDArray[np.intp]
    outcome: PartOutcome
    warnings: tuple[str, ...]


def prepare(work: Work, number: int) -> dict[str, Any]:
    """Prepare a part, so that it is known whether it can be trained.

    Returns:
        what its numbers depend on.

    Raises:
        ClusterError: it cannot be trained here.
        LrcliError: it cannot be trained.
    """
    with _at_work():
        return environment() | _prepared(work, number).engine.environment


def train(work: Work, number: int) -> Trained:
    """Train a part, telling how far it has come, until it has ended or nobody wants it any more.

    It tells of its part: what of it was ``reached``, as a `lrcli.sweeps.part.PartProgress` has it; nothing
    when it begins, after what other sweeps train in this process, and while machine code is being compiled.

    Raises:
        ClusterError: it cannot be trained here.
        LrcliError: it cannot be trained.
    """
    interruption = Interruption()
    with _at_work(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for kind in _UNTOLD:
            warnings.simplefilter("ignore", kind)
        _worker().log_event(work.topic, {"part": number})  # should the process die, it is over this part
        prepared = _prepared(work, number)
        plan = _plan(work)
        training = train_part(plan.parts[number], prepared, plan.select, interruption)
        outcome = _followed(training, work, number, interruption)
    said = tuple(dict.fromkeys(str(each.message) for each in caught))
    return Trained(plan.parts[number].indices, outcome, said)


def _followed(
    training: Generator[PartProgress, None, PartOutcome], work: Work, number: int, interruption: Interruption
) -> PartOutcome:
    wanted, worker = _wanted(), _worker()
    due = 0.0
    while True:
        try:
            reached = next(training)
        except StopIteration as ended:
            outcome: PartOutcome = ended.value
            return outcome
        if time.monotonic() >= due:
            due = time.monotonic() + _TELLING
            told = [reached.step, reached.diverged, reached.best]
            worker.log_event(work.topic, {"part": number, "reached": told})
            interruption.requested |= not wanted()


def _wanted() -> Callable[[], bool]:
    """Whether anybody still wants what this task computes."""
    worker = _worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing" and worker.status.name in _FINISHING

    return wanted


def _prepared(work: Work, number: int) -> Prepared:
    prepared = prepare_part(_plan(work).parts[number])
    for _ in make_ready(prepared):
        _worker().log_event(work.topic, {"part": number})
    return prepared


@lru_cache(maxsize=2)
def _plan(work: Work) -> SweepPlan:
    """The plan of a sweep, made once in a process.

    Raises:
        ClusterError: its files are not here, or are others.
    """
    paths = code_paths(work.admission)
    try:
        written = with_paths(json.loads(work.experiment), paths)
        plan = plan_sweep(load(written), work.memory, work.shares, must_fit=False)
    except UsageError as error:  # where it was begun it could be planned
        raise _cannot(error) from None
    if frozenset(code_digests(plan.experiment).values()) != work.code:
        raise _cannot("the Python files of the experiment are others there than where the sweep was begun")
    return plan


def with_paths(value: Any, paths: Mapping[str, str]) -> Any:
    """An experiment that says other paths.

    Args:
        value: what it is written as, or a part of that.
        paths: from a path to that which is said instead.
    """
    if isinstance(value, dict):
        return {key: with_paths(each, paths) for key, each in value.items()}
    if isinstance(value, list):
        return [with_paths(each, paths) for each in value]
    return paths.get(value, value) if isinstance(value, str) else value


@contextmanager
def _at_work() -> Iterator[None]:
    """As a worker: with its own cores alone, and its address in what it lacks."""
    use_at_most(_worker().state.nthreads)
    try:
        with _one_at_a_time:
            yield
    except (DeviceError, EngineError) as error:
        raise _cannot(error) from None


def _cannot(why: object) -> ClusterError:
    return ClusterError(f"worker {_worker().address} cannot train the sweep: {why}")


def _worker() -> "Worker":
    from distributed import get_worker

    return get_worker()
