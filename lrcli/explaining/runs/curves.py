"""What the curves of a run say: overfitting, a loss that still falls, a loss that swings."""

from collections.abc import Iterator

import numpy as np

from lrcli.components.user_code import FromFile
from lrcli.explaining.facts import SAFE
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import about, percent, short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.training.problem import Array

__all__ = ["falls_at_end", "levels", "overfit", "still_falling", "swings"]

_RISE = 0.05  # of the lowest value
_NOISE = 3.0  # standard deviations of the changes between records
_BY_CHANCE = 2.0  # standard errors
_FALL = 0.02
_FEWEST = 8  # records of which a quarter says anything
_FEW = 3
_SWING = np.log(1.5)


def overfit(facts: RunFacts) -> Iterator[Finding]:
    """val/loss has risen since an epoch, by more than it moves between records, while train/loss fell."""
    val, train = facts.curve("val/loss"), facts.curve("train/loss")
    if len(val) < _FEWEST or len(val) != len(train) or facts.result.status == "diverged":
        return
    lowest = int(np.argmin(val))
    rise = float(val[-1] - val[lowest])
    detrended = np.diff(val, 2) / np.sqrt(6)  # the noise of a record, where the trend is nearly a line
    noise = float(np.sqrt(np.mean(detrended[-len(val) // 2 :] ** 2)))
    fell = train[-1] < (1 - _FALL) * train[lowest]
    if lowest == len(val) - 1 or not fell or rise < max(_RISE * abs(val[lowest]), _NOISE * noise):
        return
    epoch = int(facts.epochs_of("val/loss")[lowest])
    if not _more_than_chance(facts, epoch):
        return
    text = (
        f"The model overfits: since epoch {epoch:,} val/loss has risen from {short(float(val[lowest]))} to "
        f"{short(float(val[-1]))}, while train/loss went on falling, from {short(float(train[lowest]))} to "
        f"{short(float(train[-1]))}. The parameters of the best epoch are in checkpoint/best.npz."
    )
    numbers = {"epoch": float(epoch), "lowest": float(val[lowest]), "last": float(val[-1])}
    stop = "{metric: val/loss, patience: 10}"
    commands = [facts.train(training__early_stopping=stop)]
    commands += [facts.train(training__epochs=epoch)] if epoch else []
    yield Finding("overfit", text, numbers, commands=tuple(commands))


def _more_than_chance(facts: RunFacts, epoch: int) -> bool:
    """Whether val/loss has risen by more than so few validation examples leave to chance.

    By the paired differences of the examples' losses: their mean over its standard error.
    """
    split, path = facts.problem.splits.get("val"), facts.run.path
    at = np.flatnonzero(path.epoch == epoch)
    if split is None or not len(at) or not facts.last:
        return True
    inputs, targets = np.asarray(split.inputs[0]), np.asarray(split.targets[0])
    rows = []
    for parameters in (path.at(int(at[0])), facts.last):
        outputs = facts.experiment.model.outputs(parameters, inputs)
        terms = None if outputs is None else facts.experiment.loss.terms(outputs, targets)
        if terms is None:
            return True
        rows.append(terms.reshape(len(targets), -1).sum(axis=1))
    rise = rows[1] - rows[0]
    return bool(rise.mean() > _BY_CHANCE * rise.std(ddof=1) / np.sqrt(len(rise))) if len(rise) > 1 else False


def still_falling(facts: RunFacts) -> Iterator[Finding]:
    """Of a model without a reference: how fast train/loss still falls at the end."""
    fall = _fall_at_end(facts)
    if fall is None or facts.result.status != "completed" or _has_parts(facts):
        return
    per_epoch, total = fall
    improving = total >= _FALL or facts.result.outcome == "improving"
    if not improving or facts.result.metrics.get("train/accuracy", 0.0) > 0.995:
        return
    text = (
        f"Training is not finished: train/loss is {short(facts.final_loss or 0)} and still falls, by "
        f"{about(percent(per_epoch))} an epoch."
    )
    commands = [facts.train(training__epochs=3 * facts.epochs)]
    larger = _larger_rate(facts)
    if larger is not None:
        commands.append(facts.train(optimizer__lr=larger))
    yield Finding("falling", text, {"per_epoch": per_epoch}, estimate=True, commands=tuple(commands))


def _larger_rate(facts: RunFacts) -> float | None:
    """A rate with which it may fall faster; None where even twice the rate may be too much."""
    if facts.experiment.optimizer.adaptive:
        return 2 * facts.rate
    limit = facts.stable.limit if facts.foresees else None
    if limit is None or isinstance(facts.experiment.model, FromFile):  # whose limit is not always known
        return None
    return next((k * facts.rate for k in (10, 2) if k * facts.rate <= SAFE * limit), None)


def _has_parts(facts: RunFacts) -> bool:
    """Whether it is known what training owes, which says more than the curve."""
    return any(row.optimization_error is not None for row in facts.determined)


def swings(facts: RunFacts) -> Iterator[Finding]:
    """train/loss goes up and down between records, without a trend."""
    loss = facts.curve("train/loss")
    if len(loss) < _FEWEST or facts.result.status == "diverged" or not (loss > 0).all():
        return
    last = np.log(loss[-max(_FEWEST // 2, len(loss) // 4) :])
    ups = float(np.mean(np.diff(last) > 0))
    low, high = np.quantile(last, [0.1, 0.9])
    if high - low < _SWING or not 0.25 <= ups <= 0.75 or _fall_at_end(facts) is not None:
        return
    full = len(facts.batch_sizes) == 1
    cause = "the learning rate is too large" if full else "the learning rate is large for batches this small"
    text = (
        f"train/loss swings at the end, between {short(float(np.exp(low)))} and {short(float(np.exp(high)))} "
        f"without settling: {cause} "
        f"({short(facts.rate)}{'' if full else f', batches of {facts.batch_sizes[0]:,}'})."
    )
    numbers = {"low": float(np.exp(low)), "high": float(np.exp(high)), "rate": facts.rate}
    settles = not full and facts.experiment.optimizer.schedule.kind == "constant"
    command = facts.let_settle() if settles else facts.train(optimizer__lr=facts.rate / 3)
    yield Finding("swings", text, numbers, commands=(command,))


def levels(facts: RunFacts) -> Iterator[Finding]:
    """Of a run of which nothing else is to be said: what its losses are, and what a constant has."""
    loss, constant = facts.final_loss, facts.constant
    if loss is None or facts.result.status == "diverged":
        return
    val, accuracy = (facts.result.metrics.get(name) for name in ("val/loss", "val/accuracy"))
    said = [f"train/loss is {short(loss)}"]
    said += [f"val/loss {short(val)}"] if val is not None else []
    said += [f"val/accuracy {percent(accuracy)}"] if accuracy is not None else []
    if constant is not None:
        said.append(f"where a constant prediction has a loss of {short(constant)}")
    text = f"Nothing stands out: {', '.join(said)}."
    yield Finding("nothing", text, {"train/loss": loss, "constant": constant, "val/loss": val})


def falls_at_end(facts: RunFacts) -> bool:
    """Whether train/loss still falls, by more than a little."""
    fall = _fall_at_end(facts)
    return fall is not None and fall[1] >= _FALL


def _fall_at_end(facts: RunFacts) -> tuple[float, float] | None:
    """The share of train/loss that an epoch takes at the end, and the last quarter in all; None: no trend."""
    loss = facts.curve("train/loss")
    if len(loss) < _FEW or not (loss > 0).all():
        return None
    y, x = np.log(loss), facts.epochs_of("train/loss")
    if len(loss) < _FEWEST:  # too few for a line: the last two changes
        slope = float((y[-1] - y[-2]) / (x[-1] - x[-2]))
        falls = y[-1] < y[-2] < y[-3]
        return (float(-np.expm1(slope)), float(-np.expm1(y[-1] - y[-2]))) if falls else None
    count = max(_FEWEST // 2, len(loss) // 4)
    y, x = y[-count:], x[-count:]
    slope, error = _line(x, y)
    if slope > -3 * error:
        return None
    return float(-np.expm1(slope)), float(-np.expm1(slope * (x[-1] - x[0])))


def _line(x: Array, y: Array) -> tuple[float, float]:
    """The slope of the least squares line, and its standard error."""
    away = x - x.mean()
    slope = float(away @ y / (away @ away))
    left = y - y.mean() - slope * away
    return slope, float(np.sqrt(left @ left / max(len(x) - 2, 1) / (away @ away)))
