"""What examples are made of: arrays, splits, and what their features are standardised with."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPLITS", "Array", "Scaling", "SplitName"]

Array = NDArray[np.float64]
SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Scaling:
    """What features were standardised with: (x - mean) / scale, each by itself.

    Attributes:
        mean: (D,).
        scale: (D,) positive.
    """

    mean: Array
    scale: Array
