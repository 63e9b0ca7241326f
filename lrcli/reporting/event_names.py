"""What things are called in TensorBoard, so that what matters comes first.

TensorBoard sorts by name. Cards lie in groups, called by what stands before the first ``/`` of a tag, which a
card's title leaves out: ``train/loss`` is the title of ``1 loss/train/loss``. Digits come before letters, and
the first two groups are open in Time Series (three in Scalars). The HParams table shows five hyperparameters,
those that differ before those that do not, and five metrics, each five the first by name; there a parenthesis
comes before a digit, but among the groups after it.

| name | what it is |
|---|---|
| ``0 sweep/...`` | what a sweep has come to: its main picture, and its ranking as text |
| ``1 loss/...`` to ``4 training/...`` | curves, in the groups of `lrcli.config.metrics` |
| ``(final)/1 val/loss``, ... | last values, once at the end: the metrics of the HParams table |
| ``figures/...``, ``parameters/...`` | images and histograms |
| ``bands/...`` | the best configurations of a sweep, for Custom Scalars |
| ``1 result``, ``2 experiment`` | texts |
| ``1 optimizer.lr``, ``2 status`` | hyperparameters that the table shows first; others have their own names |
"""

from collections.abc import Mapping
from typing import TypeVar, get_args

from lrcli.config.metrics import METRICS, Group, Metric, metric_of

__all__ = [
    "EXPERIMENT",
    "RANKING",
    "RESULT",
    "STATUS",
    "band_tags",
    "columns",
    "curve_tag",
    "figure_tag",
    "final_tags",
    "histogram_tag",
    "sweep_picture_tag",
]

RANKING, RESULT, EXPERIMENT = "0 sweep/ranking", "1 result", "2 experiment"
STATUS = "status"  # how a run ended, a column beside its hyperparameters
_FIRST_COLUMNS = ("optimizer.lr", STATUS, "model.kind", "loss.kind", "optimizer.kind")
_SPLITS = ("val", "train", "", "test")  # of the last values
_MAIN_PICTURE = "final_metric"
_T = TypeVar("_T")


def curve_tag(metric: str) -> str:
    """The tag of a metric's curve, of a run and of a sweep alike: ``1 loss/train/loss``."""
    group = metric_of(metric).group
    return f"{get_args(Group).index(group) + 1} {group}/{metric}"


def _outcomes() -> list[str]:
    """The metrics that say what training has come to, those that are asked for first at the front."""

    def names(metric: Metric, split: str) -> list[str]:
        if not metric.is_outcome or (split or None) not in (metric.splits or (None,)):
            return []
        return [f"{split}/{metric.name}" if split else metric.name]

    return [name for split in _SPLITS for metric in METRICS for name in names(metric, split)]


_FINAL = {name: f"(final)/{rank} {name}" for rank, name in enumerate(_outcomes(), 1)}


def final_tags(metrics: Mapping[str, _T]) -> dict[str, _T]:
    """The last values that are columns of the HParams table, under their tags."""
    return {_FINAL[name]: value for name, value in metrics.items() if name in _FINAL}


def columns(hyperparameters: Mapping[str, _T]) -> dict[str, _T]:
    """Hyperparameters under the names that they have in the HParams table."""
    first = {key: f"{rank} {key}" for rank, key in enumerate(_FIRST_COLUMNS, 1)}
    return {first.get(key, key): value for key, value in hyperparameters.items()}


def figure_tag(name: str) -> str:
    """The tag of a picture."""
    return f"figures/{name}"


def sweep_picture_tag(name: str) -> str:
    """The tag of a sweep's picture: the one that answers what the sweep asks lies before all curves."""
    return f"0 sweep/{name}" if name == _MAIN_PICTURE else figure_tag(name)


def histogram_tag(parameter: str) -> str:
    """The tag of a parameter's histogram."""
    return f"parameters/{parameter}"


def band_tags(metric: str) -> tuple[str, str, str]:
    """The tags of a line with a band around it: the median, and the bounds."""
    median, low, high = (f"bands/{metric}/{name}" for name in ("median", "q10", "q90"))
    return median, low, high
