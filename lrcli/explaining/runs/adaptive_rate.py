"""A rate of Adam or RMSprop that is large beside the weights, or for the curvature at the end."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.wording import times

__all__ = ["edge_of_stability", "larger_than_weights"]

_USUAL = 0.01
_AT = 0.9  # of the threshold: training that is held up there goes a little below and above it
_BEYOND = 1.1
_TINY = 0.05  # a size of weights that is small itself


def larger_than_weights(facts: RunFacts) -> Iterator[Finding]:
    """Its first steps move every weight by about the rate, whatever the gradient (Kingma and Ba 2015)."""
    optimizer, model = facts.experiment.optimizer, facts.experiment.model
    if not optimizer.adaptive or model.identifiable or optimizer.lr <= _USUAL:
        return
    weights = [values.reshape(-1) for values in facts.start.values() if values.ndim > 1]
    size = float(np.sqrt(np.mean(np.concatenate(weights) ** 2))) if weights else 0.0
    if not _TINY < size < facts.rate:
        return
    text = (
        f"The learning rate is large for {optimizer.kind}: its steps move every weight by about the rate, "
        f"{short(facts.rate)}, whatever the gradient is, and the weights began at a size of {short(size)}."
    )
    numbers = {"rate": facts.rate, "size": size}
    yield Finding("adaptive_rate", text, numbers, True, (facts.train(optimizer__lr=_USUAL),))


def edge_of_stability(facts: RunFacts) -> Iterator[Finding]:
    """The rate of the last step is that above which steps of this optimizer grow, or larger.

    Training that gets there stays there: steps that grow make the gradients, and with them what the steps are
    divided by, grow too (Cohen et al. 2022).
    """
    curvature = facts.result.curvature
    row = curvature.preconditioned if curvature else None
    if row is None or row.rate < _AT * row.threshold:
        return
    kind, ratio = facts.experiment.optimizer.kind, row.rate / row.threshold
    size = f"{times(ratio)} the largest" if ratio > _BEYOND else "about the largest"
    text = (
        f"{kind} ended where its steps are hardly stable: its learning rate, {short(row.rate)}, is {size} "
        f"that is stable there, {short(row.threshold)} (a diagnostic, since {kind} adapts to steps that "
        "grow). It swings across the steepest direction, which more epochs do not cure. A rate that falls to "
        "zero, or a smaller one, lets it settle."
    )
    numbers = {"rate": row.rate, "threshold": row.threshold, "ratio": ratio, "sharpness": row.largest}
    commands = (
        facts.train(optimizer__schedule="{kind: cosine}"),
        facts.train(optimizer__lr=facts.rate / 10),
    )
    yield Finding("edge_of_stability", text, numbers, estimate=True, commands=commands)
