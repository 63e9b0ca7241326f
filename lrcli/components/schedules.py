"""Schedules: the learning rate as a function of the optimizer step.

All count optimizer updates, not epochs; t = 0 is the first. `lr` is the optimizer's own rate.
"""

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrcli.components.powers import powers
from lrcli.config.base import Config

__all__ = ["AnySchedule", "Constant", "Schedule"]

Array = NDArray[np.float64]


class Schedule(Config):
    """Base of all schedules."""

    def rates(self, lr: Array, steps: NDArray[Any], total: int) -> Array:
        """The learning rate of each member at each step.

        Args:
            lr: (R,) the members' learning rates.
            steps: (T,) step numbers t, the first of a run being 0.
            total: steps of the whole run.

        Returns:
            (T, R), or (1, R) where no step differs.
        """
        raise NotImplementedError


class Constant(Schedule):
    """lr_t = lr.

    Source: the optimizer as it is.
    """

    kind: Literal["constant"]

    def rates(self, lr: Array, steps: NDArray[Any], total: int) -> Array:
        return lr[None, :]


class Step(Schedule):
    """lr_t = lr * gamma^floor(t / every).

    Source: torch.optim.lr_scheduler.StepLR.
    """

    kind: Literal["step"]
    every: int = Field(ge=1, le=10**12, examples=[100], description="steps between two changes")
    gamma: float = Field(0.1, gt=0, description="factor of each change")

    def rates(self, lr: Array, steps: NDArray[Any], total: int) -> Array:
        return lr * powers(self.gamma, steps // self.every)[:, None]


class Exponential(Schedule):
    """lr_t = lr * gamma^t.

    Source: torch.optim.lr_scheduler.ExponentialLR.
    """

    kind: Literal["exponential"]
    gamma: float = Field(gt=0, examples=[0.99], description="factor of each step")

    def rates(self, lr: Array, steps: NDArray[Any], total: int) -> Array:
        return lr * powers(self.gamma, steps)[:, None]


class Cosine(Schedule):
    """lr_t = min_lr + (lr - min_lr) (1 + cos(pi t / T)) / 2, T the steps of the run.

    Source: Loshchilov and Hutter 2017, equation 5; torch.optim.lr_scheduler.CosineAnnealingLR.
    """

    kind: Literal["cosine"]
    min_lr: float = Field(0.0, ge=0, description="the rate after the last step")

    def rates(self, lr: Array, steps: NDArray[Any], total: int) -> Array:
        share = (1 + np.cos(np.pi * steps / total)) / 2
        return self.min_lr + (lr - self.min_lr) * share[:, None]


class LinearWarmup(Schedule):
    """lr_t = lr * min(1, (t + 1) / steps).

    Source: Goyal et al. 2017, section 2.2.
    """

    kind: Literal["linear_warmup"]
    steps: int = Field(ge=1, le=10**12, examples=[10], description="steps until the full rate is reached")

    def rates(self, lr: Array, steps: NDArray[Any], total: int) -> Array:
        return lr * np.minimum(1.0, (steps + 1) / self.steps)[:, None]


AnySchedule = Annotated[Constant | Step | Exponential | Cosine | LinearWarmup, Field(discriminator="kind")]
