"""Who trains the parts of a sweep: this process, one part after the other, or workers elsewhere.

Whoever it is, they are the same parts, and members end with the same bits.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lrcli.running.location import Interruption
from lrcli.running.moments import Waiting
from lrcli.running.preparation import Prepared, make_ready
from lrcli.storage.state import read_state
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.outcome import PartOutcome, is_of, whose
from lrcli.sweeps.part import PartKeeping, PartProgress, prepare_part, train_part
from lrcli.sweeps.plan import SweepPlan

__all__ = ["OwnProcess", "PartEnded", "PartLost", "PartReached", "Trainer", "TrainerEvent", "Workers"]


@dataclass(frozen=True)
class Workers:
    """Processes that train parts, each one part at a time.

    Attributes:
        count: how many there are now.
        scheduler: the address of the process that hands parts to them.
        dashboard: the address of a page about them; empty where there is none.
    """

    count: int
    scheduler: str
    dashboard: str = ""


@dataclass(frozen=True)
class PartReached:
    """A part has come this far.

    Attributes:
        number: of the part in the plan.
        progress: how far.
    """

    number: int
    progress: PartProgress


@dataclass(frozen=True, eq=False)
class PartEnded:
    """A part has ended, or was interrupted.

    Attributes:
        number: of the part in the plan.
        outcome: what its members have come to.
    """

    number: int
    outcome: PartOutcome


@dataclass(frozen=True)
class PartLost:
    """A part could not be trained, and the others go on.

    Attributes:
        number: of the part in the plan.
        why: a clause, such as ``has killed 3 workers``.
    """

    number: int
    why: str


TrainerEvent = Waiting | PartReached | PartEnded | PartLost


class Trainer(Protocol):
    """Who trains parts."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the numbers depend on: versions, machine, device; known once it is ready."""

    @property
    def warnings(self) -> Sequence[str]:
        """What the user should know of a sweep that has been trained, a sentence each."""

    @property
    def workers(self) -> Workers | None:
        """Who trains; None: this process."""

    def ready(self, plan: SweepPlan, numbers: Sequence[int]) -> Iterator[Waiting]:
        """Have everything ready to train, so that what cannot be trained is known before anything is written.

        Args:
            plan: of the sweep.
            numbers: of the parts that are going to be trained, one at least.

        Raises:
            LrcliError: they cannot be trained.
        """

    def train(
        self, files: SweepFiles, numbers: Sequence[int], interruption: Interruption
    ) -> Iterator[TrainerEvent]:
        """Train parts of the plan that it is ready for, in whatever order.

        Args:
            files: of the sweep.
            numbers: of the parts.
            interruption: where its flag is set, what is under way ends soon, and nothing else begins.

        Raises:
            LrcliError: training has failed.
        """


class OwnProcess:
    """A `Trainer`: trains one part after the other, and keeps their states."""

    def __init__(self) -> None:
        self.facts: Mapping[str, Any] = {}
        self.warnings: Sequence[str] = ()
        self.workers: Workers | None = None
        self._plan: SweepPlan
        self._prepared: Prepared | None = None

    def ready(self, plan: SweepPlan, numbers: Sequence[int]) -> Iterator[Waiting]:
        """Prepare the first part."""
        self._plan = plan
        self._prepared = prepare_part(plan.parts[numbers[0]])
        yield from make_ready(self._prepared)
        self.facts = self._prepared.engine.environment

    def train(
        self, files: SweepFiles, numbers: Sequence[int], interruption: Interruption
    ) -> Iterator[TrainerEvent]:
        """Each that has a state goes on from it."""
        for number in numbers:
            if interruption.requested:
                break
            yield from self._train(files, number, interruption)

    def _train(self, files: SweepFiles, number: int, interruption: Interruption) -> Iterator[TrainerEvent]:
        part = self._plan.parts[number]
        # It is given up before the next part takes its memory.
        prepared, self._prepared = self._prepared, None
        if prepared is None:
            prepared = prepare_part(part)
            yield from make_ready(prepared)
        training = train_part(part, prepared, self._plan.select, interruption, self._keeping(files, number))
        while True:
            try:
                yield PartReached(number, next(training))
            except StopIteration as ended:
                outcome: PartOutcome = ended.value
                break
        yield PartEnded(number, outcome)

    def _keeping(self, files: SweepFiles, number: int) -> PartKeeping:
        """Where the state of a part is kept, and the one that an earlier call has left."""
        part, path = self._plan.parts[number], files.part_state(number)
        kept = read_state(path)
        for file in kept.damaged:
            goes_on = "the state before it is taken" if kept.arrays else "its members are trained anew"
            warnings.warn(f"{file}: has been damaged; {goes_on}", stacklevel=2)
        own = whose(part, self._plan.fingerprint)
        is_own = kept.arrays is not None and is_of(kept.arrays, part, self._plan.fingerprint)
        restored = dict(kept.arrays) if kept.arrays is not None and is_own else None
        return PartKeeping(path, own, restored)
