"""`lrcli lr-find`: which learning rate to take, found by trying many from the start.

    finding = yield from find_rate(experiment)

Every rate is tried by fresh copies of the experiment, one for each of a few seeds, which differ in nothing
else; all train side by side, and nothing is written. First come rates of half a decade from far below to far
above the experiment's own, further ones where the best or the blow-up may lie outside; then more of them
beside the best and where training blows up, until neighbours are a few percent apart.

What is suggested is to be trained for the whole run, so the whole run is what decides, wherever it is cheap
enough. Where it is not, many rates are tried for its first epochs, and ever fewer for ever more of them
(successive halving, Jamieson and Talwalkar 2016), with neighbours of those that lead: too small a rate looks
bad early, and one near the blow-up looks good. The schedule is that of the whole run, of which the first
epochs are trained; momentum, batches, early stopping are those of the experiment.
"""

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrcli.analysis.basin import Band, usable_band
from lrcli.analysis.rate_finding import (
    BlowUp,
    Chosen,
    Trials,
    between,
    blow_up,
    choose,
    gaps_to_refine,
    medians,
    merged,
)
from lrcli.config.blocks import Best
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.user_code import opened
from lrcli.running.resources import Sizes, memory_for_training
from lrcli.sweeps.estimates import seconds_of_training, slowness
from lrcli.sweeps.rate_trials import RateEvent, Tried, differing_seeds, try_rates
from lrcli.training.problem import Array

__all__ = ["DEFAULT_SEEDS", "RateFinding", "find_rate", "found_rate"]

DEFAULT_SEEDS = 5
_BELOW, _ABOVE = -8, 7  # half decades around the experiment's own rate
_FURTHER, _MOST_STRETCHES = 6, 4  # half decades at a time, and how often, each way
_SECONDS, _RUNS = 1.0, 5.0  # of training: so many, or as long as so many runs
_MOST_SECONDS = 120.0
_MEMORY = 10**9  # bytes
_FEWEST_STEPS = 20
_INNER, _ROUNDS = 6, 2  # rates tried in a gap, and how often
_CLOSEST = 1.03  # of neighbouring rates
_MORE = 4  # times as many epochs
_KEPT = 5  # rates that are trained for longer
_SHORT = 0.1  # of the epochs: less says little of the whole run
_LEAST_FALL, _LEAST_GAIN = 0.02, 0.05  # of the loss where it began, and of that of a constant answer
_TOLD = 0.05  # between the best level and the worst


@dataclass(frozen=True)
class RateFinding:
    """What was found.

    Attributes:
        experiment: what it is about.
        select: the metric that the rates are ranked by.
        seeds: the seeds.
        trials: every rate that was tried.
        epochs: for how many of the experiment's epochs the rates were trained of which one is suggested.
        began: the median over seeds of the loss of the training set before the first step.
        least: likewise, the smallest that is possible; NaN where unknown.
        constant: likewise, that of the best constant answer.
        blow_up: where training blows up; None where it did at no rate.
        chosen: the best rate and its neighbours, whether one is suggested or not; None where there is none.
        spread: the level of the worst rate of the first round minus that of the best; see `Chosen.spread`.
        enough: the seconds that would have been enough for the whole run.
        seconds: that it took.
    """

    experiment: Experiment
    select: Best
    seeds: tuple[int, ...]
    trials: Trials
    epochs: int
    began: float
    least: float
    constant: float
    blow_up: BlowUp | None
    chosen: Chosen | None
    spread: float
    enough: float
    seconds: float

    @cached_property
    def reason(self) -> str:
        """Why no rate is suggested, a clause; empty where one is."""
        return _nothing_to_choose(self) or _nothing_learned(self) or _nothing_told(self)

    @property
    def suggestion(self) -> float | None:
        """The rate to take; None where there is a reason for none."""
        return None if self.reason or self.chosen is None else self.chosen.rate

    @property
    def decisive(self) -> Trials:
        """The rates that were trained for as long as any."""
        return self.trials.of_epochs(self.epochs)

    @property
    def band(self) -> Band | None:
        """The usable rates, as those of a sweep, but that no seed may blow up; see `lrcli.analysis.basin`."""
        sound = ~self.decisive.blown.any(axis=0)
        return usable_band(self.decisive.rates, np.where(sound, self.medians, np.nan), self.select.direction)

    @property
    def medians(self) -> Array:
        """(K,) the score of each decisive rate."""
        return medians(self.decisive, self.select.direction)


def find_rate(
    experiment: Experiment, num_seeds: int = DEFAULT_SEEDS, seconds: float | None = None
) -> Generator[RateEvent, None, RateFinding]:
    """Try learning rates.

    Args:
        experiment: whose rate is looked for; a sweep of its own is left aside.
        num_seeds: how many seeds to try each rate with, from the experiment's own on, where there is time.
        seconds: how long training may take, about; None: a second, or as long as a few runs.

    Raises:
        CodeError: code of the user's cannot be used.
        DeviceError: the device is not there.
        EngineError: the engine is not there, or could not be compiled.
        UsageError: it does not fit in memory.
    """
    started = time.perf_counter()
    search = _Search(opened(experiment), num_seeds, seconds)
    yield from search.run()
    return search.finding(time.perf_counter() - started)


def found_rate(
    experiment: Experiment, num_seeds: int = DEFAULT_SEEDS, seconds: float | None = None
) -> RateFinding:
    """What `find_rate` comes to, where nobody looks on."""
    search = find_rate(experiment, num_seeds, seconds)
    while True:
        try:
            next(search)
        except StopIteration as ended:
            finding: RateFinding = ended.value
            return finding


class _Search:
    """Rates that are tried round by round."""

    def __init__(self, experiment: Experiment, num_seeds: int, seconds: float | None) -> None:
        self._experiment = experiment
        self._select = (experiment.sweep and experiment.sweep.select) or experiment.best
        self._mode = self._select.direction
        alone = self._estimate(1, 1, experiment.training.epochs)
        self._left = seconds or min(_MOST_SECONDS, max(_SECONDS, _RUNS * alone))
        self._seeds = self._affordable_seeds(num_seeds)
        self._epochs = self._first_epochs()
        self._spread = 0.0  # of the levels, over all of the rates of the first round
        self._trials: Trials | None = None
        self._last: Tried | None = None
        self._cost = 0.0  # seconds of a member's epoch

    # What there is time and room for --------------------------------------------------------------------

    def _estimate(self, rates: int, seeds: int, epochs: int) -> float:
        """Seconds of a round, about."""
        training = self._experiment.training.model_copy(update={"epochs": epochs})
        short = self._experiment.model_copy(update={"training": training})
        return seconds_of_training(short, Sizes(rates * seeds, seeds, seeds), 2) * slowness()

    def _affordable_seeds(self, count: int) -> Sequence[int]:
        """So many seeds, or fewer where their examples fill the memory."""
        first = self._experiment.seed
        rates = 1 + _ABOVE - _BELOW
        while (
            count > 1
            and memory_for_training(self._experiment, Sizes(rates * count, count, count)).total() > _MEMORY
        ):
            count -= 1
        return differing_seeds(self._experiment, range(first, first + count))

    def _first_epochs(self) -> int:
        """For how many epochs the first rates are tried: all of them if there is time."""
        training, sizes = self._experiment.training, self._experiment.dataset.sizes
        least = min(training.epochs, -(-_FEWEST_STEPS // training.num_batches(sizes["train"])))
        if self._experiment.model.code_path is not None:  # how long the user's code takes is to be seen
            return least
        whole = self._estimate(1 + _ABOVE - _BELOW, len(self._seeds), training.epochs)
        share = self._left / (2 + _ROUNDS) / whole
        return training.epochs if share > 1 else max(least, int(share / 4 * training.epochs))

    def _try(self, rates: Sequence[float] | Array) -> Generator[RateEvent]:
        """Try some rates for as many epochs as it is now about."""
        values = np.unique(np.asarray(rates, dtype=np.float64))
        if not values.size:
            return
        started = time.perf_counter()
        tried = yield from try_rates(self._experiment, values, self._seeds, self._epochs, self._select)
        self._left -= time.perf_counter() - started
        self._cost = tried.seconds / (values.size * len(self._seeds) * self._epochs)
        self._last = tried
        self._trials = tried.trials if self._trials is None else merged(self._trials, tried.trials)

    @property
    def _rounds(self) -> int:
        """How many rates there are to train after the first round, about."""
        return _KEPT + 3 + _ROUNDS * _INNER

    # Round by round --------------------------------------------------------------------------------------

    def run(self) -> Generator[RateEvent]:
        """Try rates until the best and the blow-up are known to a few percent, or the time is over."""
        own = self._experiment.optimizer.lr
        yield from self._try(_half_decades(own, range(_BELOW, _ABOVE + 1)))
        yield from self._stretch()
        coarse = choose(self._decisive, self._mode)
        self._spread = coarse.spread if coarse else 0.0
        first = self._epochs
        for epochs in self._longer():
            rates = self._leading()
            self._epochs = epochs
            yield from self._try(rates)
        count = _INNER if self._epochs == first else _INNER // 2
        for _ in range(_ROUNDS):
            if self._left > 0:
                yield from self._try(self._inner(count))

    def _stretch(self) -> Generator[RateEvent]:
        """Try further rates where the best one or the blow-up may lie outside those tried."""
        for _ in range(_MOST_STRETCHES):
            trials = self._decisive
            best = choose(trials, self._mode)
            sound = np.asarray(~trials.blown.any(axis=0))
            rates: list[float] = []
            leads = best is not None and best.best >= trials.rates[-4]
            if best is not None and not trials.blown[:, -1].any() and (leads or not trials.blown.any()):
                rates += _half_decades(float(trials.rates[-1]), range(1, _FURTHER + 1)) if leads else []
            if best is None or not sound[:2].any() or best.best <= trials.rates[1]:
                rates += _half_decades(float(trials.rates[0]), range(-_FURTHER, 0))
            if not rates:
                return
            yield from self._try(rates)

    def _longer(self) -> Sequence[int]:
        """For how many epochs to train those that lead, time and again; the last is all, if there is time."""
        whole, now = self._experiment.training.epochs, self._epochs
        most = int(self._left / max(self._cost * self._rounds * len(self._seeds), 1e-12))
        last = min(whole, most)
        between = [now * _MORE**i for i in range(1, 20) if now * _MORE**i * 2 < last]
        return [*between, last] if last > 1.5 * now or last == whole > now else []

    def _leading(self) -> Array:
        """The best rates so far, a neighbour on each side, and the experiment's own."""
        trials = self._decisive
        order = np.argsort(medians(trials, self._mode) * (1 if self._mode == "min" else -1), kind="stable")
        leading = order[:_KEPT]
        low, high = max(int(leading.min()) - 1, 0), min(int(leading.max()) + 1, len(trials.rates) - 1)
        own = np.searchsorted(trials.rates, self._experiment.optimizer.lr)
        return np.asarray(trials.rates[np.unique([low, *leading, high, min(own, len(trials.rates) - 1)])])

    def _inner(self, count: int) -> Array:
        """Rates inside the gaps in which the best one or the blow-up lies."""
        gaps = gaps_to_refine(self._decisive, self._mode, _CLOSEST)
        return np.concatenate([np.empty(0), *(between(low, high, count) for low, high in gaps)])

    @property
    def _decisive(self) -> Trials:
        if self._trials is None:
            raise AssertionError("rates have been tried before any is judged")
        return self._trials.of_epochs(self._epochs)

    # What came of it -------------------------------------------------------------------------------------

    def finding(self, seconds: float) -> RateFinding:
        """All that was found."""
        if self._trials is None or self._last is None:
            raise AssertionError("rates have been tried before anything is found")
        least, constant = (float(np.median(values)) for values in self._last.levels)
        chosen = choose(self._decisive, self._mode)
        return RateFinding(
            experiment=self._experiment,
            select=self._select,
            seeds=tuple(self._seeds),
            trials=self._trials,
            epochs=self._epochs,
            began=float(np.median(self._last.began)),
            least=least,
            constant=constant,
            blow_up=blow_up(self._trials),
            chosen=chosen,
            spread=max(self._spread, chosen.spread if chosen else 0.0),
            enough=1.2 * self._cost * self._rounds * len(self._seeds) * self._experiment.training.epochs,
            seconds=seconds,
        )


def _half_decades(rate: float, steps: Sequence[int]) -> list[float]:
    """Rates so many half decades from one, of three digits but for that one itself."""
    return [rate if n == 0 else float(f"{rate * math.sqrt(10) ** n:.3g}") for n in steps]


# Why there is nothing to suggest -------------------------------------------------------------------------


def _nothing_to_choose(finding: RateFinding) -> str:
    """Said where every rate is too much for some seed, or there was too little time."""
    rates = finding.trials.rates
    if finding.chosen is None:
        whose = "" if finding.trials.blown.all() else " for some of the seeds"
        return f"training blows up at every rate{whose}, down to {rates[0]:.3g}"
    epochs = finding.experiment.training.epochs
    if finding.epochs < _SHORT * epochs:
        time_needed = f"--seconds {math.ceil(finding.enough)} is about enough"
        return f"there was time for {finding.epochs:,} of {epochs:,} epochs, which say little; {time_needed}"
    return ""


def _nothing_learned(finding: RateFinding) -> str:
    """Said where no rate makes the loss of the training set small."""
    trials = finding.decisive
    sound = ~trials.blown.any(axis=0)
    best = float(np.median(trials.ended[:, sound], axis=0).min())
    began, constant, least = finding.began, finding.constant, finding.least
    if best > (1 - _LEAST_FALL) * began:
        if began <= 1.1 * least:
            return f"training begins at about the smallest loss that is possible, {least:.4g}"
        return f"at no rate does the training loss fall by even 2% from where it begins, {began:.4g}"
    if best > (1 - _LEAST_GAIN) * constant:
        both = f"({best:.4g}, {constant:.4g})"
        found = f"at no rate is the training loss much below that of a constant answer {both}"
        if least > (1 - _LEAST_GAIN) * constant:
            return f"{found}, nor can it be ({least:.4g}): this model is the problem, not the rate"
        return f"{found}: within these epochs, from these starts, nothing is learned"
    return ""


def _nothing_told(finding: RateFinding) -> str:
    """Said where rates do not differ."""
    if finding.spread > _TOLD:
        return ""
    rates = finding.trials.rates[~finding.trials.blown.any(axis=0)]
    return f"from {rates[0]:.3g} to {rates[-1]:.3g} no rate is told from another: all end within 5%"
