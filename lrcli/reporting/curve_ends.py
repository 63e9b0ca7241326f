"""Where the curve of something that diverged ends on a linear axis.

A loss that explodes passes through every power of ten before it stops being a number, and its last values
would press all other curves of a chart onto the axis. So the curves of what diverged, all of them, end behind
the last record whose training loss is at most `FAR` times the first one's: one decade, which shows that it
rises. Nothing is left out of what has not diverged, however high it goes, nor of ``metrics.csv`` and
``curves.npz``.
"""

import numpy as np
from numpy.typing import NDArray

from lrcli.reporting.scales import Array

__all__ = ["FAR", "drawn_records"]

FAR = 10.0


def _first_level(losses: Array) -> Array:
    """The first value that is a positive number, (n,); infinity where there is none.

    Args:
        losses: (n, T) curves.
    """
    good = np.isfinite(losses) & (losses > 0)
    first = np.take_along_axis(losses, np.argmax(good, axis=1)[:, None], axis=1)[:, 0]
    return np.where(good.any(axis=1), first, np.inf)


def drawn_records(losses: Array) -> NDArray[np.intp]:
    """How many records of curves that diverged are drawn, (n,).

    Args:
        losses: (n, T) the training loss; what is no number is beyond everything.
    """
    near = losses <= FAR * _first_level(losses)[:, None]
    backwards = np.argmax(near[:, ::-1], axis=1)
    return np.where(near.any(axis=1), losses.shape[1] - backwards, 0)
