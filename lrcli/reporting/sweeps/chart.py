"""A sweep's selection metric over its rate, drawn with characters, for the terminal.

    val/loss, median of 40 seeds (band: middle half)
        1 ┤⠒⠒⠒⠒⠒⠢⠤⢄⡀      ░░
    0.001 ┤         ⠉⠢⣀◆⡠⠊░

In Unicode a character of the median's line is eight dots (Braille), so that the line is four times finer
than the rows of text.
"""

from collections.abc import Iterator

import numpy as np

from lrcli.analysis.statistics import scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.chart_canvas import ROWS, Axis, Canvas, Characters, axis_rows, characters_for
from lrcli.reporting.key_names import key_title, label
from lrcli.reporting.scales import Array
from lrcli.reporting.sweeps.axes import SweepLines, sweep_lines
from lrcli.reporting.sweeps.scores import best_first, diverged_share, quantiles
from lrcli.reporting.text import wrapped

__all__ = ["sweep_chart"]

_USUAL = 80
_WIDEST = 240  # beyond, a line of ten rows is too flat to be read
_MOST_LINES = 6
_LETTERS = "abcdef"
_FIRM = "\u00a0"  # a space at which no line is broken


def sweep_chart(results: SweepResults, width: int = _USUAL, encoding: str | None = "utf-8") -> list[str]:
    """The chart as lines of text, about 15; none where no numeric key varies.

    Args:
        results: the sweep.
        width: of the terminal, in characters.
        encoding: of the stream it is for; plain ASCII is used where it cannot hold the characters.
    """
    swept = sweep_lines(results, most=_MOST_LINES)
    if swept is None:
        return []
    look = characters_for(encoding)
    found = quantiles(scores(results), (0.25, 0.5, 0.75))
    shown = np.concatenate([line.configurations for line in swept.lines])
    y = Axis.of_metric(found[:, shown[np.isfinite(found[1, shown])]], results.metric)
    names = y.row_labels(ROWS, most=5) if np.isfinite(found[1, shown]).any() else [""] * ROWS
    margin = max(len(name) for name in names) + 1
    columns = max(10, min(width, _WIDEST) - margin - 1)
    x = Axis.of_points(np.unique(np.concatenate([line.x for line in swept.lines])), swept.scale)
    canvas = Canvas(columns, look)
    _draw(canvas, results, swept, found, x, y)
    axis, numbers = _x_axis(swept, x, columns, look)
    indent = " " * margin
    below = [f"{indent}{look.corner}{axis}", f"{indent} {numbers}"]
    below += [f"{indent} {line}" for line in _diverged(results, swept, x, columns, look)]
    for text in _footer(results, swept, found, look):
        below += [f"{indent} {line}" for part in wrapped(text, columns) for line in _softened(part, columns)]
    plot = [
        f"{name:>{margin - 1}} {look.tick if name else look.side}{row}"
        for name, row in zip(names, canvas.rows(), strict=True)
    ]
    heading = wrapped(f"{results.metric}, {_of_seeds(results, swept)}", width)
    return [line.rstrip() for line in (*heading, *plot, *below)]


def _softened(line: str, columns: int) -> list[str]:
    """A line without firm spaces; where it is too long for them, broken at these, too."""
    return wrapped(line.replace(_FIRM, " "), columns, "  ")


def _of_seeds(results: SweepResults, swept: SweepLines) -> str:
    if len(results.seeds) == 1:
        return "one seed"
    band = " (band: middle half)" if len(swept.lines) == 1 else ""
    return f"median of {len(results.seeds)} seeds{band}"


def _draw(canvas: Canvas, results: SweepResults, swept: SweepLines, found: Array, x: Axis, y: Axis) -> None:
    """The band below the line below the marks; several lines have letters instead of bands."""
    alone = len(swept.lines) == 1
    for letter, line in zip(_LETTERS, swept.lines, strict=False):
        positions = x.position(line.x)
        low, median, high = (y.position(values) for values in found[:, line.configurations])
        known = np.isfinite(median)
        if alone and known.any() and len(results.seeds) > 1:
            canvas.band(positions[known], low[known], high[known])
        canvas.line(positions, median)
        if not alone:
            canvas.mark(positions, median, letter)
    best = _best(results, swept, found)
    if best is None:
        canvas.write("most members diverged, everywhere", "most diverged")
    else:
        spot = np.array([float(results.configurations[best][swept.key])])
        canvas.mark(x.position(spot), y.position(found[1, [best]]), canvas.look.best)


def _best(results: SweepResults, swept: SweepLines, found: Array) -> int | None:
    """The best configuration of those that are drawn; None where its median is infinite."""
    shown = np.concatenate([line.configurations for line in swept.lines])
    best = next(int(i) for i in best_first(results) if i in shown)
    return best if np.isfinite(found[1, best]) else None


def _x_axis(swept: SweepLines, x: Axis, columns: int, look: Characters) -> tuple[str, str]:
    """The axis line with its ticks, and the numbers below that find room; few values are all labelled."""
    values = np.unique(np.concatenate([line.x for line in swept.lines]))
    few = [(float(x.position(value)), f"{value:.3g}") for value in values] if len(values) <= 6 else []
    return axis_rows(few or x.ticks(8), columns, look)


def _footer(results: SweepResults, swept: SweepLines, found: Array, look: Characters) -> Iterator[str]:
    """The key and the signs of divergence, the lines' letters, the best configuration."""
    title = key_title(swept.key)
    if _shares(results, swept).any():
        title += f"   {look.some} some diverged  {look.most} half or more"
    yield title
    if len(swept.lines) > 1:
        letters = [
            f"{letter} {line.label}".replace(" ", _FIRM)
            for letter, line in zip(_LETTERS, swept.lines, strict=False)
        ]
        if swept.left_out:
            letters.append(f"and {swept.left_out} worse lines")
        yield "; ".join(letters)
    best = _best(results, swept, found)
    if best is not None:
        where = label(results.configurations[best], results.keys)
        yield f"{look.best} best: {where}: {found[1, best]:.4g}"


def _shares(results: SweepResults, swept: SweepLines) -> Array:
    """The share of members that diverged, for each configuration of the lines in turn."""
    return np.asarray(diverged_share(results)[np.concatenate([line.configurations for line in swept.lines])])


def _diverged(results: SweepResults, swept: SweepLines, x: Axis, columns: int, look: Characters) -> list[str]:
    """A character for each column: whether members of the nearest rate diverged; nothing where none did."""
    shares = _shares(results, swept)
    if not shares.any():
        return []
    values, index = np.unique(np.concatenate([line.x for line in swept.lines]), return_inverse=True)
    mean = np.bincount(index, weights=shares) / np.bincount(index)
    positions = x.position(values)
    at = np.arange(columns) / max(1, columns - 1)
    nearest = np.searchsorted((positions[1:] + positions[:-1]) / 2, at)
    marks = np.where(mean >= 0.5, look.most, np.where(mean > 0, look.some, " "))
    return ["".join(marks[nearest])]
