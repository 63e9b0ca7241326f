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
    leaves = f"about {short(average)}" if average > _NOTHING * owed else "next to nothing"
    text = (
        f"What is left is mostly the noise of the batches: {one_line(row.name)} is {short(owed)} from the "
        f"best that these data allow, where the average over all orders of the examples owes {leaves}. At "
        f"a constant rate of {short(facts.rate)} with batches of {batch:,} that noise stays."
    )
    numbers = {"owed": owed, "average": average, "standard_error": row.standard_error}
    commands = (
        facts.train(optimizer__schedule="{kind: cosine}"),
        facts.train(training__batch_size=min(4 * batch, facts.examples)),
    )
    yield Finding("batch_noise", text, numbers, estimate=True, commands=commands)
