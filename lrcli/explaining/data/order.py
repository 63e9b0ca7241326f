"""Examples that come sorted, in batches that are not shuffled."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.facts import Facts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.training.problem import Array

__all__ = ["sorted_examples"]

_CORRELATED = 0.3
_BY_CHANCE = 5.0  # standard deviations of a correlation of what has none, 1 / sqrt(N)


def sorted_examples(facts: Facts) -> Iterator[Finding]:
    """The place of an example tells much of its inputs or its target, and no epoch mixes them."""
    if facts.experiment.training.shuffle or len(facts.batch_sizes) < 2 or not facts.has_data:
        return
    found = {
        "an input": _largest(facts.inputs.reshape(facts.examples, -1)),
        "the target": _largest(facts.targets),
    }
    what, correlation = max(found.items(), key=lambda pair: abs(pair[1]))
    if abs(correlation) < max(_CORRELATED, _BY_CHANCE / np.sqrt(facts.examples)):
        return
    text = (
        f"The examples come sorted, and training.shuffle is false: from first to last, {what} follows their "
        f"place with a correlation of {short(correlation)}. Each batch sees a stretch that is not like the "
        "whole, so the parameters are pulled to and fro within an epoch and end displaced."
    )
    yield Finding(
        "sorted", text, {"correlation": correlation}, commands=(facts.train(training__shuffle=True),)
    )


def _largest(columns: Array) -> float:
    """The correlation of the place in the order with the column that follows it most."""
    place = np.arange(len(columns)) - (len(columns) - 1) / 2
    away = columns - columns.mean(axis=0)
    lengths = np.linalg.norm(away, axis=0) * np.linalg.norm(place)
    products = place @ away / np.where(lengths > 0, lengths, np.inf)
    return float(products[np.argmax(np.abs(products))])
