"""A single training example that makes most of a squared loss."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.runs.facts import RunFacts

__all__ = ["dominating_example"]

_MOST = 0.5  # of the loss
_FEWEST = 10  # examples, of which one is to make most of the loss


def dominating_example(facts: RunFacts) -> Iterator[Finding]:
    """Which one, its share of the loss, and how far its target lies from the others."""
    loss = facts.experiment.loss
    if loss.quadratic_factor is None or facts.examples < _FEWEST or facts.outputs is None:
        return
    terms = loss.terms(facts.outputs, facts.targets)
    if terms is None or not np.isfinite(terms.sum()) or not terms.sum() > 0:
        return
    shares = terms.sum(axis=1) / terms.sum()
    worst = int(np.argmax(shares))
    others = np.delete(facts.targets[:, 0], worst)
    distance = abs(float(facts.targets[worst, 0]) - float(others.mean()))
    spread = float(others.std())
    if shares[worst] < _MOST or not distance > 5 * spread:
        return
    text = (
        f"One of the {facts.examples:,} training examples, number {worst} counted from 0, makes "
        f"{percent(float(shares[worst]))} of the loss: its target is "
        f"{short(float(facts.targets[worst, 0]))}, while the others lie around "
        f"{short(float(others.mean()))} with a standard deviation of {short(spread)}. Squared errors let "
        "one such example move every parameter; the losses huber and l1 do not."
    )
    numbers = {
        "example": float(worst),
        "share": float(shares[worst]),
        "target": float(facts.targets[worst, 0]),
    }
    yield Finding("outlier", text, numbers, commands=(facts.train(loss="{kind: huber, delta: 1.0}"),))
