"""The table of metrics: what each is called, what it says, and which of its values are good.

A metric of a split is named ``val/loss``: the split, and its name in the table.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CURVATURES",
    "ERROR_NORM",
    "GRAD_NORM",
    "LARGEST_CURVATURE",
    "LR",
    "MAX_ABS_ERROR",
    "METRICS",
    "OPTIMIZATION_ERROR",
    "PRECONDITIONED_CURVATURE",
    "RUNNING_LOSS",
    "SAMPLING_ERROR",
    "SMALLEST_CURVATURE",
    "Direction",
    "Group",
    "Metric",
    "Split",
    "best_name",
    "direction_of",
    "error_name",
    "is_of_best",
    "is_recovery",
    "metric_of",
    "names_of_split",
    "recorded_names",
    "split_of",
    "training_loss_of",
]

Direction = Literal["min", "max"]
Group = Literal["loss", "accuracy", "recovery", "training"]
Split = Literal["train", "val", "test"]

RUNNING_LOSS, GRAD_NORM, LR = "train/running_loss", "grad_norm", "lr"
LARGEST_CURVATURE, SMALLEST_CURVATURE = "curvature/largest", "curvature/smallest"
PRECONDITIONED_CURVATURE = "curvature/preconditioned"
CURVATURES = (LARGEST_CURVATURE, SMALLEST_CURVATURE, PRECONDITIONED_CURVATURE)
MAX_ABS_ERROR, ERROR_NORM = "recovery/max_abs_error", "recovery/error_norm"
OPTIMIZATION_ERROR, SAMPLING_ERROR = "recovery/optimization_error", "recovery/sampling_error"
_RECOVERY = "recovery/"
_BEST = "best/"


@dataclass(frozen=True)
class Metric:
    """A row of the table.

    Attributes:
        name: without the split where there are `splits`.
        description: what it says, a clause.
        direction: whether small or large values are good; None where neither are.
        scale: how its values are spaced on an axis, where all of them are positive.
        group: what it is about; those of ``training`` say how it goes rather than what it has come to.
        splits: the sets of examples of which, each as a whole, it is taken.
        is_loss: it is what training makes small.
        of_classes: there is one only where targets are classes.
        is_outcome: its last value says how well training has done.
    """

    name: str
    description: str
    direction: Direction | None = "min"
    scale: Literal["linear", "log"] = "log"
    group: Group = "training"
    splits: tuple[Split, ...] = ()
    is_loss: bool = False
    of_classes: bool = False
    is_outcome: bool = True


METRICS = (
    Metric(
        RUNNING_LOSS,
        "mean over the epoch's batches, weighted by size, each taken before its update",
        is_loss=True,
        is_outcome=False,
    ),
    Metric("loss", "after the epoch", group="loss", splits=("train", "val", "test"), is_loss=True),
    Metric(
        "accuracy",
        "share of examples whose class is the predicted one, after the epoch",
        direction="max",
        scale="linear",
        group="accuracy",
        splits=("train", "val", "test"),
        of_classes=True,
    ),
    Metric(GRAD_NORM, "norm of the gradient of the epoch's last batch, before clipping", is_outcome=False),
    Metric(LR, "learning rate of the epoch's last step", direction=None, is_outcome=False),
    Metric(
        LARGEST_CURVATURE,
        "largest eigenvalue of the training loss's Hessian, where logging.curvature asks for it",
        direction=None,
        is_outcome=False,
    ),
    Metric(
        SMALLEST_CURVATURE,
        "smallest eigenvalue of the training loss's Hessian; negative where the loss is no valley",
        direction=None,
        is_outcome=False,
    ),
    Metric(
        PRECONDITIONED_CURVATURE,
        "largest eigenvalue in units of the steps of adam, adamw or rmsprop",
        direction=None,
        is_outcome=False,
    ),
    Metric(MAX_ABS_ERROR, "largest error of a parameter, without its sign", group="recovery"),
    Metric(ERROR_NORM, "Euclidean norm of the errors of all parameters", group="recovery"),
    Metric(
        OPTIMIZATION_ERROR,
        "what training still owes: norm of reference minus learned, the reference being what minimises the "
        "training loss",
        group="recovery",
    ),
    Metric(
        SAMPLING_ERROR,
        "what the training data cannot tell: norm of true minus reference",
        direction=None,
        group="recovery",
        is_outcome=False,
    ),
)
_ERROR = Metric(
    "", "error of one number among the parameters: true minus learned", None, "linear", "recovery"
)
_BY_NAME = {
    name: metric
    for metric in METRICS
    for name in ([f"{split}/{metric.name}" for split in metric.splits] or [metric.name])
}


def metric_of(name: str) -> Metric:
    """The row of a metric such as ``val/loss``; one without a description where the table has none."""
    unknown = _ERROR if is_recovery(name) else Metric(name, "")
    return _BY_NAME.get(name.removeprefix(_BEST), unknown)


def direction_of(name: str) -> Direction:
    """Whether small or large values of a metric are good; small, where neither are."""
    return metric_of(name).direction or "min"


def split_of(name: str) -> str:
    """Of which set of examples a metric is: train, val or test; empty where it is of none."""
    return name.removeprefix(_BEST).partition("/")[0] if metric_of(name).splits else ""


def best_name(name: str) -> str:
    """What a metric is called that is taken at a run's best record, not at its end: ``best/test/loss``."""
    return f"{_BEST}{name}"


def is_of_best(name: str) -> bool:
    """Whether it is taken at a run's best record."""
    return name.startswith(_BEST)


def names_of_split(split: Split, *, classes: bool) -> list[str]:
    """The metrics of a whole set of examples.

    Args:
        split: the set.
        classes: whether targets are classes.
    """
    return [
        f"{split}/{metric.name}"
        for metric in METRICS
        if split in metric.splits and metric.of_classes <= classes
    ]


def recorded_names(splits: Container[str], *, classes: bool) -> list[str]:
    """The metrics of every record, without those of ``recovery``, in their order.

    Args:
        splits: the sets that are evaluated.
        classes: whether targets are classes.
    """
    of_splits = [
        name
        for split in ("train", "val")
        if split in splits
        for name in names_of_split(split, classes=classes)
    ]
    return [RUNNING_LOSS, *of_splits, GRAD_NORM, LR]


def training_loss_of(names: Container[str]) -> str | None:
    """Of some metrics, the one that tells how training goes; the loss of the whole set, if it is there."""
    return next((name for name in ("train/loss", RUNNING_LOSS) if name in names), None)


def is_recovery(name: str) -> bool:
    """Whether it is measured on the parameters, against those that they are held to."""
    return name.startswith(_RECOVERY)


def error_name(element: str) -> str:
    """What the error of one number among the parameters is called: ``recovery/w[0]`` of ``w[0]``."""
    return f"{_RECOVERY}{element}"
