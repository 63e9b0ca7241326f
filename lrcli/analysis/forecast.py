"""What training is going to do, worked out without it: of SGD, where the loss is a quadratic.

With all examples in every step, or batches in a fixed order, the numbers are those of the run, but for
rounding. With shuffled batches the parameters nearly follow gradient descent on average, and the loss is that
of the average parameters plus what their spread adds; see `lrcli.analysis.gradient_noise`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.quadratics import Array

__all__ = ["Forecast", "Path", "RateForecast"]

_NEAR = 1024  # epochs that are all looked at; later ones in steps of a hundredth
_FAR = 10**9  # epochs ahead that are looked at
_RATES = 161  # that are tried
_DECADES = 6  # below the largest stable rate
_PRECISION = 1e-4  # of the best rate


class Path(Protocol):
    """The way of the parameters, in epochs; G learning rates side by side."""

    def losses(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        """The expected loss of the whole training set, (K, G)."""

    def parameters(self, epochs: NDArray[np.int64], lr: float) -> Array:
        """The mean of the parameters, (K, P)."""

    def gaps(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        """Reference minus mean of the parameters, as far as the data determine them, (K, G, P)."""


@dataclass(frozen=True)
class RateForecast:
    """A learning rate and the loss that it is expected to end with.

    Attributes:
        rate: of the optimizer; a schedule multiplies it.
        loss: expected after the last step.
    """

    rate: float
    loss: float


@dataclass(frozen=True, eq=False)
class Forecast:
    """What a run is going to do.

    Attributes:
        epoch: (T,) of the records, epoch 0 first; of very many, some.
        steps_per_epoch: optimizer updates in an epoch.
        exact: whether the run will do just this, in float64; else it is an average over orders of examples,
            to second order in the rate.
        least: the loss at the reference, below which no training comes.
        floor: what the noise of batches at the rate of the end keeps the loss above `least` by, on average;
            0 where there is none, NaN where the noise grows or is not worked out (see `notes`).
        floor_of_independent: the same, were the batches drawn independently of each other.
        lr: the optimizer's rate.
        constant: whether the rate is the same in every step.
        noise_counts: whether what the noise of batches adds to the loss is in it, where there is such noise.
        notes: what the forecast leaves out, a clause each.
    """

    epoch: NDArray[np.int64]
    steps_per_epoch: int
    exact: bool
    least: float
    floor: float
    floor_of_independent: float
    lr: float
    constant: bool
    noise_counts: bool
    notes: tuple[str, ...]
    _path: Path = field(repr=False)
    _by_name: Callable[[Array], dict[str, Array]] = field(repr=False)
    _change: Callable[[Array], Array] = field(repr=False)
    _find_largest_rate: Callable[[], float | None] = field(repr=False)

    @property
    def step(self) -> NDArray[np.int64]:
        """(T,) optimizer updates at the records."""
        return self.epoch * self.steps_per_epoch

    @cached_property
    def largest_rate(self) -> float | None:
        """The rate above which training explodes; None where that is not known."""
        return self._find_largest_rate()

    @cached_property
    def loss(self) -> Array:
        """(T,) the training loss expected at the records; infinite where it explodes."""
        return self.losses_at(self.epoch)

    def losses_at(self, epochs: NDArray[np.int64]) -> Array:
        """(K,) the training loss expected at the end of some epochs, ascending."""
        return np.asarray(self._path.losses(epochs, np.array([self.lr]))[:, 0])

    def parameters_at(self, step: int) -> dict[str, Array]:
        """The mean of the parameters after the last whole epoch of so many steps, as they are trained."""
        return self._by_name(self._path.parameters(self._epochs(step), self.lr)[0])

    def errors_at(self, step: int) -> Array:
        """(P,) the optimization error, reference - mean, in the units of the data.

        What the data leave open is no part of it.
        """
        return np.asarray(self._gaps(self._epochs(step))[0])

    @property
    def remaining(self) -> float:
        """The share of the way that is left at the end: |optimization error| there over that at the start.

        NaN where training begins at the reference.
        """
        ends = self._gaps(np.array([0, self.epoch[-1]]))
        with np.errstate(all="ignore"):
            start, end = np.linalg.norm(ends, axis=1)
            return float(end / start)

    def steps_to(self, loss: float) -> int | None:
        """The steps, whole epochs of them, until the expected loss is no more than this.

        None where it never is, or after more than a billion epochs, or the rate is planned no further.
        """
        return self._first(lambda epochs: self.losses_at(epochs) <= loss)

    def steps_to_error(self, error: float) -> int | None:
        """Likewise until no optimization error of the mean parameters is larger than this."""

        def reached(epochs: NDArray[np.int64]) -> NDArray[np.bool_]:
            return np.asarray(np.abs(self._gaps(epochs)).max(axis=1) <= error)

        return self._first(reached)

    @cached_property
    def best_rate(self) -> RateForecast | None:
        """The rate that leaves the smallest expected loss after as many steps; None where it is not known.

        It is not where the noise of batches, which speaks against large rates, is left out. Of several
        that leave the same, the smallest.
        """
        if self.largest_rate is None or not self.noise_counts:
            return None

        def ends(log_rates: Array) -> Array:
            return np.asarray(self._path.losses(self.epoch[-1:], 10.0**log_rates)[0])

        high = np.log10(self.largest_rate)
        rates = np.linspace(high - _DECADES, high, _RATES)
        spacing = float(rates[1] - rates[0])
        losses = ends(rates)
        while spacing > _PRECISION / 10:
            best = float(rates[np.nanargmin(losses)])
            rates = np.minimum(np.linspace(best - spacing, best + spacing, 21), high)
            losses, spacing = ends(rates), spacing / 10
        best_index = int(np.nanargmin(losses))
        return RateForecast(float(10.0 ** rates[best_index]), float(losses[best_index]))

    def rate_to_error(self, error: float) -> float | None:
        """The smallest rate whose mean parameters end with no larger optimization error than this.

        None where no stable one does, or it is not known.
        """
        if self.largest_rate is None:
            return None
        high = np.log10(self.largest_rate)
        rates = 10.0 ** np.linspace(high - _DECADES, high, 4 * _RATES)
        errors = self._change(self._path.gaps(self.epoch[-1:], rates)[0])
        near = np.flatnonzero(np.abs(errors).max(axis=1) <= error)
        return float(rates[near[0]]) if len(near) else None

    def _gaps(self, epochs: NDArray[np.int64]) -> Array:
        """(K, P) reference - mean after some epochs, in the units of the data."""
        return self._change(self._path.gaps(epochs, np.array([self.lr]))[:, 0])

    def _epochs(self, step: int) -> NDArray[np.int64]:
        return np.array([step // self.steps_per_epoch])

    def _first(self, reached: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> int | None:
        """The steps until something is reached, the first of them but for oscillations far ahead."""
        last = _FAR if self.constant else int(self.epoch[-1])
        near = np.arange(min(last, _NEAR) + 1)
        far = np.geomspace(_NEAR, last, 2000).astype(np.int64) if last > _NEAR else near[:0]
        for epochs in (near, far):
            there = reached(epochs)
            if there.any():
                index = int(there.argmax())
                low, high = int(epochs[max(index - 1, 0)]), int(epochs[index])
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (low, middle) if reached(np.array([middle]))[0] else (middle, high)
                return high * self.steps_per_epoch
        return None
