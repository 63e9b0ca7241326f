"""All runs and sweeps on the screen: a line each, or a few where room is short; no number and no key is cut.

A list of ten thousand is shown at once, so its lines are made here and not by rich.
"""

import csv
import io
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len

from lrcli.reporting.streams import console, print_lines, standard_output
from lrcli.reporting.text import ENDLESS, packed, wrapped
from lrcli.storage.listing import Row
from lrcli.wording import counted, one_line

__all__ = ["print_csv", "print_json", "print_names", "print_removable", "print_rows"]

_GAP, _INDENT = "  ", "    "
_NARROWEST = 24  # characters, in which what was changed is still read beside the rest
_AGES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))  # seconds, of which there are two at least


def print_rows(rows: Sequence[Row], metric: str = "") -> None:
    """Print a line for each, as wide as the terminal; in a pipe or a file there is always room.

    Args:
        rows: in their order.
        metric: to be shown; empty: the main one of each.

    Raises:
        WriteError: standard output could not be written.
    """
    out = console()
    print_lines(_lines(rows, metric, out.width if out.is_terminal else ENDLESS))


def print_names(rows: Sequence[Row]) -> None:
    """Print the path of each, a line each; see `print_rows`."""
    print_lines(row.directory.as_posix() for row in rows)


def print_json(rows: Sequence[Row]) -> None:
    """Print all of them as a line of JSON; see `print_rows`."""
    now = time.time()
    with standard_output():
        print(json.dumps([row.as_data(now) for row in rows], allow_nan=False))  # noqa: T201


def print_csv(rows: Sequence[Row]) -> None:
    """Print a table of comma-separated values, a column for each metric at its end; see `print_rows`."""
    now = time.time()
    every = [row.as_data(now) for row in rows]
    metrics = list(dict.fromkeys(name for data in every for name in data["metrics"]))
    keys = list(Row(directory=Path(), word="", command="", status="").as_data(now))
    keys.remove("metrics")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, *metrics])
    for data in every:
        cells = (" ".join(data[key]) if isinstance(data[key], list) else data[key] for key in keys)
        writer.writerow([*cells, *(data["metrics"].get(name) for name in metrics)])
    with standard_output():
        print(text.getvalue(), end="")  # noqa: T201


def print_removable(found: Sequence[tuple[Row, int, int]]) -> None:
    """Show on standard error what would be deleted: of each the row, how many files, how many bytes."""
    out = console(stderr=True)
    for row, files, size in found:
        path = one_line(row.directory.as_posix())
        items = [path, row.status.replace("_", " "), counted(files, "file"), _size(size)]
        for line in packed(items, out.width if out.is_terminal else ENDLESS, _INDENT):
            out.print(line, soft_wrap=True)


def _size(size: float) -> str:
    """Bytes, such as ``4.2 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"


def _lines(rows: Sequence[Row], metric: str, room: int) -> Iterator[str]:
    """The lines of a table; without lines where there are no rows."""
    if not rows:
        return
    shown = {metric or row.metric for row in rows} - {""}
    heading = shown.pop() if len(shown) == 1 else ""
    headings = ["run", "status", "age", heading or "metric", "largest error"]
    cells = [_cells(row, metric, named=not heading) for row in rows]
    filled = [at for at in range(len(headings)) if any(line[at] for line in cells)]
    table = [[line[at] for at in filled] for line in (headings, *cells)]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    beside = room - sum(widths) - len(_GAP) * len(widths)
    if beside < 0:
        yield from _in_items(rows, metric, room)
        return
    right = [at >= 2 for at in filled]
    for line, tail in zip(table, ["changed", *map(_tail, rows)], strict=True):
        start = _GAP.join(_padded(*cell) for cell in zip(line, widths, right, strict=True))
        if beside >= _NARROWEST:
            first, *others = wrapped(tail, beside)
            yield f"{start}{_GAP}{first}".rstrip(" ")
            yield from (" " * (room - beside) + other for other in others)
        else:
            yield start.rstrip(" ")
            yield from _below(tail if line is not table[0] else "", room)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _below(text: str, room: int) -> Iterator[str]:
    """A text in lines of its own, all indented."""
    if text:
        yield from (_INDENT + part for part in wrapped(text, max(1, room - len(_INDENT))))


def _in_items(rows: Sequence[Row], metric: str, room: int) -> Iterator[str]:
    """A few lines for each, where a table has no room."""
    for row in rows:
        word, status, age, value, error = _cells(row, metric, named=True)
        items = [word, status, f"{age} ago" if age else "", value, f"largest error {error}" if error else ""]
        yield from packed(items, room, _INDENT)
        yield from _below(_tail(row), room)


def _cells(row: Row, metric: str, *, named: bool) -> tuple[str, str, str, str, str]:
    """Which it is, how far it has come, how old it is, and what it has come to."""
    name = metric or row.metric
    value, error = row.metrics.get(name), row.recovery_error
    return (
        one_line(row.word),
        row.status.replace("_", " "),
        _age(time.time() - row.begun) if row.begun else "",
        "" if value is None else one_line(f"{name if named else ''} {value:.4g}".strip()),
        "" if error is None else f"{error:.4g}",
    )


def _age(seconds: float) -> str:
    """Such as ``5 min``."""
    for size, unit in _AGES:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _tail(row: Row) -> str:
    """Why it is what it is, what it goes over, and what was changed against the experiment file."""
    over = f"{counted(row.members, 'member')} over {', '.join(row.keys)}:" if row.members is not None else ""
    why = f"({row.why})" if row.why else ""
    share = f"{row.shard}:" if row.shard else ""
    return one_line(" ".join(filter(None, [why, share, over, *row.changed])).removesuffix(":"))
