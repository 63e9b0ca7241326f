"""What a sweep has found, as arrays whose first axes are seeds and configurations.

Statistics, outcomes, comparisons, files, figures and TensorBoard are all made of this one record. Where there
are many members most arrays of its mappings lie on the disk, and each is read whenever it is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.sampling import Sampling
from lrcli.analysis.stable_rates import StableRates

__all__ = ["ABSENT", "SweepResults"]

Array = NDArray[np.float64]

ABSENT: Final = object()  # in the place of a value


@dataclass(frozen=True)
class SweepResults:
    """S seeds times C configurations; member m is seed m // C with configuration m % C.

    Attributes:
        keys: the swept keys, such as ``optimizer.lr``, in the order of the file.
        configurations: C mappings from swept key to value. With a list of grids a configuration has the
            keys of its own grid only.
        seeds: the S seeds.
        metric: by which configurations are ranked, such as ``val/loss``.
        mode: whether small or large values of it are good.
        status: (S, C) completed, stopped_early, diverged or interrupted; of many members as objects, one for
            each word.
        diverged_step: (S, C) the step that would have broken the member, counted from 1, or the last step of
            one whose loss had exploded; 0: it has not diverged.
        epochs: (S, C) epochs finished.
        final: from metric to its last value, (S, C); NaN where there is none. A member that diverged keeps
            the last values it had.
        best: (S, C) the best value of the metric of `lrcli.experiment.experiment.Experiment.best`.
        errors: from a parameter's number, such as ``w[0]``, to true (else reference) minus learned, (S, C);
            empty where parameters are not identifiable or differ between configurations.
        epoch: (C, T) the epoch of each record, 0 for that before training; -1 after the last one of a
            configuration with fewer records.
        step: (C, T) the optimizer updates finished at each record.
        curves: from metric to (S, C, T); NaN where there is no record or no number.
        undetermined: from a parameter's number to the members whose data leave it open, (S, C); see
            `lrcli.analysis.determination`.
        least: (S, C) the smallest training loss that is possible; NaN where it is not known.
        constant: (S, C) that of the best constant answer; NaN where it is not known.
        problems: (C,) equal for configurations with the same data, model and loss.
        sampling: what the data say about the true parameters, (S, C) each; None where these are not known.
        stable: the learning rates, and the largest stable ones; None in sweeps of an older lrcli.
    """

    keys: tuple[str, ...]
    configurations: Sequence[Mapping[str, Any]]
    seeds: tuple[int, ...]
    metric: str
    mode: Literal["min", "max"]
    status: NDArray[np.str_]
    diverged_step: NDArray[np.int64]
    epochs: NDArray[np.int64]
    final: Mapping[str, Array]
    best: Array
    errors: Mapping[str, Array]
    epoch: NDArray[np.int64]
    step: NDArray[np.int64]
    curves: Mapping[str, Array]
    undetermined: Mapping[str, NDArray[np.bool_]]
    least: Array
    constant: Array
    problems: NDArray[np.intp]
    sampling: Sampling | None = None
    stable: StableRates | None = None

    @cached_property
    def columns(self) -> dict[str, list[Any]]:
        """From each swept key to the C values of the configurations; `ABSENT` where one has no such key."""
        found: dict[str, list[Any]] = {key: [] for key in self.keys}
        for configuration in self.configurations:
            for key, column in found.items():
                column.append(configuration.get(key, ABSENT))
        return found

    @cached_property
    def diverged(self) -> NDArray[np.bool_]:
        """(S, C) members that have diverged."""
        return np.asarray(self.status == "diverged", dtype=np.bool_)

    @cached_property
    def missing(self) -> NDArray[np.bool_]:
        """(S, C) members that have not ended: a sweep was interrupted before they had."""
        return np.asarray(self.status == "interrupted", dtype=np.bool_)
