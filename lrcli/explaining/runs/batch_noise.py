"""A run whose error is the noise of its batches, not training that has not gone far enough."""

from collections.abc import Iterator

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.running.forecast import Unforeseen

__all__ = ["noise_of_batches"]

_NEAR = 4.0  # times the floor: single runs scatter around it
_MATTERS = 0.02  # of the least loss: below that nobody would notice


def noise_of_batches(facts: RunFacts) -> Iterator[Finding]:
    """The loss is as far above the least as the noise of the batches keeps it on average."""
    forecast, loss = facts.forecast, facts.final_loss
    if isinstance(forecast, Unforeseen) or loss is None or not forecast.floor > 0:
        return
    excess, rest = loss - forecast.least, float(forecast.loss[-1]) - forecast.least - forecast.floor
    if not _MATTERS * forecast.least < excess < _NEAR * forecast.floor or abs(rest) > forecast.floor:
        return
    batch = facts.batch_sizes[0]
    text = (
        f"What is left is the noise of the batches: train/loss is {short(excess)} above the least "
        f"possible, and batches of {batch:,} at a rate of {short(facts.rate)} keep it about "
        f"{short(forecast.floor)} above, however long training goes on. A rate that falls to zero, or "
        "larger batches, get below that."
    )
    numbers = {"excess": excess, "floor": forecast.floor, "least": forecast.least}
    commands = (
        facts.train(optimizer__schedule="{kind: cosine}"),
        facts.train(training__batch_size=min(4 * batch, facts.examples)),
    )
    yield Finding("batch_noise", text, numbers, estimate=True, commands=commands)
