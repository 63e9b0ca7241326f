"""The learning rate of a file against the largest stable one."""

from collections.abc import Iterator

from lrcli.explaining.data.sums import rate_of_a_mean
from lrcli.explaining.files.facts import FileFacts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.running.forecast import Unforeseen
from lrcli.wording import times

__all__ = ["stable_rate"]

_SAFE = 0.5  # of the largest stable rate: well inside, and still quick


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
    text = (
        f"Training is going to diverge: the file's learning rate, {short(rate)}, is {times(rate / limit)} "
        f"the largest stable one, {short(limit)}{sense}."
    )
    yield Finding("diverges", text, numbers, commands=(facts.train(optimizer__lr=_SAFE * limit),))
    yield from rate_of_a_mean(facts, limit)
