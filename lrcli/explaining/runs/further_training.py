"""How much more training, or which rate, brings the parameters of a run as near as the data can tell them."""

import math

import numpy as np

from lrcli.explaining.numerals import short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.running.forecast import Unforeseen, forecast

__all__ = ["falling_rate", "further_training"]

_LITTLE = 0.01  # of the way from where training began
_GONE = 0.01  # of the highest rate
_NOISY = 0.3  # of what is aimed at: the rest is for a single run to differ from the mean of all
_QUIET = 0.5  # of what is aimed at, for the noise of the batches
_MOST_STEPS = 1e6  # that anybody would want to take
_MOST_TIMES = 100  # the epochs of a run, beyond which its pace says little


def further_training(
    facts: RunFacts, standard_error: float | None, left: float | None
) -> tuple[str, tuple[str, ...]]:
    """How many epochs more, or which rate, bring every parameter near enough; commands.

    Args:
        facts: of the run.
        standard_error: what the data can tell, to which it is to come; None where that is not known, so that
            it is to come to a hundredth of the way.
        left: the share of the way that is left; None where that is not known.
    """
    if not facts.foresees or isinstance(facts.forecast, Unforeseen):
        return "", _longer(facts, left)
    foreseen = facts.forecast
    near = standard_error or _LITTLE * float(np.abs(foreseen.errors_at(0)).max())
    target = near if foreseen.exact else _NOISY * near  # what is foreseen is a mean
    steps, rate = foreseen.steps_to_error(target), foreseen.rate_to_error(target)
    per_epoch = foreseen.steps_per_epoch
    more = 0 if steps is None or (left or 0) >= 1 else max(steps // per_epoch - facts.epochs, 0)
    noise = 0.0 if rate is None else _noise_at(facts, rate)
    if noise == math.inf:  # it grows from epoch to epoch
        rate, noise = None, 0.0
    go_on, commands = _without_its_end(facts), []
    if 0 < more * per_epoch <= _MOST_STEPS:
        commands.append(facts.train(training__epochs=facts.epochs + more, **go_on))
    if rate is not None:
        commands.append(facts.train(optimizer__lr=_told_apart(rate, facts.rate), **go_on))
    noise *= standard_error or 0.0
    goal = "as near as that" if standard_error else "to within a hundredth of the way"
    said = _said(more, rate, noise if noise > _QUIET * near else 0.0, goal)
    return said, tuple(commands) if said else _longer(facts)


def _told_apart(rate: float, own: float) -> float:
    """A rate; where a command would round it to the run's own, the next one of two digits."""
    if f"{rate:.2g}" != f"{own:.2g}":
        return rate
    digit = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return (math.ceil(rate / digit) if rate > own else math.floor(rate / digit)) * digit


def _said(more: int, rate: float | None, noise: float, goal: str) -> str:
    """A sentence, behind another; empty where there is nothing to say.

    Args:
        more: epochs that are needed; 0: they would not do.
        rate: one that would do; None: there is none.
        noise: of the batches at that rate; 0 where it is small.
        goal: where the parameters are to come.
    """
    ways = [f"about {more:,} more {'epoch' if more == 1 else 'epochs'}"] if more else []
    ways += [f"a rate near {short(rate)}"] if rate is not None and not noise else []
    comma = "," if len(ways) > 1 else ""
    said = [f"{', or '.join(ways)}{comma} would bring all parameters {goal}"] if ways else []
    if rate is not None and noise:
        would = "would" if ways else f"would bring all parameters {goal}"
        said.append(
            f"a rate near {short(rate)} {would}, but for the noise of its batches, about {short(noise)}"
        )
    text = "; ".join(said)
    return f" {text[0].upper()}{text[1:]}." if text else ""


def _noise_at(facts: RunFacts, rate: float) -> float:
    """The noise of the batches at a rate, in standard errors: 0 where it is not worked out, or infinite.

    Parameters that are one standard error off in each of p directions cost p s^2 / N of a squared error,
    where the least one is (N - p) s^2 / N.
    """
    experiment = facts.experiment
    optimizer = experiment.optimizer.model_copy(update={"lr": rate})
    other = forecast(experiment.model_copy(update={"optimizer": optimizer}), facts.trained_problem)
    if isinstance(other, Unforeseen):
        return 0.0
    if other.noise_counts and math.isnan(other.floor):
        return math.inf
    if facts.examples <= facts.size or not other.floor > 0:
        return 0.0
    return math.sqrt(other.floor / (other.least * facts.size / (facts.examples - facts.size)))


def _longer(facts: RunFacts, left: float | None = None) -> tuple[str, ...]:
    """Three times the epochs, where it is not known how many it takes; none where they would do nothing.

    As many as it takes at the pace so far, where that is more: steps of one length, as of absolute errors or
    of adam, go on like that.
    """
    rates = facts.curve("lr")
    if facts.counts_steps and len(rates) and rates[-1] < _GONE * facts.rate:
        return ()
    times = 3 if left is None or left >= 1 else max(3, min(math.ceil(1 / (1 - left)), _MOST_TIMES))
    return (facts.train(training__epochs=times * facts.epochs, **_without_its_end(facts)),)


def _without_its_end(facts: RunFacts) -> dict[str, object]:
    """Changes that keep early stopping from ending it at the same place again."""
    return {"training__early_stopping": "null"} if facts.result.status == "stopped_early" else {}


def falling_rate(facts: RunFacts) -> tuple[str, tuple[str, ...]]:
    """That steps at a constant rate may never settle; a command."""
    if facts.experiment.optimizer.schedule.kind != "constant":
        return "", _longer(facts)
    text = " At a constant rate it may stay so far away; a rate that falls to zero lets it settle."
    return text, (facts.let_settle(),)
