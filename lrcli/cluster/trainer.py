"""The parts of a sweep trained by the workers of a cluster: what their client does.

    with ClusterTrainer("tcp://lab:8786") as trainer:
        for event in run_sweep(plan, files, interruption, trainer):
            ...

Each worker is given one part, the longest first, and another one when that has ended. So a worker that dies
is blamed on the part that it trained, and on no other; what ended is taken and let go of at once; and no more
is lost with the client or the scheduler than what was being trained.
"""

import contextlib
import itertools
import queue
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from lrcli.cluster.asking import described, waiting, wanted
from lrcli.cluster.calling import called
from lrcli.errors import ClusterError
from lrcli.running.location import Interruption
from lrcli.running.moments import Waiting
from lrcli.running.preparation import Compiling
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.part import PartProgress
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.trainer import PartEnded, PartLost, PartReached, TrainerEvent, Workers
from lrcli.wording import counted

if TYPE_CHECKING:
    from distributed import Future

    from lrcli.cluster.opening import Opened
    from lrcli.cluster.roster import Accepted
    from lrcli.cluster.roster import Workers as Admitted
    from lrcli.cluster.work import Trained, Work

__all__ = ["ClusterTrainer"]

_LOOKING = 0.2  # seconds between two looks at the scheduler, the workers and the wish to stop
_FETCHING = 5.0  # seconds that a result may take, at first
_MOST_DEATHS = 3  # of workers that trained a part, before it is given up
_BEFORE = 0.2  # of a death, where the part had not begun: the worker had one of another sweep before it
_NOBODY = Waiting("no worker is left; waiting for others, Ctrl-C gives up", "no worker is left")


class _Task(NamedTuple):
    """What a worker has been given.

    Attributes:
        number: of the part.
        worker: who.
    """

    number: int
    worker: "Accepted"


class ClusterTrainer:
    """A `lrcli.sweeps.trainer.Trainer`."""

    def __init__(self, word: str) -> None:
        """Start nothing yet.

        Args:
            word: see `lrcli.cluster.words`.
        """
        self.facts: Mapping[str, Any] = {}
        self.workers: Workers | None = None
        self._word = str(word)  # a Dask client, say, is refused as no word rather than by a traceback
        self._stack = contextlib.ExitStack()
        self._news: queue.SimpleQueue[Any] = queue.SimpleQueue()  # futures that are done, words of workers
        self._processors: Counter[str] = Counter()  # parts by the kind that trained them
        self._said: set[str] = set()
        self._deaths: defaultdict[int, float] = defaultdict(float)  # of workers that trained a part
        self._begun: set[tuple[int, str]] = set()  # parts that their workers have begun with
        self._pending: dict[Future[Any], _Task] = {}
        self._left: list[int] = []  # parts that no worker has, the next one last
        self._tries = itertools.count()
        self._plan: SweepPlan
        self._opened: Opened
        self._admitted: Admitted
        self._work: Work

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def warnings(self) -> Sequence[str]:
        """That processors of several kinds have trained."""
        if len(self._processors) < 2:
            return []
        kinds = [f"{name or 'unknown'} ({counted(n, 'part')})" for name, n in self._processors.most_common()]
        return [f"trained by processors of several kinds, whose last bits may differ: {', '.join(kinds)}"]

    def ready(self, plan: SweepPlan, numbers: Sequence[int]) -> Iterator[Waiting]:
        """Find workers, and have one prepare the longest part.

        Raises:
            UsageError: the word means nothing, or Dask is not installed; or the sweep cannot be trained.
            ClusterError: there are no workers that can train it.
        """
        from lrcli.cluster.opening import need_dask, open_cluster

        need_dask()
        from lrcli.cluster.plugin import admitted

        self._plan = plan
        yield waiting(self._word)
        self._opened = self._stack.enter_context(open_cluster(self._word))
        self._admitted = self._stack.enter_context(admitted(self._opened, wanted(plan)))
        self._admitted.listener = self._hear
        self._work = described(plan, self._admitted)
        self._look()
        yield from self._probe(self._longest_first(numbers)[0])

    def train(
        self, files: SweepFiles, numbers: Sequence[int], interruption: Interruption
    ) -> Iterator[TrainerEvent]:
        """Train parts; those that nobody waits for any more end soon, and are lost."""
        self._left = self._longest_first(numbers)[::-1]
        alone = False
        try:
            while (self._left or self._pending) and not interruption.requested:
                self._look()
                self._tell_of_refused()
                yield from self._bereft()
                for worker in self._idle()[: len(self._left)]:
                    self._hand_out(self._left.pop(), worker)
                if self._left and not self._pending and not alone:
                    yield _NOBODY
                alone = not self._pending
                yield from self._news_of_parts()
        finally:
            self._give_up(*self._pending)
            self._stack.close()

    def _longest_first(self, numbers: Sequence[int]) -> list[int]:
        return sorted(numbers, key=lambda number: -self._plan.parts[number].seconds)

    # What workers are told ------------------------------------------------------------------------

    def _submit(self, task: str, number: int, worker: "Accepted") -> "Future[Any]":
        """Have a worker do something with a part; no other is asked to, should it die over that."""
        function, text, arguments = called(f"lrcli.cluster.work:{task}", self._work, number)
        key = f"{self._admitted.name}-{task}-part-{number}-{next(self._tries)}"
        future: Future[Any] = self._opened.client.submit(
            function, text, arguments, key=key, workers=[worker.address], pure=False
        )
        future.add_done_callback(self._news.put)
        return future

    def _idle(self) -> "list[Accepted]":
        """The workers that could train now."""
        busy = {task.worker.address for task in self._pending.values()}
        return [worker for address, worker in self._admitted.accepted.items() if address not in busy]

    def _hear(self, address: str, told: Mapping[str, Any]) -> None:
        """Take what a worker says, in Dask's own thread, so before it is known that the worker has gone."""
        self._begun.add((told["part"], address))
        self._news.put(told)

    def _hand_out(self, number: int, worker: "Accepted") -> None:
        self._begun.discard((number, worker.address))
        self._pending[self._submit("train", number, worker)] = _Task(number, worker)

    def _bereft(self) -> Iterator[PartLost]:
        """See to parts whose worker has gone before they had ended."""
        for future, task in [*self._pending.items()]:
            gone = not self._admitted.has(task.worker) and future.status != "error"
            if gone or future.status == "cancelled":
                yield from self._taken_back(future, task)

    def _taken_back(self, future: "Future[Any]", task: _Task) -> Iterator[PartLost]:
        """Let another worker train what one has not, unless that was tried often enough."""
        del self._pending[future]
        self._give_up(future)
        self._deaths[task.number] += 1 if (task.number, task.worker.address) in self._begun else _BEFORE
        if self._deaths[task.number] < _MOST_DEATHS:
            self._left.insert(0, task.number)  # after all others, should it be what kills workers
        else:
            yield PartLost(task.number, f"was given up: {_MOST_DEATHS} workers died while training it")

    def _probe(self, number: int) -> Iterator[Waiting]:
        """Have a worker prepare a part, so that it is known whether it can be trained."""
        tried = 0
        while tried < _MOST_DEATHS:
            self._look()
            worker = next(iter(self._idle()), None)
            if worker is None:  # those that were there have gone
                self._awaited()
                continue
            tried += 1
            future = self._submit("prepare", number, worker)
            while not future.done() and self._admitted.has(worker):
                self._look()
                if any(isinstance(news, Mapping) for news in self._awaited()):
                    yield Compiling()
            facts = self._fetched(future, worker)
            self._give_up(future)
            if facts is not None:
                self.facts = facts
                return
        raise ClusterError(f"{_MOST_DEATHS} workers died while preparing part {number}")

    # What comes from them -------------------------------------------------------------------------

    def _awaited(self) -> list[Any]:
        """What has come; waits for something for a moment."""
        found = []
        with contextlib.suppress(queue.Empty):
            found.append(self._news.get(timeout=_LOOKING))
            while True:
                found.append(self._news.get_nowait())
        return found

    def _news_of_parts(self) -> Iterator[TrainerEvent]:
        """What has come of parts that are being trained."""
        for news in self._awaited():
            if not isinstance(news, Mapping):
                task = self._pending.get(news)
                if task is not None and news.status != "cancelled":
                    yield from self._ended(news, task)
            elif "reached" in news and (news["part"], news["worker"]) in self._trained_now:
                yield PartReached(news["part"], PartProgress(*news["reached"]))

    @property
    def _trained_now(self) -> set[tuple[int, str]]:
        """The number of each part, and the address of its worker."""
        return {(task.number, task.worker.address) for task in self._pending.values()}

    def _ended(self, future: "Future[Any]", task: _Task) -> Iterator[TrainerEvent]:
        """Take what a part has come to, and have the cluster forget it.

        Raises:
            LrcliError: it could not be trained, and so others cannot either.
        """
        trained: Trained | None = self._fetched(future, task.worker)
        if trained is None or not trained.outcome.is_complete:  # its worker has ended, or was about to
            yield from self._taken_back(future, task)
            return
        del self._pending[future]
        self._give_up(future)
        if not np.array_equal(trained.indices, self._plan.parts[task.number].indices):
            raise ClusterError(
                f"worker {task.worker.address} has cut the sweep otherwise than this process does"
            )
        self._processors[str(task.worker.facts.get("processor", ""))] += 1
        for text in trained.warnings:
            self._say(text, text)
        yield PartEnded(task.number, trained.outcome)

    def _say(self, what: str, text: str) -> None:
        """Warn of something once."""
        if what not in self._said:
            self._said.add(what)
            warnings.warn(text, stacklevel=2)

    def _fetched(self, future: "Future[Any]", worker: "Accepted") -> Any:
        """What a worker has, or None where it has gone before it gave it: Dask would wait for it for ever.

        Raises:
            Exception: what the task has raised.
        """
        from distributed import KilledWorker

        patience = _FETCHING
        while self._admitted.has(worker) or future.status == "error":
            if future.status == "error" and isinstance(future.exception(), KilledWorker):
                return None  # where the scheduler allows no failures
            if future.status == "error":
                return future.result()  # which raises it
            try:
                return future.result(timeout=patience)
            except TimeoutError:
                self._look()
                patience *= 2
            except CancelledError:
                self._look()
                return None
        return None

    def _look(self) -> None:
        """See whether the scheduler is there, and who may train.

        Raises:
            ClusterError: it has gone, or its workers cannot even start.
        """
        self._opened.check()
        if self._opened.processes is not None:
            self._opened.processes.check()
        count = len(self._admitted.accepted)
        self.workers = Workers(count, self._opened.address, self._opened.dashboard)

    def _tell_of_refused(self) -> None:
        """Name a worker for each reason for which some are not used."""
        for address, reasons in self._admitted.refused.items():
            why = "; ".join(reasons)
            self._say(why, f"worker {address} is not used: {why}")

    # The end --------------------------------------------------------------------------------------

    def _give_up(self, *futures: "Future[Any]") -> None:
        with contextlib.suppress(Exception):  # the scheduler has gone, and what it knew with it
            self._opened.client.cancel(list(futures), force=True)
