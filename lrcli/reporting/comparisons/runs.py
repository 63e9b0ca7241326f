"""The tables of a comparison of runs."""

from collections.abc import Iterator, Sequence

from lrcli.reporting.comparisons.tables import Sheet, settings_sheet
from lrcli.reporting.comparisons.words import change_of, result_texts, setting_text
from lrcli.reporting.layout import Column
from lrcli.running.comparison import ResultRow, RunComparison
from lrcli.wording import counted

__all__ = ["rows_of_runs", "sheets_of_runs"]

_MOST_ERRORS = 20  # on the console; those of large networks are thousands
_BEST = "* the best"


def sheets_of_runs(comparison: RunComparison, *, whole: bool) -> Iterator[Sheet]:
    """What differs, then what came out.

    Args:
        comparison: of runs.
        whole: with all errors of parameters.
    """
    yield from settings_sheet(comparison)
    rows = [row for row in comparison.results if not row.equal]
    errors = [row for row in rows if row.kind == "error"]
    left = [] if whole else sorted(errors, key=_size)[:-_MOST_ERRORS]
    yield _results(comparison, [row for row in rows if row not in left], len(left))


def _size(row: ResultRow) -> float:
    """How far the errors of one parameter lie from each other."""
    known = [value for value in row.values if value is not None]
    return max(known, default=0.0) - min(known, default=0.0)


def _results(comparison: RunComparison, rows: Sequence[ResultRow], left: int) -> Sheet:
    """A row for each result that differs."""
    texts = list(zip(*map(result_texts, rows), strict=True)) or [()] * len(comparison.names)
    columns = [Column("result", [row.name for row in rows], right=False)]
    for number, (name, cells) in enumerate(zip(comparison.names, texts, strict=True), 1):
        columns.append(Column(name, cells, str(number)))
    if len(texts) == 2:
        columns.append(Column("2 against 1", list(map(change_of, rows)), right=False, wraps=True))
    equal = [row.name for row in comparison.results if row.equal and row.values[0] is not None]
    said = [_BEST] if any(len(row.values) > 2 and row.best for row in rows) else []
    said += [f"{left:,} more errors of parameters, which differ less, with --json"] if left else []
    said += [f"{counted(len(equal), 'result')} equal"] if equal else []
    return Sheet("Results", columns, "; ".join(said))


def rows_of_runs(comparison: RunComparison) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a CSV file: what differs, and every result, numbers in full."""
    two = len(comparison.names) == 2
    header = [
        "section",
        "name",
        *comparison.names,
        *(["ratio", "difference", "verdict"] if two else ["best"]),
    ]
    none = [""] * (3 if two else 1)
    rows = [
        [section, row.name, *map(setting_text, row.values), *none]
        for section, settings in (("setting", comparison.settings), ("environment", comparison.environment))
        for row in settings
    ]
    for result in comparison.results:
        if two:
            ends = [*map(_full, (result.ratio, result.difference)), result.verdict or ""]
        else:
            ends = [" ".join(comparison.names[run] for run in result.best)]
        rows.append(["result", result.name, *map(_full, result.values), *ends])
    return header, rows


def _full(value: object) -> str:
    """A number as it is read back; nothing where there is none."""
    return "" if value is None else str(value)
