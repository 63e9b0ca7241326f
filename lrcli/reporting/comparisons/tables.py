"""What comparisons of runs and of sweeps are shown as: sheets, a table each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lrcli.reporting.comparisons.words import setting_text
from lrcli.reporting.layout import Column
from lrcli.running.comparison import Comparison
from lrcli.wording import counted

__all__ = ["Sheet", "settings_sheet"]


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        title: what it is about.
        columns: all of one length; without rows there is only what is said below.
        said: a clause or several below it; may be empty.
    """

    title: str
    columns: Sequence[Column]
    said: str = ""


def settings_sheet(comparison: Comparison) -> Iterator[Sheet]:
    """The settings that differ, and what else does that results depend on."""
    rows = [*comparison.settings, *comparison.environment]
    columns = [Column("setting", [row.name for row in rows], right=False)]
    for number, name in enumerate(comparison.names):
        cells = [setting_text(row.values[number]) for row in rows]
        columns.append(Column(name, cells, str(number + 1), right=False, wraps=True))
    equal = comparison.equal_settings
    said = "" if equal is None else f"{counted(equal, 'setting')} equal"
    if not comparison.settings and equal is not None:
        said = f"all settings are equal ({equal:,})"
    yield Sheet("What differs", columns, said)
