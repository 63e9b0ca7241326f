"""A run that diverged: which limit its learning rate crossed, and by how much."""

from collections.abc import Iterator

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.runs.facts import RunFacts

__all__ = ["diverged"]

_SAFE = 0.5  # of the largest stable rate: well inside, and still quick


def diverged(facts: RunFacts) -> Iterator[Finding]:
    """The limit, where one is known; else a smaller rate to try."""
    result, rate = facts.result, facts.experiment.optimizer.lr
    if result.status != "diverged":
        return
    limit = facts.stable.limit
    where = f"Training diverged at step {result.diverged_step:,}"
    if limit is None or not limit < rate:
        yield _without_limit(facts, where)
        return
    sense = f" {facts.stable.sense}" if facts.stable.sense else ""
    text = (
        f"{where}: its learning rate, {short(rate)}, is {short(rate / limit)} times the largest stable one, "
        f"{short(limit)}{sense}. Above that every step makes the error larger."
    )
    numbers = {"rate": rate, "limit": limit, "ratio": rate / limit, "step": float(result.diverged_step or 0)}
    yield Finding("diverged", text, numbers, commands=(_with_rate(facts, _SAFE * limit),))


def _without_limit(facts: RunFacts, where: str) -> Finding:
    rate = facts.experiment.optimizer.lr
    why = facts.stable.unknown or "its learning rate is below the largest stable one that was found"
    text = f"{where}. How large a rate would be stable is not known: {why}. Try a tenth of it."
    numbers = {"rate": rate, "step": float(facts.result.diverged_step or 0)}
    return Finding("diverged", text, numbers, commands=(_with_rate(facts, rate / 10),))


def _with_rate(facts: RunFacts, rate: float) -> str:
    return facts.origin.command("train", {"optimizer.lr": rate})
