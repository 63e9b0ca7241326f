"""The search behind `lrcli.sweeps.rate_finding`: which rates are tried, for how many epochs, within a time.

First come rates of half a decade from far below to far above the experiment's own, further ones where the
best, the stretch that is as good, or the blow-up may lie outside; then more of them beside the best and where
training blows up, until neighbours are a few percent apart.

What is suggested is to be trained for the whole run, so the whole run is what decides, wherever it is cheap
enough. Where it is not, many rates are tried for its first epochs, and ever fewer for ever more of them
(successive halving, Jamieson and Talwalkar 2016), with neighbours of those that lead: too small a rate looks
bad early, and one near the blow-up looks good. How long an epoch takes is what it took in the round before;
where it may be long the first round begins small, and grows while that takes no time to speak of.
"""

import math
import time
from collections.abc import Generator, Sequence

import numpy as np

from lrcli.analysis.rate_finding import Trials, between, choose, gaps_to_refine, medians, merged
from lrcli.config.blocks import Best
from lrcli.experiment.experiment import Experiment
from lrcli.running.engine_choice import engine_of
from lrcli.running.resources import Sizes, memory_for_training
from lrcli.sweeps.estimates import seconds_of_training, slowness
from lrcli.sweeps.rate_trials import RateEvent, Tried, differing_seeds, try_rates
from lrcli.training.problem import Array

__all__ = ["Search"]

_BELOW, _ABOVE = -8, 7  # half decades around the experiment's own rate
_COARSE = 1 + _ABOVE - _BELOW
_FURTHER, _MOST_STRETCHES = 6, 4  # half decades at a time, and how often
_SECONDS, _RUNS, _MOST_SECONDS = 10.0, 5.0, 60.0  # of training: so many, or as long as so many runs; at most
_MEMORY = 10**9  # bytes
_FEWEST_STEPS = 20
_INNER, _ROUNDS = 6, 2  # rates tried in a gap, and how often
_CLOSEST = 1.03  # of neighbouring rates
_MORE = 4  # times as many epochs
_KEPT = 5  # rates that are trained for longer
_LEADING = _KEPT + 3  # with their neighbours and the experiment's own
_ALL = 40  # rates, about, that a search tries in all
_FIRST_SHARE = 0.2  # of the time, for the first round, where the whole run is too long
_SURE = 0.1  # of the time: what is estimated to take more is begun small and measured
_MOVED = 0.02  # of the loss where training begins


class Search:
    """Rates that are tried round by round.

    Attributes:
        select: the metric that the rates are ranked by.
        seeds: each rate is tried with.
        epochs: for how many the rates that lead have been trained.
        spread: of the levels, over all of the rates of the first round.
    """

    def __init__(self, experiment: Experiment, num_seeds: int, seconds: float | None) -> None:
        """Plan the first round.

        Args:
            experiment: with its code.
            num_seeds: how many, if they fit into memory.
            seconds: how long training may take, about; None: ten, or as long as five runs.
        """
        self.select: Best = (experiment.sweep and experiment.sweep.select) or experiment.best
        self.spread = 0.0
        self._experiment, self._mode = experiment, self.select.direction
        self._whole = experiment.training.epochs
        self._trials: Trials | None = None
        self._last: Tried | None = None
        self._cost = 0.0  # seconds of a member's epoch
        alone = self._estimate(1, 1)
        self._left = seconds or min(_MOST_SECONDS, max(_SECONDS, _RUNS * alone))
        self.seeds = self._affordable_seeds(num_seeds)
        self.epochs = self._first_epochs()

    @property
    def trials(self) -> Trials:
        """Every rate that was tried, as it was when it was trained longest."""
        if self._trials is None:
            raise AssertionError("rates have been tried before any is judged")
        return self._trials

    @property
    def last(self) -> Tried:
        """The last round."""
        if self._last is None:
            raise AssertionError("rates have been tried before any is judged")
        return self._last

    @property
    def decisive(self) -> Trials:
        """The rates that have been trained for as long as any."""
        return self.trials.of_epochs(self.epochs)

    @property
    def enough(self) -> float:
        """The seconds that would have been enough for the whole run, about."""
        return 2 * self._seconds_of(_LEADING + _INNER, self._whole)

    # What there is time and room for --------------------------------------------------------------------

    def _estimate(self, rates: int, seeds: int) -> float:
        """Seconds of the whole run of so many members, about."""
        sizes = Sizes(rates * seeds, seeds, seeds)
        return seconds_of_training(self._experiment, sizes, 2) * slowness()

    def _seconds_of(self, rates: float, epochs: int) -> float:
        """Seconds of so many rates, as the last round took them."""
        return self._cost * rates * len(self.seeds) * epochs

    def _affordable_seeds(self, count: int) -> Sequence[int]:
        """So many seeds, or fewer where their examples fill the memory."""
        first = self._experiment.seed

        def memory(seeds: int) -> int:
            return memory_for_training(self._experiment, Sizes(_COARSE * seeds, seeds, seeds)).total()

        while count > 1 and memory(count) > _MEMORY:
            count -= 1
        return differing_seeds(self._experiment, range(first, first + count))

    def _first_epochs(self) -> int:
        """For how many epochs the first rates are tried: all of them if there is time."""
        num_batches = self._experiment.training.num_batches(self._experiment.dataset.sizes["train"])
        least = min(self._whole, -(-_FEWEST_STEPS // num_batches))
        sure = not self._by_torch and self._estimate(int(_ALL), len(self.seeds)) <= _SURE * self._left
        return self._whole if sure else least

    @property
    def _by_torch(self) -> bool:
        return engine_of(self._experiment)[0] == "torch"

    # Round by round --------------------------------------------------------------------------------------

    def run(self) -> Generator[RateEvent]:
        """Try rates until the best and the blow-up are known to a few percent, or the time is over."""
        yield from self._first()
        yield from self._stretch()
        coarse = choose(self.decisive, self._mode)
        self.spread = coarse.spread if coarse else 0.0
        for epochs in self._longer():
            rates = self._leading()
            self.epochs = epochs
            yield from self._try(rates)
        for _ in range(_ROUNDS):
            yield from self._try(self._inner())

    def _try(self, rates: Sequence[float] | Array) -> Generator[RateEvent]:
        """Try some rates for as many epochs as it is now about."""
        values = np.unique(np.asarray(rates, dtype=np.float64))
        if not values.size:
            return
        started = time.perf_counter()
        tried = yield from try_rates(self._experiment, values, self.seeds, self.epochs, self.select)
        ready = self._trials is not None  # what is loaded and compiled is so once
        self._left -= time.perf_counter() - started if ready else tried.seconds
        self._cost = tried.seconds / (values.size * len(self.seeds) * self.epochs)
        self._last = tried
        self._trials = tried.trials if self._trials is None else merged(self._trials, tried.trials)

    def _first(self) -> Generator[RateEvent]:
        """Try half decades, for more and more epochs while that takes no time to speak of."""
        own = self._experiment.optimizer.lr
        if self._by_torch:  # its first step is slow, whatever it is of
            yield from try_rates(self._experiment, np.array([own]), self.seeds[:1], 1, self.select)
        share = _FIRST_SHARE * self._left
        while True:
            yield from self._try(_half_decades(own, range(_BELOW, _ABOVE + 1)))
            more = min(_MORE * self.epochs, self._whole)
            if self._seconds_of(_ALL, self._whole) <= self._left:
                more = self._whole
            elif self._seconds_of(_COARSE, more) > share:
                return
            if more == self.epochs:
                return
            self.epochs = more

    def _stretch(self) -> Generator[RateEvent]:
        """Try further rates where what is looked for may lie outside those tried."""
        for _ in range(_MOST_STRETCHES):
            rates = [*self._below(), *self._above()]
            if not rates or self._seconds_of(len(rates), self.epochs) > self._left / 2:
                return
            yield from self._try(rates)

    def _below(self) -> Sequence[float]:
        """Lower rates, where the lowest are too much for some seed or as good as the best.

        Not where the lowest hardly moves anything: lower ones move less.
        """
        trials = self.decisive
        best = choose(trials, self._mode)
        if best is not None and not trials.blown[:, :2].any(axis=0).all():
            began = self.last.began
            moved = np.abs(trials.ended[:, 0] - began) > _MOVED * began
            if best.low > trials.rates[0] or np.count_nonzero(moved) * 2 <= len(moved):
                return []
        return _half_decades(float(trials.rates[0]), range(-_FURTHER, 0))

    def _above(self) -> Sequence[float]:
        """Higher rates, where the highest is among the best and none blows up."""
        trials = self.decisive
        best = choose(trials, self._mode)
        if best is None or trials.blown[:, -1].any():
            return []
        if best.best < trials.rates[-4] and best.high < trials.rates[-1]:
            return []
        return _half_decades(float(trials.rates[-1]), range(1, _FURTHER + 1))

    def _longer(self) -> Sequence[int]:
        """For how many epochs to train those that lead, time and again; the last is all, if there is time."""
        whole, now = self._whole, self.epochs
        most = int(self._left / max(self._seconds_of(_LEADING + _INNER, 1), 1e-12))
        last = min(whole, most)
        steps = [now * _MORE**i for i in range(1, 20) if now * _MORE**i * 2 < last]
        return [*steps, last] if last > 1.5 * now or last == whole > now else []

    def _leading(self) -> Array:
        """The best rates so far, a neighbour on each side, and the experiment's own."""
        trials = self.decisive
        order = np.argsort(medians(trials, self._mode) * (1 if self._mode == "min" else -1), kind="stable")
        leading = order[:_KEPT]
        low, high = max(int(leading.min()) - 1, 0), min(int(leading.max()) + 1, len(trials.rates) - 1)
        own = np.searchsorted(trials.rates, self._experiment.optimizer.lr)
        return np.asarray(trials.rates[np.unique([low, *leading, high, min(own, len(trials.rates) - 1)])])

    def _inner(self) -> Array:
        """Rates inside the gaps in which the best one or the blow-up lies, as many as there is time for."""
        gaps = gaps_to_refine(self.decisive, self._mode, _CLOSEST)
        affordable = self._left / max(self._seconds_of(1, self.epochs), 1e-12)
        count = min(_INNER, max(0, int(affordable / max(len(gaps), 1))))
        return np.concatenate([np.empty(0), *(between(low, high, count) for low, high in gaps)])


def _half_decades(rate: float, steps: Sequence[int]) -> list[float]:
    """Rates so many half decades from one, of three digits but for that one itself, where there are such."""
    rates = [rate if n == 0 else float(f"{rate * math.sqrt(10) ** n:.3g}") for n in steps]
    return [rate for rate in rates if 0 < rate < math.inf]
