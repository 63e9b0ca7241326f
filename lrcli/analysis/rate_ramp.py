"""The classical test of learning rates (Smith 2017, section 3.3): one run whose rate grows with every step.

Its loss is smoothed by a running mean (factor 0.9, corrected for its start), up to where it is no number or
four times its smallest value. The habit is to take the rate of the steepest fall over the logarithm of the
rate. It confounds rate with progress: the loss at a rate is that of parameters which all smaller rates have
already trained, and the fall ends where nothing is left to learn as well as where a rate is too large.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ramp", "judge_ramp"]

Array = NDArray[np.float64]

_KEPT = 0.9
_FAR = 4.0


@dataclass(frozen=True)
class Ramp:
    """One run whose rate grows.

    Attributes:
        rates: (T,) of each step up to where it was stopped.
        losses: (T,) of the training set after each.
        smoothed: (T,) the same, smoothed.
        steepest: the rate where the smoothed loss falls fastest; None where it never falls.
        stopped: the rate at which the loss was no number or four times its smallest; None: at none.
    """

    rates: Array
    losses: Array
    smoothed: Array
    steepest: float | None
    stopped: float | None


def judge_ramp(rates: Array, losses: Array) -> Ramp:
    """Smooth a ramp, stop it, and find where it is steepest.

    Args:
        rates: (T,) in geometric steps, ascending.
        losses: (T,) after each step; NaN from where it diverged.
    """
    steps = np.arange(1, len(losses) + 1)
    running, smoothed = 0.0, np.empty(len(losses))
    for i, loss in enumerate(losses):
        running = _KEPT * running + (1 - _KEPT) * loss
        smoothed[i] = running / (1 - _KEPT ** steps[i])
    lowest = np.fmin.accumulate(smoothed)
    over = np.flatnonzero(~(smoothed <= _FAR * lowest))  # also where it is no number
    end = int(over[0]) if over.size else len(losses)
    falls = np.diff(smoothed[:end])
    steepest = float(rates[int(np.argmin(falls)) + 1]) if falls.size and falls.min() < 0 else None
    stopped = float(rates[end]) if over.size else None
    return Ramp(rates[:end], losses[:end], smoothed[:end], steepest, stopped)
