"""What the data of each member of a sweep say about the true parameters, before anything is trained."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FREEDOM", "TABLES", "Sampling"]

Array = NDArray[np.float64]

FREEDOM = "freedom"
TABLES = {"truth": "truth", "sampling_errors": "sampling_error", "standard_errors": "standard_error"}


@dataclass(frozen=True, eq=False)
class Sampling:
    """What is known of parameters whose true values are; arrays of a shape, such as (S, C).

    Attributes:
        freedom: the degrees of freedom of the residuals, N - P; infinite where the spread of the targets is
            known from the model, as that of classes; NaN where the data leave a parameter open.
        truth: from a parameter's number, such as ``w[0]``, to its true values; NaN for members that have no
            such parameter, or whose truth is not known.
        sampling_errors: from it to true minus reference; NaN where there is none.
        standard_errors: from it to the standard error of the reference, likewise.
    """

    freedom: Array
    truth: Mapping[str, Array]
    sampling_errors: Mapping[str, Array]
    standard_errors: Mapping[str, Array]

    @property
    def arrays(self) -> dict[str, Array]:
        """All of it by name, such as ``standard_error:w[0]``, for files."""
        named = {
            f"{short}:{name}": values
            for table, short in TABLES.items()
            for name, values in getattr(self, table).items()
        }
        return {FREEDOM: self.freedom} | named

    @staticmethod
    def of_arrays(arrays: Mapping[str, Array]) -> "Sampling | None":
        """What has these `arrays`; None of none.

        Raises:
            KeyError: one is missing, or none of this.
        """
        if not arrays:
            return None
        tables: dict[str, dict[str, Array]] = {short: {} for short in TABLES.values()}
        for key, values in arrays.items():
            short, _, name = key.partition(":")
            if short != FREEDOM:
                tables[short][name] = values
        return Sampling(arrays[FREEDOM], **{table: tables[short] for table, short in TABLES.items()})
