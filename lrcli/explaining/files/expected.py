"""What training is going to do: the loss to expect, how long it takes, the rate that suits the budget."""

import math
from collections.abc import Iterator

import numpy as np

from lrcli.explaining.files.facts import FileFacts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import about, percent, short
from lrcli.running.forecast import Forecast, Unforeseen
from lrcli.wording import counted

__all__ = ["best_rate", "expected_loss", "time_to_finish", "why_unforeseen"]

_NEAR = 1.1  # times what is left in the end
_MATTERS = 0.01  # of the least loss
_ROUNDING = 1e-28  # of the loss before training
_MOST_STEPS = 1e6  # that anybody would want to take
_GAIN = 0.5  # of the excess loss, from which on another rate is worth a word


def why_unforeseen(facts: FileFacts) -> Iterator[Finding]:
    """Why there is no forecast."""
    if isinstance(facts.forecast, Unforeseen):
        what = "The loss to expect cannot be worked out"
        if facts.stable.limit is None:
            what = "Neither the loss to expect nor a largest stable learning rate can be worked out"
        text = f"{what} without training: {facts.forecast.reason}."
        if facts.constant is not None:
            text += f" A constant prediction has a loss of {short(facts.constant)}: training must beat that."
        yield Finding("unforeseen", text, {"constant": facts.constant}, commands=(facts.train(),))


def expected_loss(facts: FileFacts) -> Iterator[Finding]:
    """The training loss at the end against the least one, and the share of the way that is left."""
    forecast = _of_stable(facts)
    if forecast is None:
        return
    first, last = float(forecast.loss[0]), float(forecast.loss[-1])
    left, least = forecast.remaining, forecast.least if forecast.least > _ROUNDING * first else 0.0
    said = percent(left) if forecast.exact else about(percent(left))
    way = f"; {counted(facts.steps, 'step')} at {short(facts.rate)} leave {said} of the way"
    decayed = " with this weight decay" if facts.decay else ""
    text = (
        f"Expected: train/loss falls from {short(first)} to {'' if forecast.exact else 'about '}"
        f"{_said(last, facts, first)}, where the least possible{decayed} is {short(least)}"
        f"{'' if math.isnan(left) else way}."
    )
    if forecast.floor > _MATTERS * forecast.least:
        text += f" The noise of the batches keeps it about {short(forecast.floor)} above the least."
    if forecast.notes:
        text += f" Not counted: {'; '.join(forecast.notes)}."
    numbers = {
        "first": first,
        "last": last,
        "least": forecast.least,
        "floor": forecast.floor,
        "way_left": left,
    }
    yield Finding("expected", text, numbers, estimate=not forecast.exact)


def time_to_finish(facts: FileFacts) -> Iterator[Finding]:
    """The epochs until the loss is near what it ends at, where those of the file are too few."""
    forecast = _of_stable(facts)
    if forecast is None or math.isnan(forecast.floor):
        return
    target = _NEAR * (forecast.least + forecast.floor)
    if not target > _ROUNDING * forecast.loss[0] or forecast.loss[-1] <= target:
        return
    steps = forecast.steps_to(target)
    if steps is None:
        return
    epochs = steps // forecast.steps_per_epoch
    text = (
        f"At this rate it takes {'' if forecast.exact else 'about '}{counted(epochs, 'epoch')} until "
        f"train/loss is within a tenth of {'what it settles at' if forecast.floor else 'the least possible'}."
    )
    commands = (facts.train(training__epochs=epochs),) if steps <= _MOST_STEPS else ()
    yield Finding("time", text, {"epochs": float(epochs), "target": target}, not forecast.exact, commands)


def best_rate(facts: FileFacts) -> Iterator[Finding]:
    """The rate that leaves the smallest loss within the budget, where it leaves much less."""
    forecast = facts.forecast
    best = None if isinstance(forecast, Unforeseen) else forecast.best_rate
    if best is None or isinstance(forecast, Unforeseen) or not np.isfinite(best.loss):
        return
    mine = float(forecast.loss[-1])
    if not best.loss - forecast.least < _GAIN * (mine - forecast.least):
        return
    if not mine - best.loss > max(_MATTERS * best.loss, _of_rounding(facts) * forecast.loss[0]):
        return
    text = (
        f"In the same {counted(facts.steps, 'step')} a learning rate of about {short(best.rate)} leaves the "
        f"smallest loss, about {_said(best.loss, facts, float(forecast.loss[0]))}."
    )
    numbers = {"rate": best.rate, "loss": best.loss}
    command = facts.train(optimizer__lr=best.rate)
    yield Finding("best_rate", text, numbers, estimate=True, commands=(command,))


def _of_rounding(facts: FileFacts) -> float:
    """The share of the first loss that rounding leaves, about: the forecast itself knows of none.

    Steps at a usual rate end some units of the last digit from the minimum, and a loss goes with the square.
    """
    return float(10 * np.finfo(facts.experiment.dtype).eps) ** 2


def _said(loss: float, facts: FileFacts, first: float) -> str:
    """A loss to expect; far below what rounding leaves of the first one it is none."""
    return short(loss) if loss > _of_rounding(facts) * first else "0 but for rounding"


def _of_stable(facts: FileFacts) -> Forecast | None:
    """The forecast of a training that does not explode."""
    forecast = facts.forecast
    if isinstance(forecast, Unforeseen) or not np.isfinite(forecast.loss).all():
        return None
    limit = facts.stable.limit
    return forecast if limit is None or facts.rate < limit else None
