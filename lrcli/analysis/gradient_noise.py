"""How far the gradients of shuffled batches spread the parameters about their mean.

Along an eigenvector i of the Hessian, (p, v) is the distance to the minimum and the velocity, M_i its map in
a step, and w_i what a gradient's noise does to it. The gradient of an example at p differs from the mean by a
noise whose variance is s_i + sum_j F_ij p_j^2, from the residuals at the minimum and from how X'X varies. So
the second moments Y_i = E[(p, v) (p, v)'] follow, with N examples in batches of B, the linear map

    Y_i -> M_i Y_i M_i' + N / (N - 1) / B (s_i + sum_j F_ij E[p_j^2]) w_i w_i',

from which, at the end of an epoch, is taken what its batches even out: every example comes once, so the
noises of all of them add up to nothing. With h_i(t) what is left in the end of the noise of step t, the
variance of such a sum over a random permutation is (Hoeffding 1951)

    N / (N - 1) [sum_t h_i(t)^2 var(t) / B_t - 1 / N var of (sum_t h_i(t) noise(t))].

The second term is taken to first order in the noise; moments of different directions are taken not to mix.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.descent import MOVED, SLOPE, VELOCITY, step_maps
from lrcli.analysis.linear_maps import after, power
from lrcli.analysis.quadratics import Array, Quadratic
from lrcli.analysis.theory import Rule

__all__ = ["GradientNoise", "gradient_noise"]

_TOGETHER = 2**18  # numbers of rates that are looked at side by side


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """The noise of batches of a quadratic, along its C curved directions.

    Attributes:
        eigenvalues: (C,) of what a step makes small.
        directions: (C,) their numbers among all P.
        gap: (C,) how far from the minimum training begins.
        residual: (C,) s of the module's docstring.
        varying: (C, C) F.
        count: N.
        sizes: of the batches of an epoch; only the last may be smaller.
        rule: of SGD.
        size: P.
    """

    eigenvalues: Array
    directions: NDArray[np.intp]
    gap: Array
    residual: Array
    varying: Array
    count: int
    sizes: Sequence[int]
    rule: Rule
    size: int

    def spread(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        """The variances along all directions after some epochs at G constant rates, (K, G, P)."""
        found = np.zeros((len(epochs), len(lr), self.size))
        numbers = max(self._map_size**2, 4 * len(self.sizes) * len(self.gap))  # that a rate takes
        step = max(1, _TOGETHER // numbers)
        for first in range(0, len(lr), step):
            rates = slice(first, first + step)
            found[:, rates, self.directions] = self._spread(epochs, lr[rates])
        return found

    def floor(self, rate: float, *, independent: bool = False) -> Array:
        """The variances along all directions (P,) at the end of an epoch, the start forgotten.

        Infinite where they grow without end.

        Args:
            rate: constant.
            independent: were each batch drawn independently of the others.
        """
        rates = np.array([rate])
        epoch = (self._step(rates, self.sizes[0], alone=True) if independent else self._epoch(rates))[0]
        inner, constant = epoch[:-1, :-1], epoch[:-1, -1]
        found = np.zeros(self.size)
        stable = np.isfinite(inner).all() and np.abs(np.linalg.eigvals(inner)).max(initial=0.0) < 1
        if not stable:
            found[self.directions] = np.inf
            return found
        found[self.directions] = np.linalg.solve(np.eye(len(inner)) - inner, constant)[::4]
        return np.clip(found, 0, None)

    @property
    def _map_size(self) -> int:
        return 4 * len(self.eigenvalues) + 1

    def _spread(self, epochs: NDArray[np.int64], rates: Array) -> Array:
        """The variances along the curved directions, (K, G, C)."""
        maps, _ = self._maps(rates)
        start = np.zeros((len(self.gap), 2))
        start[:, 0] = self.gap
        mean = after(epochs, power(maps, len(self.sizes)), start)[..., 0]
        squares = np.append((start[:, :, None] * start[:, None, :]).ravel(), 1.0)
        moments = after(epochs, self._epoch(rates), squares)[..., :-1:4]
        with np.errstate(all="ignore"):
            return np.clip(moments - mean**2, 0, None)

    def _maps(self, rates: Array) -> tuple[Array, Array]:
        """M (G, C, 2, 2) of the distance and the velocity, and w (G, C, 2)."""
        whole = step_maps(rates[:, None], self.eigenvalues, self.rule)
        noise = np.stack([whole[..., MOVED, SLOPE], whole[..., VELOCITY, SLOPE]], axis=-1)
        maps = np.empty((*noise.shape, 2))
        maps[..., 0] = noise * self.eigenvalues[:, None]
        maps[..., 0, 0] += 1
        maps[..., 0, 1], maps[..., 1, 1] = whole[..., MOVED, VELOCITY], whole[..., VELOCITY, VELOCITY]
        return maps, noise

    def _step(self, rates: Array, batch: int, *, alone: bool = False) -> Array:
        """The maps of (Y, 1) in a step, (G, 4 C + 1, 4 C + 1); `alone`: its batch is independent."""
        maps, noise = self._maps(rates)
        share = self.count / max(self.count - 1, 1) * (1 / batch - alone / self.count)
        outer = share * noise[..., :, None] * noise[..., None, :]
        return self._assembled(maps, outer, outer[:, :, None, :, :, None, None] * _FIRST)

    def _assembled(self, maps: Array | None, constant: Array, varying: Array) -> Array:
        """The maps of (Y, 1).

        Args:
            maps: (G, C, 2, 2) of the states; None: 0.
            constant: (G, C, 2, 2) what a unit of residual noise adds.
            varying: (G, C, C or 1, 2, 2, 2, 2) what a unit of F and the moment Y_j add to Y_i.
        """
        count, size = len(self.eigenvalues), self._map_size
        mixed = varying * self.varying[:, :, None, None, None, None]
        whole = np.zeros((len(constant), size, size))
        if maps is not None:
            own = np.arange(count)
            mixed[:, own, own] += np.einsum("giab,gicd->giacbd", maps, maps)
            whole[:, -1, -1] = 1.0
        whole[:, :-1, :-1] = mixed.transpose(0, 1, 3, 4, 2, 5, 6).reshape(-1, 4 * count, 4 * count)
        whole[:, :-1, -1] = (constant * self.residual[:, None, None]).reshape(-1, 4 * count)
        return whole

    def _epoch(self, rates: Array) -> Array:
        """The maps of (Y, 1) in an epoch of shuffled batches."""
        last = self._step(rates, self.sizes[-1])
        with np.errstate(all="ignore"):
            whole = last @ power(self._step(rates, self.sizes[0]), len(self.sizes) - 1)
            return np.asarray(whole - self._evened_out(rates))

    def _evened_out(self, rates: Array) -> Array:
        """What an epoch takes off, since the noises of its examples add up to nothing."""
        maps, noise = self._maps(rates)
        steps = np.arange(len(self.sizes))
        left = after(steps, maps, noise)[::-1]  # (n, G, C, 2)
        ahead = after(steps, np.swapaxes(maps, -1, -2), np.array([1.0, 0.0]))  # likewise: the distance's row
        with np.errstate(all="ignore"):
            both = np.einsum("tgia,tgjb->gijab", left, ahead, optimize=True)
            total = left.sum(axis=0)
            share = 1 / max(self.count - 1, 1)
            constant = share * total[..., :, None] * total[..., None, :]
            return self._assembled(None, constant, share * np.einsum("gijab,gijcd->gijacbd", both, both))


_FIRST = np.array([[1.0, 0.0], [0.0, 0.0]])  # of Y: E[p^2]


def gradient_noise(
    loss: Quadratic,
    columns: Array,
    residuals: Array,
    start: Array,
    sizes: Sequence[int],
    rule: Rule,
) -> GradientNoise:
    """The noise of batches, from the data.

    Args:
        loss: what a step makes small.
        columns: (N, P) z, where the gradient of an example in a step is z z'p and what its residual adds.
        residuals: (N,) at the minimum, in the same unit.
        start: (P,) the parameters.
        sizes: of the batches of an epoch.
        rule: of SGD.
    """
    curved = np.flatnonzero(loss.curved)
    directions = loss.directions[:, curved]
    squares = (columns @ directions) ** 2
    mean = squares.mean(axis=0)
    slope = (residuals @ (columns @ directions)) / len(columns)
    varying = squares.T @ squares / len(columns) - np.diag(mean**2)
    return GradientNoise(
        eigenvalues=loss.eigenvalues[curved],
        directions=curved,
        gap=loss.slopes(start)[curved] / loss.eigenvalues[curved],
        residual=np.clip(residuals**2 @ squares / len(columns) - slope**2, 0, None),
        varying=np.clip(varying, 0, None),
        count=len(columns),
        sizes=sizes,
        rule=rule,
        size=len(start),
    )
