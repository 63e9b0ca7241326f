"""The tables and the sentences of a comparison of two sweeps."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lrcli.reporting.comparisons.tables import Sheet, settings_sheet
from lrcli.reporting.comparisons.words import number_texts, setting_text, sized
from lrcli.reporting.layout import Column
from lrcli.sweeps.comparison import ConfigurationPair, Pair, SweepComparison
from lrcli.wording import counted

__all__ = ["rows_of_sweeps", "sentences_of_sweeps", "sheets_of_sweeps"]

_MOST_ROWS = 20  # on the console
_MOST_NAMED = 3  # configurations that one sweep alone has
_MANY = 20  # comparisons, from which on a few come out by chance
_NUMBERS = ("first", "second", "difference", "low", "high", "ratio")


def sheets_of_sweeps(comparison: SweepComparison, *, whole: bool) -> Iterator[Sheet]:
    """What differs, then the configurations: on the console those that differ most.

    Args:
        comparison: of two sweeps.
        whole: with all configurations, in the order of the first sweep.
    """
    yield from settings_sheet(comparison)
    pairs = list(comparison.configurations)
    shown = pairs if whole else sorted(pairs, key=_size, reverse=True)[:_MOST_ROWS]
    left = len(pairs) - len(shown)
    said = "differences and ratios are medians over the pairs of a seed"
    said += f"; {left:,} more, which differ less, with --csv" if left else ""
    if pairs:
        yield Sheet(f"Median {comparison.metric}", _columns(comparison, shown), said)


def _size(pair: Pair) -> tuple[bool, float, float]:
    """What is shown first: what can be told apart, then what differs most."""
    if math.isnan(pair.ratio):
        size = 0.0
    else:
        size = abs(math.log(pair.ratio)) if 0 < pair.ratio < math.inf else math.inf
    return pair.verdict in {"better", "worse", "differs"}, size, abs(pair.difference)


def _columns(comparison: SweepComparison, pairs: Sequence[ConfigurationPair]) -> list[Column]:
    """A row for each configuration."""
    columns = [Column(key, [setting_text(pair.values.get(key)) for pair in pairs]) for key in comparison.keys]
    for number, name in enumerate(comparison.names, 1):
        which = "first" if number == 1 else "second"
        medians = number_texts([_finite(getattr(pair, which)) for pair in pairs])
        cells = [text or "diverged" for text in medians]
        columns.append(Column(name, cells, str(number)))
    columns += [
        Column("2 - 1", [f"{pair.difference:+.4g}" for pair in pairs], rank=1),
        Column("95% interval", list(map(_interval, pairs)), "95%", rank=1),
        Column("2 against 1", list(map(_told, pairs)), right=False, wraps=True),
    ]
    return columns


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(pair: Pair) -> str:
    """The interval of the difference; nothing where there is none."""
    return "" if math.isnan(pair.low) else f"{pair.low:+.3g} to {pair.high:+.3g}"


def _told(pair: Pair) -> str:
    """Which is better and by how much; the size of what is not distinguishable would say nothing."""
    if pair.verdict not in {"better", "worse", "differs"}:
        return pair.verdict
    size = sized(pair.ratio) if 0 < pair.ratio < math.inf else ""
    return ", ".join(filter(None, [size, "" if pair.verdict == "differs" and size else pair.verdict]))


def sentences_of_sweeps(comparison: SweepComparison) -> Iterator[str]:
    """How many configurations are better or worse, the best of each, and what could not be compared."""
    pairs = comparison.configurations
    if pairs:
        yield _counts(comparison)
    if comparison.best is not None:
        best = comparison.best
        first, second = (_values(values) for values in (best.first_values, best.second_values))
        at = f"both at {first}" if first == second else f"{first} of the first, {second} of the second"
        medians = " and ".join(
            text or "diverged" for text in number_texts([_finite(best.first), _finite(best.second)])
        )
        yield f"best by {comparison.metric}: {at}; {medians}: {_best_words(best)}"
    told = sum(pair.verdict in {"better", "worse", "differs"} for pair in pairs)
    if told and len(pairs) >= _MANY:
        yield f"of {len(pairs):,} comparisons about one in twenty is told apart by chance alone"
    if comparison.unfinished:
        yield f"{counted(comparison.unfinished, 'configuration')} left out: members have not ended"
    for name, only in zip(comparison.names, (comparison.only_first, comparison.only_second), strict=True):
        if only:
            named = "; ".join(map(_values, only[:_MOST_NAMED]))
            more = f" and {len(only) - _MOST_NAMED:,} more" if len(only) > _MOST_NAMED else ""
            yield f"{counted(len(only), 'configuration')} in {name} alone: {named}{more}"


def _counts(comparison: SweepComparison) -> str:
    """Of the configurations that both have, how many are what."""
    pairs, seeds = comparison.configurations, counted(len(comparison.seeds), "seed")
    counts: dict[str, int] = {}
    for pair in pairs:
        counts[pair.verdict] = counts.get(pair.verdict, 0) + 1
    told = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items())
    return f"of {counted(len(pairs), 'configuration')} in both, over {seeds}, those of the second: {told}"


def _best_words(best: Pair) -> str:
    """What the second is, and by how much where that is not chance."""
    if best.verdict in {"better", "worse"}:
        size = f", {sized(best.ratio)}" if 0 < best.ratio < math.inf else ""
        return f"the second is {best.verdict}{size}"
    return {"differs": "they differ"}.get(best.verdict, best.verdict)


def _values(values: Mapping[str, Any]) -> str:
    """A configuration as overrides."""
    return ", ".join(f"{key}={setting_text(value)}" for key, value in values.items()) or "the file's own"


def rows_of_sweeps(comparison: SweepComparison) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a CSV file: a row for each configuration, numbers in full."""
    header = [*comparison.keys, "in", "seeds", *_NUMBERS, "verdict"]
    rows = []
    for pair in comparison.configurations:
        numbers = [_full(getattr(pair, name)) for name in _NUMBERS]
        rows.append(
            [*_cells(comparison, pair.values), "both", str(len(comparison.seeds)), *numbers, pair.verdict]
        )
    for where, only in (("first", comparison.only_first), ("second", comparison.only_second)):
        rows += [[*_cells(comparison, values), where, *[""] * 8] for values in only]
    return header, rows


def _cells(comparison: SweepComparison, values: Mapping[str, Any]) -> list[str]:
    return [setting_text(values.get(key)) for key in comparison.keys]


def _full(value: float) -> str:
    """A number as it is read back; ``inf`` where a member diverged, nothing where there is none."""
    return "" if math.isnan(value) else repr(value)
