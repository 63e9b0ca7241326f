"""A run that diverged: which limit its learning rate crossed, and by how much."""

from collections.abc import Iterator

from lrcli.explaining.data.sums import rate_of_a_mean
from lrcli.explaining.facts import SAFE
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.wording import times

__all__ = ["diverged"]


def diverged(facts: RunFacts) -> Iterator[Finding]:
    """The limit, where one is known; else a smaller rate to try."""
    result, rate = facts.result, facts.rate
    if result.status != "diverged":
        return
    step = result.diverged_step or 0
    where = f"Training diverged at step {step:,}"
    known = result.stability
    limit = facts.stable.limit if known is None else known.largest_stable_rate
    if limit is None or not limit < rate:
        yield _without_limit(facts, where)
        return
    sense = facts.stable.sense if known is None else known.sense
    text = (
        f"{where}: its learning rate, {short(rate)}, is {times(rate / limit)} the largest stable one, "
        f"{short(limit)}{sense and f' ({sense})'}. Above that limit the error grows from step to step."
    )
    numbers = {"rate": rate, "limit": limit, "ratio": rate / limit, "step": float(step)}
    yield Finding("diverged", text, numbers, commands=(facts.train(optimizer__lr=SAFE * limit),))
    yield from rate_of_a_mean(facts, limit)


def _without_limit(facts: RunFacts, where: str) -> Finding:
    rate, unknown = facts.rate, facts.stable.unknown
    numbers = {"rate": rate, "step": float(facts.result.diverged_step or 0)}
    if facts.experiment.logging.evaluate_train and not len(facts.curve("train/loss")):
        text = (
            f"{where}: the training loss is no finite number even before it, so no rate helps. Such "
            "numbers need another unit, or float64."
        )
        commands = (facts.train(dtype="float64"),) if facts.experiment.dtype == "float32" else ()
        return Finding("diverged", text, numbers, commands=commands)
    if unknown:
        why = f"How large a rate would be stable is not known: {unknown}"
    else:
        limit = short(facts.stable.limit or 0)
        why = f"The rate, {short(rate)}, is below the largest stable one, {limit}, so something else broke it"
    text = f"{where}. {why}. Try a tenth of the rate."
    return Finding("diverged", text, numbers, commands=(facts.train(optimizer__lr=rate / 10),))
