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
import json
import queue
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from lrcli.cluster.calling import called
from lrcli.cluster.words import ClassOfCluster, Local, parse_word
from lrcli.errors import ClusterError
from lrcli.experiment.experiment import resolved
from lrcli.experiment.user_code import code_digests
from lrcli.running.engine_choice import engine_of
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

    from lrcli.cluster.facts import Wanted
    from lrcli.cluster.opening import Opened
    from lrcli.cluster.plugin import Workers as Admitted
    from lrcli.cluster.work import Trained, Work

__all__ = ["ClusterTrainer"]

_LOOKING = 0.2  # seconds between two looks at the scheduler, the workers and the wish to stop
_FETCHING = 5.0  # seconds that a result may take, at first
_MOST_DEATHS = 3  # of workers that trained a part, before it is given up
_EQUAL = {"torch": ("lrcli", "torch"), "compiled": ("lrcli", "numba", "llvmlite")}  # of an engine's workers


class _Task(NamedTuple):
    """What a worker has been given.

    Attributes:
        number: of the part.
        address: of the worker.
    """

    number: int
    address: str


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
        self._news: queue.SimpleQueue[Any] = (
            queue.SimpleQueue()
        )  # futures that are done, and words of workers
        self._processors: Counter[str] = Counter()  # parts by the kind that trained them
        self._said: set[str] = set()
        self._deaths: Counter[int] = Counter()  # of workers that trained a part
        self._pending: dict[Future[Any], _Task] = {}
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
        yield _waiting(self._word)
        self._opened = self._stack.enter_context(open_cluster(self._word))
        self._admitted = self._stack.enter_context(admitted(self._opened, _wanted(plan), lambda _: None))
        self._admitted.listener = lambda _, told: self._news.put(told)
        self._work = self._described()
        self._look()
        yield from self._probe(self._longest_first(numbers)[0])

    def train(
        self, files: SweepFiles, numbers: Sequence[int], interruption: Interruption
    ) -> Iterator[TrainerEvent]:
        """Train parts; those that nobody waits for any more end soon, and are lost."""
        left = self._longest_first(numbers)[::-1]
        try:
            while (left or self._pending) and not interruption.requested:
                self._look()
                for number in self._bereft():
                    if self._deaths[number] < _MOST_DEATHS:
                        left.append(number)
                    else:
                        yield PartLost(number, f"was given up: {_MOST_DEATHS} workers died while training it")
                for address in self._idle()[: len(left)]:
                    self._hand_out(left.pop(), address)
                yield from self._news_of_parts()
        finally:
            self._give_up(*self._pending)
            self._stack.close()

    def _longest_first(self, numbers: Sequence[int]) -> list[int]:
        return sorted(numbers, key=lambda number: -self._plan.parts[number].seconds)

    # What workers are told ------------------------------------------------------------------------

    def _described(self) -> "Work":
        from lrcli.cluster.work import Work

        plan = self._plan
        return Work(
            experiment=json.dumps(resolved(plan.experiment)),
            memory=plan.memory,
            shares=plan.shares,
            code=frozenset(code_digests(plan.experiment).values()),
            admission=self._admitted.name,
            topic=self._admitted.topic,
        )

    def _submit(self, task: str, number: int, address: str) -> "Future[Any]":
        """Have a worker do something with a part; no other is asked to, should it die over that."""
        function, text, arguments = called(f"lrcli.cluster.work:{task}", self._work, number)
        key = f"{self._admitted.name}-{task}-part-{number}-{next(self._tries)}"
        future: Future[Any] = self._opened.client.submit(
            function, text, arguments, key=key, workers=[address], pure=False
        )
        future.add_done_callback(self._news.put)
        return future

    def _idle(self) -> list[str]:
        """The workers that could train now."""
        busy = {task.address for task in self._pending.values()}
        return [address for address in self._admitted.accepted if address not in busy]

    def _hand_out(self, number: int, address: str) -> None:
        self._pending[self._submit("train", number, address)] = _Task(number, address)

    def _bereft(self) -> Iterator[int]:
        """Parts whose worker has gone before they had ended; they are not pending any more."""
        gone = {*self._admitted.gone}
        for future, task in [*self._pending.items()]:
            if future.status == "cancelled" or (task.address in gone and future.status != "error"):
                del self._pending[future]
                self._give_up(future)
                self._deaths[task.number] += 1
                yield task.number

    def _probe(self, number: int) -> Iterator[Waiting]:
        """Have a worker prepare a part, so that it is known whether it can be trained."""
        address = self._idle()[0]
        future = self._submit("prepare", number, address)
        while not future.done():
            self._look()
            if address in self._admitted.gone:
                raise ClusterError(f"worker {address} died while it prepared a part")
            if any(isinstance(news, Mapping) for news in self._awaited()):
                yield Compiling()
        self.facts = future.result()
        self._give_up(future)

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
            elif _Task(news["part"], news["worker"]) in self._pending.values() and "reached" in news:
                yield PartReached(news["part"], PartProgress(*news["reached"]))

    def _ended(self, future: "Future[Any]", task: _Task) -> Iterator[TrainerEvent]:
        """Take what a part has come to, and have the cluster forget it; nothing where its worker has gone.

        Raises:
            LrcliError: it could not be trained, and so others cannot either.
        """
        trained = self._fetched(future, task.address)
        if trained is None:
            return
        del self._pending[future]
        self._give_up(future)
        if not np.array_equal(trained.indices, self._plan.parts[task.number].indices):
            raise ClusterError(f"worker {task.address} has cut the sweep otherwise than this process does")
        self._processors[str(trained.facts.get("processor", ""))] += 1
        for text in trained.warnings:
            if text not in self._said:
                self._said.add(text)
                warnings.warn(text, stacklevel=2)
        yield PartEnded(task.number, trained.outcome)

    def _fetched(self, future: "Future[Any]", address: str) -> "Trained | None":
        """What a worker has, or None where it goes before it gives it: Dask would wait for it for ever."""
        patience = _FETCHING
        while address not in self._admitted.gone:
            try:
                trained: Trained = future.result(timeout=patience)
            except TimeoutError:
                self._look()
                patience *= 2
            except CancelledError:
                self._look()
                return None
            else:
                return trained
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

    # The end --------------------------------------------------------------------------------------

    def _give_up(self, *futures: "Future[Any]") -> None:
        with contextlib.suppress(Exception):  # the scheduler has gone, and what it knew with it
            self._opened.client.cancel(list(futures), force=True)


def _wanted(plan: SweepPlan) -> "Wanted":
    """What a worker must have."""
    from lrcli.cluster.facts import Wanted, facts_here
    from lrcli.cluster.sent_code import code_to_send

    engines = {engine_of(part.group.experiment)[0] for part in plan.parts}
    equal = tuple(dict.fromkeys(key for engine in engines for key in _EQUAL[engine]))
    return Wanted(facts_here(), equal, plan.files, code_to_send(code_digests(plan.experiment)))


def _waiting(word: str) -> Waiting:
    meant = parse_word(word)
    if isinstance(meant, Local):
        starting = f"starting {counted(meant.workers, 'worker')}"
        return Waiting(starting, starting)
    if isinstance(meant, ClassOfCluster):
        return Waiting(f"waiting for workers of {meant}; Ctrl-C gives up", "waiting for workers")
    return Waiting(f"waiting for workers of {meant.address}; Ctrl-C gives up", "waiting for workers")
