"""The best configurations of a sweep with bands around their medians, for TensorBoard's Custom Scalars page.

A chart of that page draws a line for every selected run that has its tags, in the run's colour: with a band
for each of hundreds of configurations nothing is seen, a layout cannot name runs, and lines of one run look
alike. So each of the few best ones has a run of its own, ``best=1,lr=0.03``, which alone has these tags:
``best=`` in the page's filter of runs selects them, however many others there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import describe_metric
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import metric_of
from lrcli.reporting.curve_ends import FAR
from lrcli.reporting.event_names import band_tags
from lrcli.reporting.scales import Array
from lrcli.reporting.sweeps.axes import short_names
from lrcli.reporting.sweeps.scores import curve_scores, quantiles

__all__ = ["MOST_BANDS", "Bands", "best_bands"]

MOST_BANDS = 8  # more cover each other


@dataclass(frozen=True)
class Bands:
    """What the Custom Scalars page shows.

    Attributes:
        title: of all charts.
        charts: from metric to the tags of its median, its lower and its upper bound.
        runs: (n,) names, best first.
        steps: (n, t) of the optimizer.
        values: (n, t, 3 * number of charts) of the tags of all charts; all three of one are numbers, or none.
    """

    title: str
    charts: Mapping[str, tuple[str, str, str]]
    runs: list[str]
    steps: NDArray[np.int64]
    values: Array

    @property
    def tags(self) -> list[str]:
        """Those of all charts."""
        return [tag for tags in self.charts.values() for tag in tags]


def best_bands(results: SweepResults, order: NDArray[np.intp], records: NDArray[np.intp]) -> Bands:
    """Median, 10 % and 90 % quantile over the seeds of what training came to, for the best configurations.

    Those of which most seeds diverged are not among the best.

    Args:
        results: the sweep.
        order: the configurations from best to worst, (C,).
        records: which of the records, (t,).
    """
    best = order[np.isfinite(describe_metric(results).median[order])][:MOST_BANDS]
    metrics = [metric for metric in results.curves if metric_of(metric).is_outcome]
    metrics.sort(key=lambda metric: metric != results.metric)
    bands = [_band(curve_scores(results, metric, best, records)) for metric in metrics]
    return Bands(
        title=f"the best by {results.metric}: median, 10 % to 90 % of the seeds",
        charts={metric: band_tags(metric) for metric in metrics},
        runs=[f"best={rank},{name}" for rank, name in enumerate(short_names(results, best), 1)],
        steps=results.step[np.ix_(best, records)],
        values=np.concatenate(bands, axis=2) if bands else np.empty((len(best), len(records), 0)),
    )


def _band(values: Array) -> Array:
    """Median and bounds, (n, t, 3), from the scores of (S, n, t); NaN where the median is no number.

    A line whose bounds are missing at some step is not drawn at all. So a bound that is infinite, as that
    many seeds diverged, goes as far as the line ever does, or to `FAR` times where it begins.
    """
    low, median, high = quantiles(values, (0.1, 0.5, 0.9))
    drawn = np.isfinite(median)
    within = np.where(drawn, median, 0.0)
    farthest = np.maximum(np.max(np.abs(within), axis=1), FAR * np.abs(within[:, 0]))[:, None]
    nearest = np.minimum(np.min(within, axis=1), 0.0)[:, None]
    bounds = (np.clip(low, nearest, median), np.clip(high, median, np.maximum(farthest, median)))
    return np.stack([np.where(drawn, line, np.nan) for line in (median, *bounds)], axis=2)
