"""A sweep as it shows itself in a notebook."""

from collections.abc import Iterator, Mapping

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.pages.card import card_html
from lrcli.reporting.pages.content import Column, Table
from lrcli.storage.sweep_result import SweepResult
from lrcli.storage.tables import swept_text

__all__ = ["sweep_card"]

_MOST_ROWS = 10
_PICTURES = 2


def sweep_card(result: SweepResult, drawings: Mapping[str, Drawing]) -> str:
    """A sweep as HTML: how it ended, its best configurations, and what it looks like.

    Args:
        result: of the sweep.
        drawings: its figures, by kind; none where it cannot be drawn.
    """
    members = f"{result.members_text}, {result.diverged:,} diverged"
    missing = f", {result.missing:,} missing" if result.missing else ""
    heading = f"{result.name}: {result.status} ({members}{missing})"
    pictures = dict(list(drawings.items())[:_PICTURES])
    return card_html(heading, [result.run_dir, *result.warnings], list(_tables(result)), pictures)


def _tables(result: SweepResult) -> Iterator[Table]:
    rows = result.configurations[:_MOST_ROWS]
    if not rows:
        return
    values = [
        Column(key, [swept_text(row.values[key]) if key in row.values else "" for row in rows])
        for key in result.keys
    ]
    numbers = [Column(name, [getattr(row, name) for row in rows]) for name in ("median", "q25", "q75")]
    count = Column("diverged", [f"{row.diverged} of {row.n}" for row in rows])
    left_out = len(result.configurations) + result.configurations_left_out - len(rows)
    yield Table(
        f"The best configurations by {result.metric} over seeds",
        [Column("rank", [row.rank for row in rows]), *values, *numbers, count],
        f"{left_out:,} more in .summary" if left_out else "",
    )
