"""A rate of Adam or RMSprop that is large beside the weights of a network."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.runs.facts import RunFacts

__all__ = ["larger_than_weights"]

_USUAL = 0.01
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
