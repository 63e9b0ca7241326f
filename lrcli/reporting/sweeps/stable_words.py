"""The largest stable rates of a sweep in words: what was to be expected of its members, and what came."""

from collections.abc import Iterator, Sequence

from lrcli.reporting.key_names import label
from lrcli.storage.sweep_result import Divergence, StableRateRow, SweepResult
from lrcli.wording import counted

__all__ = ["stable_rates_words"]

_MOST_NAMED = 4  # limits


def stable_rates_words(result: SweepResult) -> str:
    """A sentence; empty where no limit is known, or the verdict names it for a reason of its own.

    Nor is there one where limits are mere signs and nothing has diverged, as of most networks, or before any
    member has ended.

    ``largest stable rate 0.83: of 120 members above it 118 diverged, of 880 below it none``
    """
    found = result.divergence
    rows = [row for row in found.stable_rates if row.limit is not None] if found else []
    if found is None or not rows or result.stability is not None:
        return ""
    diverged = found.predicted_and_did + found.not_predicted_but_did
    ended = diverged + found.predicted_but_did_not + found.neither
    if not ended or (not diverged and all(row.diagnostic for row in rows)):
        return ""
    more = f"; for {found.unpredicted:,} more none is known" if found.unpredicted else ""
    return f"{_limits(rows, result.keys)}{_clauses(rows)}: {_counts(found, _number(rows) > 1)}{more}"


def _number(rows: Sequence[StableRateRow]) -> int:
    """How many different limits there are, as far as three digits tell."""
    return len({f"{row.limit:.3g}" for row in rows})


def _limits(rows: Sequence[StableRateRow], keys: Sequence[str]) -> str:
    limits = [row.limit for row in rows if row.limit is not None]
    if _number(rows) == 1:
        return f"largest stable rate {limits[0]:.3g}"
    if len(rows) > _MOST_NAMED:
        return f"largest stable rates {min(limits):.3g} to {max(limits):.3g}"
    named = [f"{row.limit:.3g} with {label(row.values, keys)}" for row in rows]
    return f"largest stable rates {', '.join(named)}"


def _clauses(rows: Sequence[StableRateRow]) -> str:
    """In brackets, what stable means and how sure the limits are."""
    said = list(_said(rows))
    return f" ({'; '.join(said)})" if said else ""


def _said(rows: Sequence[StableRateRow]) -> Iterator[str]:
    if any(f"{row.low:.3g}" != f"{row.high:.3g}" for row in rows):
        yield f"the median of {counted(max(row.seeds for row in rows), 'seed')}"
    senses = {row.sense for row in rows}
    if len(senses) == 1 and rows[0].sense:
        yield rows[0].sense
    if any(row.diagnostic for row in rows):
        yield "a diagnostic, no bound" if all(row.diagnostic for row in rows) else "some are no bounds"


def _counts(found: Divergence, several: bool) -> str:
    above = found.predicted_and_did + found.predicted_but_did_not
    below = found.not_predicted_but_did + found.neither
    it = "theirs" if several else "it"
    if not above or not below:
        where, count = ("above", found.predicted_and_did) if above else ("below", found.not_predicted_but_did)
        if above + below == 1:
            return f"the member is {where} it, and {'diverged' if count else 'did not diverge'}"
        return f"all {above + below:,} members are {where} {it}, and {_of(count, above + below)} diverged"
    return (
        f"of {counted(above, 'member')} above {it} {_of(found.predicted_and_did, above)} diverged, "
        f"of {below:,} below {it} {_of(found.not_predicted_but_did, below)}"
    )


def _of(count: int, whole: int) -> str:
    return "none" if count == 0 else "all" if count == whole > 1 else f"{count:,}"
