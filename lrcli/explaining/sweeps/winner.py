"""The best configuration of a sweep, and those that cannot be told from it."""

from collections.abc import Iterator, Mapping
from typing import Any

from lrcli.analysis.comparison import FEWEST_SEEDS
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.sweeps.facts import SweepFacts
from lrcli.wording import counted, one_line

__all__ = ["best", "said"]


def best(facts: SweepFacts) -> Iterator[Finding]:
    """Its values and its median; how many others are as good as far as the seeds can tell."""
    found = facts.verdict.best
    seeds = counted(facts.verdict.seeds, "seed")
    if not found.has_median:
        text = f"No configuration has a value in more than half of its seeds ({seeds}): all of them diverged."
        yield Finding("no_winner", text)
        return
    text = (
        f"Best is {said(found.values)}, with a median {one_line(facts.verdict.metric)} of "
        f"{short(found.median)} over {seeds}."
    )
    numbers = {"median": found.median, "low": found.low, "high": found.high}
    if found.alike is None:
        text += f" With fewer than {FEWEST_SEEDS} seeds it cannot be told from others."
        command = facts.origin.command("sweep", None, "--seeds", "10")
        yield Finding("winner", text, numbers, commands=(command,))
        return
    if found.alike:
        more = "configurations are" if len(found.alike) > 1 else "configuration is"
        text += (
            f" {len(found.alike):,} more {more} as good as far as these seeds can tell"
            f"{', such as' if len(found.alike) > 1 else ':'} {said(found.alike[0])}."
        )
    else:
        text += " No other one is as good."
    yield Finding("winner", text, numbers | {"alike": float(len(found.alike))})


def said(values: Mapping[str, Any]) -> str:
    """The values of a configuration, as they are typed."""
    return one_line(" ".join(f"{key}={_value(value)}" for key, value in values.items()))


def _value(value: Any) -> str:
    return short(value) if isinstance(value, float) else str(value)
