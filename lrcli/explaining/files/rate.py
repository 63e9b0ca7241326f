"""The learning rate of a file against the largest stable one."""

from collections.abc import Iterator

from lrcli.explaining.data.conditioning import uneven_directions
from lrcli.explaining.data.sums import rate_of_a_mean
from lrcli.explaining.facts import SAFE
from lrcli.explaining.files.facts import FileFacts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.running.forecast import Unforeseen
from lrcli.wording import times

__all__ = ["stable_rate", "uneven"]

_LITTLE = 0.01  # of the way


def stable_rate(facts: FileFacts) -> Iterator[Finding]:
    """Whether its rate is stable, and how far from the limit it is."""
    rate, limit = facts.rate, facts.stable.limit
    if limit is None and isinstance(facts.forecast, Unforeseen):
        return  # said with the reason why nothing is foreseen
    if limit is None:
        text = f"How large a learning rate would be stable is not known: {facts.stable.unknown}."
        yield Finding("stable_rate", text, {"rate": rate, "limit": None})
        return
    sense = f" ({facts.stable.sense})" if facts.stable.sense else ""
    numbers = {"rate": rate, "limit": limit, "ratio": rate / limit}
    if rate < limit:
        text = (
            f"The largest stable learning rate is {short(limit)}{sense}. The file's, {short(rate)}, is "
            f"{percent(rate / limit)} of it."
        )
        yield Finding("stable_rate", text, numbers)
        return
    grows = "the error is going to grow from step to step until training diverges"
    if facts.stable.diagnostic:
        grows = "the loss is going to grow at first, and training may diverge"
    elif "mean square" in sense:
        grows = (
            "the error is going to grow, on average over all orders of the examples, until training diverges"
        )
    text = (
        f"The file's learning rate, {short(rate)}, is {times(rate / limit)} the largest stable one, "
        f"{short(limit)}{sense}: {grows}."
    )
    yield Finding("diverges", text, numbers, commands=(facts.train(optimizer__lr=SAFE * limit),))
    yield from rate_of_a_mean(facts, limit)


def uneven(facts: FileFacts) -> Iterator[Finding]:
    """Directions so unequal that its rate is too large for one, or leaves much to do along another."""
    forecast, limit = facts.forecast, facts.stable.limit
    if isinstance(forecast, Unforeseen):
        return
    too_large = limit is not None and facts.rate >= limit
    found = uneven_directions(facts) if too_large or forecast.remaining > _LITTLE else None
    if found:
        yield found
