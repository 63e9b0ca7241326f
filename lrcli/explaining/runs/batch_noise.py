"""A run whose error is the noise of its batches, not training that has not gone far enough."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.runs.errors import most_owed, owes
from lrcli.explaining.runs.facts import RunFacts
from lrcli.running.forecast import Unforeseen
from lrcli.wording import one_line

__all__ = ["noise_of_batches"]

_NOTHING = 1e-3  # of what training owes
_NEAR = 0.3  # of a standard error
_SHARE = 0.5  # of what training owes, that the average over all orders does not owe


def noise_of_batches(facts: RunFacts) -> Iterator[Finding]:
    """Training owes something that it would not owe on average over all orders of the examples."""
    row = most_owed(facts)
    if row is None or not facts.foresees or not owes(facts, row):
        return
    forecast, owed = facts.forecast, abs(row.optimization_error or 0.0)
    if isinstance(forecast, Unforeseen) or forecast.exact or not forecast.floor > 0:
        return
    average = float(np.abs(forecast.errors_at(facts.result.steps)).max())
    if not average < _SHARE * owed:
        return
    batch = facts.batch_sizes[0]
    there = f"about {short(average)} from there" if average > _NOTHING * owed else "there"
    end = (
        "where perfect training with this weight decay ends"
        if facts.decay
        else "the best that these data allow"
    )
    text = (
        f"What is left is mostly the noise of the batches: {one_line(row.name)} is {short(owed)} from {end}. "
        f"Averaged over all orders of the examples it would be {there}. At a constant rate of "
        f"{short(facts.rate)} with batches of {batch:,} that noise stays."
    )
    numbers = {"owed": owed, "average": average, "standard_error": row.standard_error}
    further = average > _NEAR * (row.standard_error or owed)  # it has not gone quite far enough, either
    size, times = min(4 * batch, facts.examples), 6 if further else 4
    commands = (
        facts.let_settle(3 if further else 2),
        facts.train(training__batch_size=size, training__epochs=times * facts.epochs),
    )
    yield Finding("batch_noise", text, numbers, estimate=True, commands=commands)
