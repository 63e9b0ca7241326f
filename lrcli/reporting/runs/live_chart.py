"""The losses of a run over its epochs, drawn with characters, while it trains and when it has ended.

         1 ┤⢄
           │ ⠑⠤⣀
       0.1 ┤    ⠉⠒⠤⢄
           └┬──────────┬─
     epoch  0         50

The training loss is a line, the validation loss a dashed one; in ASCII they are of `*` and of `o`.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from rich.text import Text

from lrcli.reporting.chart_canvas import Axis, Canvas, Characters, axis_rows
from lrcli.reporting.runs.live_curves import Curves
from lrcli.reporting.scales import round_numbers

__all__ = ["STYLES", "chart_lines", "key"]

STYLES = ("cyan", "magenta")  # seen on light and on dark grounds; the characters tell lines apart, too
_ROWS = (3, 6)  # of the plot, at least and at most
_AXIS = 2
_NARROWEST, _WIDEST = 30, 240  # characters; beyond, a line of six rows is too flat to be read
_MARGIN = 6  # for most labels, so that the plot does not move when they change


def key(number: int, look: Characters) -> Text:
    """A piece of a curve, for a legend."""
    piece = ("⠒⠒⠒", "⠒ ⠒")[number] if look.braille else look.lines[number]
    return Text(piece, STYLES[number])


def chart_lines(curves: Curves, look: Characters, width: int, height: int) -> Sequence[Text]:
    """The chart; nothing where there is no room.

    Args:
        curves: one or two losses.
        look: what it is drawn with.
        width: the characters that there are.
        height: the lines that there are.
    """
    rows = min(_ROWS[1], height - _AXIS)
    if rows < _ROWS[0] or width < _NARROWEST or not len(curves.epochs):
        return []
    y = Axis.of_metric(np.stack([curves.low, curves.high]), curves.names[0])
    names = y.row_labels(rows, most=rows // 2)
    margin = max(_MARGIN, *map(len, names))
    canvas = Canvas(min(width, _WIDEST) - margin - 2, look, rows)
    last = int(curves.epochs[-1])
    x = np.append(0.0, curves.epochs[1:] / max(1, last))
    for number in range(len(curves.names)):
        canvas.curve(x, y.position(curves.low[number]), y.position(curves.high[number]), number)
    plot = [
        _coloured(f"{name:>{margin}} {look.tick if name else look.side}", row.rstrip(), numbers)
        for name, row, numbers in zip(names, canvas.rows(), canvas.curves.tolist(), strict=True)
    ]
    columns = canvas.curves.shape[1]
    axis, labels = axis_rows(_epoch_ticks(last, columns), columns, look)
    below = [f"{'':{margin}} {look.corner}{axis}", f"{'epoch':>{margin}}  {labels}".rstrip()]
    return [*plot, *map(Text, below)]


def _coloured(label: str, row: str, numbers: Sequence[int]) -> Text:
    """A row of a plot behind its label, each character in the colour of its curve, in few pieces."""
    line = Text(label + row)
    start = len(label)
    pieces = [0]
    for number, character in zip(numbers, row, strict=False):
        pieces.append(pieces[-1] if character == " " else number)
    for number, piece in itertools.groupby(pieces[1:]):
        end = start + len(list(piece))
        line.stylize(STYLES[number], start, end)
        start = end
    return line


def _epoch_ticks(last: int, columns: int) -> list[tuple[float, str]]:
    """Whole epochs, as positions and labels."""
    room = columns // (len(str(last)) + 4)
    epochs = np.unique(round_numbers(0, last, max(2, min(room, 8))).round())
    return [(epoch / max(1, last), f"{epoch:.0f}") for epoch in epochs.tolist() if epoch <= last]
