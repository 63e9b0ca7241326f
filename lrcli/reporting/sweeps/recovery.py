"""What the seeds of a sweep say about each parameter: rows of a table, and the one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrcli.analysis.study import NOMINAL, Study, shortfall, study_of, study_of_references
from lrcli.analysis.sweep_results import SweepResults

__all__ = ["MEANINGS", "BestStudy", "with_error"]

MEANINGS = (
    "bias is the mean of learned minus true, empirical SE the standard deviation over seeds, RMSE the root "
    "of the mean squared error, coverage the share of 95% intervals around the learned value that hold the "
    "true one; each with its Monte Carlo standard error"
)


@dataclass(frozen=True)
class BestStudy:
    """The parameters of one configuration over the seeds.

    Attributes:
        results: of the sweep.
        number: of the configuration.
    """

    results: SweepResults
    number: int

    @cached_property
    def learned(self) -> dict[str, Study]:
        """Of each parameter whose truth is known and of which there are numbers; none of a single seed."""
        if len(self.results.seeds) < 2:
            return {}
        return {
            name: of for name, of in study_of(self.results).items() if np.isfinite(of.bias_mcse[self.number])
        }

    @property
    def sentence(self) -> str:
        """What of the parameters stands out; empty where nothing is known."""
        if not self.learned:
            return ""
        name = min(self.learned, key=self._standing)
        of = self.learned[name]
        ended, diverged = self._ended(of), int(of.diverged[self.number])
        those = (
            f"the {ended:,} of {ended + diverged:,} seeds that did not diverge"
            if diverged
            else f"{ended:,} seeds"
        )
        bias = with_error(of.bias[self.number], of.bias_mcse[self.number])
        text = f"Over {those} {name} is off by {bias} on average"
        coverage = of.coverage[self.number]
        if np.isfinite(coverage):
            text += (
                f"; an interval that should hold the truth in {NOMINAL:.0%} of trainings holds it in "
                f"{coverage:.0%}{self._why(name)}"
            )
        return text

    def _standing(self, name: str) -> tuple[float, float]:
        """The lowest coverage first, then the bias that chance explains least."""
        of = self.learned[name]
        error, bias = of.bias_mcse[self.number], abs(of.bias[self.number])
        coverage = of.coverage[self.number]
        return (coverage if np.isfinite(coverage) else 1.0), -bias / max(error, np.finfo(float).tiny)

    def _ended(self, of: Study) -> int:
        return int(of.n[self.number] - of.diverged[self.number])

    def _why(self, name: str) -> str:
        """A clause: why intervals hold the truth too seldom, where they do."""
        of, reference = self.learned[name], self._references[name]
        match shortfall(of, reference, self.number):
            case "unfinished":
                return ": the training is not finished"
            case "noisy":
                spread, alone = of.empirical_se[self.number], of.standard_error[self.number]
                return (
                    f": over the seeds it spreads by {spread:.2g}, where the data alone would by {alone:.2g}"
                )
            case "reference":
                held = reference.coverage[self.number]
                return f": around what minimises the training loss it holds it in {held:.0%}, too"
        return ""

    @cached_property
    def _references(self) -> Mapping[str, Study]:
        return study_of_references(self.results)


def with_error(value: float, error: float) -> str:
    """A number with its Monte Carlo standard error, to the digit where that begins: ``-0.100 ± 0.003``."""
    if not np.isfinite(value):
        return ""
    if not np.isfinite(error) or error == 0:
        return f"{value:.3g} ± {error:.1g}" if error == 0 else f"{value:.3g}"
    digits = -int(np.floor(np.log10(float(f"{error:.0e}"))))
    if 0 <= digits <= 6 and abs(value) < 1e6:
        return f"{value:.{digits}f} ± {error:.{digits}f}"
    return f"{value:.3g} ± {error:.1g}"
