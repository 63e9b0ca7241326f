"""Standard errors: how far references lie from the truth, as the data themselves tell it.

With X the design matrix (the derivatives of the outputs, for a curve), residuals r, N examples, P the rank
of X:

- squared errors: s^2 (X'X)^-1 with s^2 = RSS / (N - P), as every statistics package prints it (Seber and Lee
  2003, section 3.2; Seber and Wild 1989, section 5.1, for curves);
- Huber's loss: K^2 (sum of psi(r)^2 / (N - P)) / (mean of psi'(r))^2 (X'X)^-1, K = 1 + P / N (1 - m) / m
  with m the mean of psi' (Huber 1981, section 7.6, his first form);
- absolute errors: (X'X)^-1 / (4 f^2), f the density of the errors at 0 from Epanechnikov's kernel, its
  bandwidth that of Hall and Sheather 1988 (Koenker 2005, section 3.4);
- cross-entropies: the inverse of Fisher's information.

With weight decay there are none: the reference is drawn towards 0, and a spread without that bias says
little of its distance from the truth (Goeman, Meijer and Chaturvedi 2022, the vignette of R's package
penalized, section 6). Nor where the residuals are nothing but rounding.
"""

from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.components.losses import Loss
from lrcli.components.models.base import Array, Model
from lrcli.components.models.least_squares import by_name

__all__ = ["Missing", "Spread", "changes_of_units", "spread_of_noise"]

Missing = Literal[
    "",  # there are
    "decay",
    "few",  # examples, no more than parameters
    "exact",  # residuals that are rounding
    "bandwidth",  # the density of absolute errors at 0 is not known
    "several",  # minima
    "alike",  # parameters that change a curve alike
    "open",  # parameters that the data leave open
    "large",  # too much work
    "loss",  # of the user's
    "no truth",
    "none",  # no minimum was found
]


class Spread(NamedTuple):
    """By what the roots of the diagonals of (X'X)^-1 are to be multiplied.

    Attributes:
        factors: (K,); NaN where it is not known.
        missing: (K,) why not, see `Missing`; empty where it is known.
    """

    factors: Array
    missing: NDArray[np.str_]


def spread_of_noise(loss: Loss, residuals: Array, rank: NDArray[np.intp], rounding: Array) -> Spread:
    """The standard deviation of errors that one example has, as a loss sees them.

    Args:
        loss: of squared errors, Huber's, or absolute errors.
        residuals: (K, N).
        rank: (K,) of the design matrices.
        rounding: (K,) the sums of squares that rounding alone may leave.
    """
    count = residuals.shape[1]
    freedom = np.maximum(count - rank, 1)
    missing = np.full(len(residuals), "", dtype="U9")
    if loss.knee is None:
        factors = np.sqrt(np.sum(residuals**2, axis=1) / freedom)
    elif loss.knee > 0:
        factors = _of_huber(residuals, loss.knee, rank, freedom)
    else:
        factors = np.array([_of_median(each) for each in residuals])
        missing[np.isnan(factors)] = "bandwidth"
    missing[np.sum(residuals**2, axis=1) <= rounding] = "exact"
    missing[rank >= count] = "few"
    return Spread(np.where(missing == "", factors, np.nan), missing)


def _of_huber(residuals: Array, width: float, rank: NDArray[np.intp], freedom: Array) -> Array:
    count = residuals.shape[1]
    inside = np.mean(np.abs(residuals) <= width, axis=1)
    squares = np.sum(np.clip(residuals, -width, width) ** 2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        correction = 1 + rank / count * (1 - inside) / inside
        return np.asarray(correction * np.sqrt(squares / freedom) / inside)


def _of_median(residuals: Array) -> float:
    """1 / (2 f) of residuals (N,); NaN where they are too few for their density to be known."""
    count, normal = len(residuals), NormalDist()
    shape = 1.5 / (2 * np.pi)  # phi(z)^2 is 1 / (2 pi) at the median, and 2 z^2 + 1 is 1
    share = count ** (-1 / 3) * normal.inv_cdf(0.975) ** (2 / 3) * shape ** (1 / 3)
    if share >= 0.5:
        return np.nan
    low, high = np.quantile(residuals, [0.25, 0.75])
    spread = min(float(np.std(residuals)), float(high - low) / 1.34)
    width = spread * (normal.inv_cdf(0.5 + share) - normal.inv_cdf(0.5 - share))
    if width <= 0:
        return np.nan
    parts = residuals / width
    density = float(np.sum(np.where(np.abs(parts) <= 1, 0.75 * (1 - parts**2), 0.0))) / (count * width)
    return 1 / (2 * density) if density > 0 else np.nan


def changes_of_units(model: Model, num_features: int, outputs: int, mean: Array, scale: Array) -> Array:
    """What becomes, in original units, of parameters of which one number alone is 1.

    Args:
        model: which is linear in its parameters.
        num_features: D.
        outputs: O.
        mean: (K, D) with the next what the inputs were standardised with.
        scale: (K, D).

    Returns:
        (K, P O, P O), a row for each number, in the parameters' canonical order.
    """
    parameters = model.parameters(num_features, outputs)
    size = sum(parameter.size for parameter in parameters)
    rows = sum(parameter.matrix[0] for parameter in parameters)
    alone = by_name(np.eye(size).reshape(size, rows, outputs), parameters)
    found = []
    for one_mean, one_scale in zip(mean, scale, strict=True):
        changed = model.in_original_units(alone, one_mean, one_scale) or {}
        found.append(np.concatenate([changed[p.name].reshape(size, -1) for p in parameters], axis=1))
    return np.stack(found)
