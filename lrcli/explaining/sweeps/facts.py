"""What diagnoses ask of a sweep; each fact is worked out once."""

from dataclasses import dataclass
from functools import cached_property

from lrcli.analysis.judging import find_verdict
from lrcli.analysis.statistics import Statistics, describe_metric, ranking
from lrcli.analysis.sweep_results import SweepResults
from lrcli.analysis.verdict import Verdict
from lrcli.explaining.commands import Origin, origin_of
from lrcli.storage.sweep_result import SweepResult
from lrcli.sweeps.reading import FinishedSweep

__all__ = ["RATE", "SweepFacts"]

RATE = "optimizer.lr"


@dataclass(frozen=True, eq=False)
class SweepFacts:
    """A sweep, and what follows from it.

    Attributes:
        sweep: it, read back.
    """

    sweep: FinishedSweep

    @property
    def results(self) -> SweepResults:
        return self.sweep.results

    @property
    def result(self) -> SweepResult:
        return self.sweep.result

    @cached_property
    def origin(self) -> Origin:
        """Where commands find its experiment."""
        return origin_of(self.result)

    @property
    def same_grid(self) -> Origin:
        """Where commands find its experiment with the grid that was swept, of the file or of options."""
        return Origin(f"{self.result.run_dir}/experiment.yaml")

    def other_rates(self, rates: str) -> str:
        """The command that tries other rates, with all else that was swept."""
        only_rates = set(self.verdict.keys) <= {RATE}
        return (self.origin if only_rates else self.same_grid).command("sweep", None, "--lr", rates)

    @cached_property
    def statistics(self) -> Statistics:
        """Of the metric that ranks."""
        return describe_metric(self.results)

    @cached_property
    def verdict(self) -> Verdict:
        """What to make of it."""
        return find_verdict(self.results, self.statistics)

    @cached_property
    def best(self) -> int:
        """The number of the best configuration."""
        return int(ranking(self.statistics, self.results.mode)[0])
