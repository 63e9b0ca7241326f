"""How shuffled batches move the mean of the parameters, and how far they spread them about it.

Along an eigenvector i of the Hessian, x = (p, v) is the distance to the minimum and the velocity (p alone
without momentum), M_i its map in a step, and w_i what a gradient's noise does to it. The gradient of an
example at p differs from the mean by a noise whose variance is s_i + sum_j F_ij p_j^2, from the residuals at
the minimum and from how X'X varies. So the second moments Y_i = E[x x'] follow, with N examples in batches of
B, the linear map

    Y_i -> M_i Y_i M_i' + N / (N - 1) / B (s_i + sum_j F_ij E[p_j^2]) w_i w_i',

from which, at the end of an epoch, is taken what its batches even out: every example comes once, so the
noises of all of them add up to nothing. With h_i(t) what is left in the end of the noise of step t, the
variance of such a sum over a random permutation is (Hoeffding 1951)

    N / (N - 1) [sum_t h_i(t)^2 var(t) / B_t - 1 / N var of (sum_t h_i(t) noise(t))].

The second term is taken to first order in the noise; moments of different directions are taken not to mix.

For the same reason two batches of an epoch have Hessians with the covariance -cov / (N - 1), and the mean is
not that of gradient descent. In an epoch of n steps M_i^n becomes, to second order, M_i^n + D_i,

    D_i = -1 / (N - 1) sum_j F_ij sum M_i^a w_i e' M_j^d w_j e' M_i^s,    a + d + s = n - 2,

e being (1, 0): the implicit bias of random reshuffling (Smith et al. 2021), which Y_i has, too. Where the
residuals at the minimum go with the features (they do where weights decay) the mean is pulled away from it by

    f_i = -1 / (N - 1) sum_j c_ij sum M_i^a w_i e' M_j^d w_j,    a + d <= n - 2,

c_ij the covariance of z_i z_j and z_j r over the examples, z the features along the directions, r a residual.
"""

from collections.abc import Iterator, Sequence
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
        pulling: (C, C) c.
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
    pulling: Array
    count: int
    sizes: Sequence[int]
    rule: Rule
    size: int

    def shift(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        """How far the mean is from where gradient descent is, along all directions, (K, G, P)."""
        found = np.zeros((len(epochs), len(lr), self.size))
        for rates in self._together(lr):
            plain, _, pulled = self._means(epochs, lr[rates])
            with np.errstate(invalid="ignore"):
                found[:, rates, self.directions] = pulled - plain
        return found

    def spread(self, epochs: NDArray[np.int64], lr: Array) -> Array:
        """The variances along all directions after some epochs at G constant rates, (K, G, P)."""
        found = np.zeros((len(epochs), len(lr), self.size))
        for rates in self._together(lr):
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
        found[self.directions] = np.linalg.solve(np.eye(len(inner)) - inner, constant)[:: self._squares]
        return np.clip(found, 0, None)

    @property
    def _states(self) -> int:
        """The numbers of x: velocity is followed where there is momentum."""
        return 2 if self.rule.momentum else 1

    @property
    def _squares(self) -> int:
        return self._states**2

    @property
    def _map_size(self) -> int:
        return self._squares * len(self.eigenvalues) + 1

    def _together(self, lr: Array) -> Iterator[slice]:
        """Rates that are looked at side by side, as many as do not take much memory."""
        of_pairs = (len(self.eigenvalues) * (3 * self._states + 1)) ** 2
        numbers = max(self._map_size**2, of_pairs, 4 * len(self.sizes) * len(self.gap))  # that a rate takes
        step = max(1, _TOGETHER // numbers)
        for first in range(0, len(lr), step):
            yield slice(first, first + step)

    def _start(self) -> Array:
        """(C, states) before the first step."""
        start = np.zeros((len(self.gap), self._states))
        start[:, 0] = self.gap
        return start

    def _means(self, epochs: NDArray[np.int64], rates: Array) -> tuple[Array, Array, Array]:
        """(K, G, C) the mean distances of gradient descent, with the drift, and with drift and pull."""
        maps, start = self._maps(rates)[0], self._start()
        plain = power(maps, len(self.sizes))
        drifting, pull = self._drift(rates)
        size = self._states
        pulled = np.zeros((*maps.shape[:2], size + 1, size + 1))
        pulled[..., :size, :size], pulled[..., :size, -1], pulled[..., -1, -1] = plain + drifting, pull, 1.0
        means = [after(epochs, epoch, start)[..., 0] for epoch in (plain, plain + drifting)]
        with_one = np.column_stack([start, np.ones(len(start))])
        return means[0], means[1], after(epochs, pulled, with_one)[..., 0]

    def _spread(self, epochs: NDArray[np.int64], rates: Array) -> Array:
        """The variances along the curved directions, (K, G, C)."""
        start = self._start()
        _, mean, _ = self._means(epochs, rates)
        with np.errstate(all="ignore"):
            squares = np.append((start[:, :, None] * start[:, None, :]).ravel(), 1.0)
            moments = after(epochs, self._epoch(rates), squares)[..., : -1 : self._squares]
            return np.clip(moments - mean**2, 0, None)

    def _maps(self, rates: Array) -> tuple[Array, Array]:
        """M (G, C, states, states) and w (G, C, states)."""
        whole = step_maps(rates[:, None], self.eigenvalues, self.rule)
        noise = np.stack([whole[..., MOVED, SLOPE], whole[..., VELOCITY, SLOPE]], axis=-1)
        maps = np.empty((*noise.shape, 2))
        maps[..., 0] = noise * self.eigenvalues[:, None]
        maps[..., 0, 0] += 1
        maps[..., 0, 1], maps[..., 1, 1] = whole[..., MOVED, VELOCITY], whole[..., VELOCITY, VELOCITY]
        states = self._states
        return maps[..., :states, :states], noise[..., :states]

    def _drift(self, rates: Array) -> tuple[Array, Array]:
        """D of the module's docstring, (G, C, states, states), and f, (G, C, states)."""
        maps, noise = self._maps(rates)
        count, size = maps.shape[1], self._states
        taken = noise[..., None] * _first(size)[0]  # w e'
        # For each pair a map whose power n has the sums in its corner.
        blocks = np.zeros((len(rates), count, count, 3 * size + 1, 3 * size + 1))
        one, two, three = (slice(size * i, size * (i + 1)) for i in range(3))
        blocks[..., one, one] = blocks[..., three, three] = maps[:, :, None]
        blocks[..., two, two], blocks[..., -1, -1] = maps[:, None], 1.0
        blocks[..., one, two], blocks[..., two, three] = taken[:, :, None], taken[:, None]
        blocks[..., two, -1] = noise[:, None]
        sums, share = power(blocks, len(self.sizes))[..., one, :], -1 / max(self.count - 1, 1)
        with np.errstate(all="ignore"):
            drift = np.einsum("ij,gijab->giab", share * self.varying, sums[..., three])
            return drift, np.einsum("ij,gija->gia", share * self.pulling, sums[..., -1])

    def _step(self, rates: Array, batch: int, *, alone: bool = False) -> Array:
        """The maps of (Y, 1) in a step, (G, M, M); `alone`: its batch is independent of others."""
        maps, noise = self._maps(rates)
        share = self.count / max(self.count - 1, 1) * (1 / batch - alone / self.count)
        outer = share * noise[..., :, None] * noise[..., None, :]
        return self._assembled(maps, outer, outer[:, :, None, :, :, None, None] * _first(self._states))

    def _assembled(self, maps: Array | None, constant: Array, varying: Array) -> Array:
        """The maps of (Y, 1).

        Args:
            maps: (G, C, states, states) of the states; None: 0.
            constant: (G, C, states, states) what a unit of residual noise adds.
            varying: (G, C, C or 1, and states four times) what a unit of F and the moment Y_j add to Y_i.
        """
        count, size, squares = len(self.eigenvalues), self._map_size, self._squares
        mixed = varying * self.varying[:, :, None, None, None, None]
        whole = np.zeros((len(constant), size, size))
        if maps is not None:
            own = np.arange(count)
            mixed[:, own, own] += np.einsum("giab,gicd->giacbd", maps, maps)
            whole[:, -1, -1] = 1.0
        whole[:, :-1, :-1] = mixed.transpose(0, 1, 3, 4, 2, 5, 6).reshape(len(whole), size - 1, size - 1)
        whole[:, :-1, -1] = (constant * self.residual[:, None, None]).reshape(len(whole), squares * count)
        return whole

    def _epoch(self, rates: Array) -> Array:
        """The maps of (Y, 1) in an epoch of shuffled batches."""
        last, squares = self._step(rates, self.sizes[-1]), self._squares
        with np.errstate(all="ignore"):
            whole = last @ power(self._step(rates, self.sizes[0]), len(self.sizes) - 1)
            whole -= self._evened_out(rates)
            drifted = self._drifted(rates)
            for i in range(drifted.shape[1]):
                own = slice(squares * i, squares * (i + 1))
                whole[:, own, own] += drifted[:, i]
        return np.asarray(whole)

    def _drifted(self, rates: Array) -> Array:
        """(G, C, squares, squares) what the drift of the mean does to Y in an epoch."""
        maps, drift = power(self._maps(rates)[0], len(self.sizes)), self._drift(rates)[0]
        pairs = ((maps, drift), (drift, maps), (drift, drift))
        both = sum(np.einsum("giab,gicd->giacbd", one, two) for one, two in pairs)
        return np.asarray(both).reshape(*maps.shape[:2], self._squares, self._squares)

    def _evened_out(self, rates: Array) -> Array:
        """What an epoch takes off, since the noises of its examples add up to nothing."""
        maps, noise = self._maps(rates)
        steps = np.arange(len(self.sizes))
        left = after(steps, maps, noise)[::-1]  # (n, G, C, states)
        first = _first(self._states)[0]
        ahead = after(steps, np.swapaxes(maps, -1, -2), first)  # likewise: the distance's row
        with np.errstate(all="ignore"):
            both = np.einsum("tgia,tgjb->gijab", left, ahead, optimize=True)
            total = left.sum(axis=0)
            share = 1 / max(self.count - 1, 1)
            constant = share * total[..., :, None] * total[..., None, :]
            return self._assembled(None, constant, share * np.einsum("gijab,gijcd->gijacbd", both, both))


def _first(states: int) -> Array:
    """(states, states) a one where E[p^2] is in Y; its first row has a one where p is in x."""
    found = np.zeros((states, states))
    found[0, 0] = 1.0
    return found


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
    along = columns @ loss.directions[:, curved]
    squares, count = along**2, len(columns)
    mean, slope = along.T @ along / count, residuals @ along / count
    varying = squares.T @ squares / count - mean**2
    return GradientNoise(
        eigenvalues=loss.eigenvalues[curved],
        directions=curved,
        gap=loss.slopes(start)[curved] / loss.eigenvalues[curved],
        residual=np.clip(residuals**2 @ squares / count - slope**2, 0, None),
        varying=np.clip(varying, 0, None),
        pulling=(along * residuals[:, None]).T @ squares / count - mean * slope,
        count=count,
        sizes=sizes,
        rule=rule,
        size=len(start),
    )
