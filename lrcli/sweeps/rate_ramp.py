"""`lrcli lr-find --ramp`: the classical test, one run whose rate grows with every step.

An engine looks at parameters between epochs only. So the run is trained once for each of its steps, side by
side: copy k takes the first k steps and then has a rate of zero, which leaves it where the run was.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.rate_ramp import Ramp, judge_ramp
from lrcli.components.schedules import Schedule
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.user_code import opened
from lrcli.running.preparation import make_ready, prepare
from lrcli.sweeps.rate_trials import shortened
from lrcli.training.population import build_population
from lrcli.training.problem import Array, Draw

__all__ = ["ramp"]

_STEPS = 100
_BELOW, _ABOVE = 1e-4, 1e3  # times the experiment's own rate


class _UpTo(Schedule):
    """Member k has a rate that grows for k steps, and none after that; its own rate is its k."""

    low: float
    ratio: float

    def rates(self, lr: Array, steps: NDArray[Any], total: int) -> Array:
        grown = self.low * self.ratio ** np.minimum(steps, _STEPS)[:, None].astype(np.float64)
        return np.where(steps[:, None] < lr, grown, 0.0)


def ramp(experiment: Experiment) -> Ramp:
    """Train one run of a hundred steps whose rate grows from far below to far above the experiment's own.

    Raises:
        CodeError: code of the user's cannot be used.
        DeviceError: the device is not there.
        EngineError: the engine is not there, or could not be compiled.
        UsageError: it does not fit in memory.
    """
    experiment = opened(experiment)
    own, training = experiment.optimizer.lr, experiment.training
    rates = own * np.geomspace(_BELOW, _ABOVE, _STEPS)
    epochs = -(-_STEPS // training.num_batches(experiment.dataset.sizes["train"]))
    plain = training.model_copy(update={"early_stopping": None})
    short = shortened(experiment.model_copy(update={"training": plain}), epochs)
    schedule = _UpTo(low=float(rates[0]), ratio=float(rates[1] / rates[0]))
    optimizer = short.optimizer.model_copy(update={"schedule": schedule})
    steps = {"lr": np.arange(1.0, _STEPS + 1)}
    population = build_population(optimizer, short.training, np.zeros(_STEPS, dtype=np.intp), steps)
    prepared = prepare(short, [Draw(experiment.seed, experiment.dataset, experiment.model)], population)
    for _ in make_ready(prepared):
        pass
    for _ in prepared.loop:
        pass
    broken = prepared.loop.members.status == "diverged"
    return judge_ramp(rates, np.where(broken, np.nan, prepared.loop.last_metrics["train/loss"]))
