"""`lrcli lr-find`: which learning rate to take, found by trying many from the start.

    finding = yield from find_rate(experiment)

Every rate is tried by fresh copies of the experiment, one for each of a few seeds, which differ in nothing
else; all train side by side, and nothing is written. Momentum, batches, early stopping are those of the
experiment; its schedule is that of the whole run, even where its first epochs alone are trained.
"""

import math
import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrcli.analysis.basin import Band, usable_band
from lrcli.analysis.rate_finding import BlowUp, Chosen, Trials, blow_up, choose, medians
from lrcli.config.blocks import Best
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.user_code import opened
from lrcli.sweeps.rate_search import Search
from lrcli.sweeps.rate_trials import RateEvent
from lrcli.training.problem import Array

__all__ = ["DEFAULT_SEEDS", "RateFinding", "find_rate", "found_rate"]

DEFAULT_SEEDS = 5
_SHORT = 0.1  # of the epochs: less says little of the whole run
_LEAST_FALL, _LEAST_GAIN = 0.02, 0.05  # of the loss where it began, and of that of a constant answer
_MUCH = 0.5  # of the loss where it began: what falls so far is worth a rate, wherever it ends
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
        first_score: likewise, what the rates are ranked by before the first step.
        constant_score: likewise, of the best constant answer; NaN where unknown.
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
    first_score: float
    constant_score: float
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
        """The usable rates, as those of a sweep, but that no seed may blow up; see `lrcli.analysis.basin`.

        Where levels jump, they are those of neighbouring rates together, as for the suggestion.
        """
        if self.chosen is None:
            return None
        return usable_band(self.decisive.rates, self.chosen.levels, self.select.direction)

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
        seconds: how long training may take, about; None: ten, or as long as five runs, but a
            minute at most.

    Raises:
        CodeError: code of the user's cannot be used.
        DeviceError: the device is not there.
        EngineError: the engine is not there, or could not be compiled.
        UsageError: it does not fit in memory.
    """
    started = time.perf_counter()
    search = Search(opened(experiment), num_seeds, seconds)
    yield from search.run()
    return _finding(experiment, search, time.perf_counter() - started)


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


def _finding(experiment: Experiment, search: Search, seconds: float) -> RateFinding:
    last = search.last
    each = (last.began, *last.levels, last.first_scores, last.constant_scores)
    began, least, constant, first_score, constant_score = (float(np.median(values)) for values in each)
    chosen = choose(search.decisive, search.select.direction)
    return RateFinding(
        experiment=experiment,
        select=search.select,
        seeds=tuple(search.seeds),
        trials=search.trials,
        epochs=search.epochs,
        began=began,
        least=least,
        constant=constant,
        first_score=first_score,
        constant_score=constant_score,
        blow_up=blow_up(search.trials),
        chosen=chosen,
        spread=max(search.spread, chosen.spread if chosen else 0.0),
        enough=search.enough,
        seconds=seconds,
    )


# Why there is nothing to suggest -------------------------------------------------------------------------


def _nothing_to_choose(finding: RateFinding) -> str:
    """Said where every rate is too much for some seed, or there was too little time."""
    rates = finding.trials.rates
    if not math.isfinite(finding.began):
        return "the training loss is no finite number even before the first step"
    if finding.chosen is None:
        whose = "" if finding.trials.blown.all() else " for some of the seeds"
        return f"training blows up at every rate{whose}, down to {rates[0]:.3g}"
    epochs = finding.experiment.training.epochs
    if finding.epochs < _SHORT * epochs:
        time_needed = f"--seconds {math.ceil(finding.enough)} is about enough"
        return f"there was time for {finding.epochs:,} of {epochs:,} epochs, which say little; {time_needed}"
    return ""


def _nothing_learned(finding: RateFinding) -> str:
    """Said where no rate makes the loss of the training set small, nor that of the validation set."""
    trials = finding.decisive
    sound = ~trials.blown.any(axis=0)
    best = float(np.median(trials.ended[:, sound], axis=0).min())
    began, constant, least = finding.began, finding.constant, finding.least
    if _validation_learned(finding):  # outliers may rule the training loss
        return ""
    if best >= (1 - _LEAST_FALL) * began:
        if began <= 1.1 * least:
            return f"training begins at about the smallest loss that is possible, {least:.4g}"
        return f"at no rate does the training loss fall by even 2% from where it begins, {began:.4g}"
    if best > (1 - _LEAST_GAIN) * constant:
        both = f"({best:.4g}, {constant:.4g})"
        found = f"at no rate is the training loss much below that of a constant answer {both}"
        if least > (1 - _LEAST_GAIN) * constant:
            return f"{found}, nor can it be ({least:.4g}): this model is the problem, not the rate"
        if best > _MUCH * began:
            return f"{found}: within these epochs, from these starts, nothing is learned"
    return ""


def _validation_learned(finding: RateFinding) -> bool:
    """Whether the loss of the validation set, where it ranks, becomes small at some rate."""
    if finding.chosen is None or math.isnan(finding.constant_score):
        return False
    best = finding.chosen.best_score
    return (
        best < (1 - _LEAST_GAIN) * finding.constant_score and best < (1 - _LEAST_FALL) * finding.first_score
    )


def _nothing_told(finding: RateFinding) -> str:
    """Said where rates do not differ."""
    if finding.spread > _TOLD:
        return ""
    rates = finding.trials.rates[~finding.trials.blown.any(axis=0)]
    return f"from {rates[0]:.3g} to {rates[-1]:.3g} no rate is told from another: all end within 5%"
