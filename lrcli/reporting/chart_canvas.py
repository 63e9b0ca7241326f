"""A plot made of characters: its axes, its canvas and what it is drawn with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.reporting.scales import Array, Scale, is_logarithmic, round_numbers

__all__ = ["ASCII", "ROWS", "UNICODE", "Axis", "Canvas", "Characters", "axis_rows", "characters_for"]

ROWS = 10
_MOST_DECADES = 6.0
_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # (4 rows, 2 columns) of dots


@dataclass(frozen=True)
class Characters:
    """What a chart is drawn with; without Braille a character of a line is one dot.

    Attributes:
        braille: whether lines are made of Braille's dots.
        lines: without them, the character of each curve in turn.
        band: what is shaded; the others likewise are what they are called.
    """

    braille: bool
    lines: str
    band: str
    best: str
    tick: str
    side: str
    corner: str
    bottom: str
    mark: str
    some: str
    most: str


UNICODE = Characters(True, "", "░", "◆", "┤", "│", "└", "─", "┬", "▂", "█")
ASCII = Characters(False, "*o", ":", "@", "+", "|", "+", "-", "+", "x", "X")


def characters_for(encoding: str | None) -> Characters:
    """What a stream of this encoding can show: Unicode's characters, else ASCII's."""
    try:
        "░◆┤│└─┬▂█⠁⣿".encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return UNICODE


@dataclass(frozen=True)
class Axis:
    """From values to positions between 0 and 1, the first and the last dot of the plot.

    Attributes:
        scale: linear, log, or symlog: zero lies a step before the smallest other value.
        low: the value at 0; on a log axis its logarithm, as is `high`.
        high: the value at 1.
    """

    scale: Scale
    low: float
    high: float

    @classmethod
    def of_points(cls, points: Array, scale: Scale) -> "Axis":
        """The axis of points (n,), ascending."""
        if scale == "linear":
            return cls("linear", float(points[0]), float(points[-1]))
        positive = points[points > 0]
        low, high = np.log10(positive[[0, -1]])
        step = (high - low) / max(1, len(positive) - 1)
        start = low - max(step, (high - low) / 10) if scale == "symlog" else low
        return cls(scale, float(start), float(high))

    @classmethod
    def of_metric(cls, values: Array, metric: str) -> "Axis":
        """The axis of values of a metric; those that are not finite are left aside."""
        finite = values[np.isfinite(values)]
        if not finite.size:
            return cls("linear", 0.0, 1.0)
        if is_logarithmic(finite, metric):
            logs = np.log10(finite[finite > 0])
            high = min(float(logs.max()), float(np.median(logs)) + _MOST_DECADES)
            if high - logs.min() > np.log10(5):
                return cls("log", float(logs.min()), high)
        return cls("linear", float(finite.min()), float(finite.max()))

    def position(self, values: Array) -> Array:
        """Where values lie; outside of 0 to 1 they leave the plot, and what is not a number lies nowhere."""
        values = np.asarray(values, dtype=np.float64)
        if self.scale != "linear":
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values <= 0, self.low, np.log10(values))
        if self.high == self.low:
            return np.where(np.isfinite(values), 0.5, values)
        return (values - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Positions and their labels: powers of ten where there are two, else round numbers; ascending."""
        powers = np.arange(np.ceil(self.low - 1e-9), np.floor(self.high + 1e-9) + 1)
        if self.scale != "linear" and len(powers) > 1:
            values = 10.0 ** powers[:: -(-len(powers) // most)]
        elif self.scale != "linear":
            values = 10.0 ** np.unique([self.low, (self.low + self.high) / 2, self.high])
        else:
            values = round_numbers(self.low, self.high, min(most, 5))
        ticks = [(float(self.position(value)), f"{value:.3g}") for value in values]
        return [(0.0, "0"), *(t for t in ticks if t[0] > 0)] if self.scale == "symlog" else ticks

    def row_labels(self, rows: int, most: int) -> list[str]:
        """A label, or nothing, for each row of a plot from the top; at most so many."""
        labels = [""] * rows
        for position, text in self.ticks(most):
            labels[round((1 - position) * (rows - 1))] = text
        return labels


def axis_rows(ticks: Sequence[tuple[float, str]], columns: int, look: Characters) -> tuple[str, str]:
    """The axis below a plot with those of its ticks whose labels find room, and the labels below it.

    Args:
        ticks: positions from 0 to 1 and their labels, ascending.
        columns: of the plot.
        look: what it is drawn with.
    """
    axis, numbers = [look.bottom] * columns, [" "] * columns
    free = 0
    for position, text in ticks:
        column = round(position * (columns - 1))
        start = min(max(0, column - len(text) // 2), columns - len(text))
        if start >= free:
            axis[column] = look.mark
            numbers[start : start + len(text)] = text
            free = start + len(text) + 2
    return "".join(axis), "".join(numbers)


class Canvas:
    """A plot of characters and the dots of lines in it.

    Attributes:
        look: what it is drawn with.
        curves: (rows, columns) the number of the last curve that has a dot in a character; of one that has
            none it is 0.
    """

    def __init__(self, columns: int, look: Characters, rows: int = ROWS) -> None:
        """An empty plot of so many columns and rows of text."""
        self.look = look
        self._text = np.full((rows, columns), " ")
        self._fine = np.array([4, 2] if look.braille else [1, 1])  # dots of a character: down, across
        self._dots = np.zeros(np.array(self._text.shape) * self._fine, dtype=bool)
        self.curves = np.zeros(self._text.shape, dtype=np.intp)

    def band(self, x: Array, low: Array, high: Array) -> None:
        """Shade between two curves through points at ascending positions."""
        rows, columns = self._text.shape
        at = np.arange(columns) / max(1, columns - 1)
        inside = (at >= x[0] - 0.5 / columns) & (at <= x[-1] + 0.5 / columns)
        bounds = [np.interp(at, x, np.clip(edge, -0.2, 1.2)) for edge in (high, low)]
        top, bottom = (np.round((1 - bound) * rows - 0.5) for bound in bounds)
        row = np.arange(rows)[:, None]
        self._text[(row >= top) & (row <= bottom) & inside] = self.look.band

    def line(self, x: Array, y: Array) -> None:
        """Join points at ascending positions; one that is not finite interrupts the line."""
        for i in range(max(1, len(x) - 1)):
            ends = slice(i, i + 2)
            if np.isfinite(y[ends]).all():
                count = 2 * sum(self._dots.shape)
                xs, ys = np.linspace(x[i], x[ends][-1], count), np.linspace(y[i], y[ends][-1], count)
                seen = (ys > -1e-9) & (ys < 1 + 1e-9)
                self._dots[self._dots_at(xs[seen], ys[seen], self._dots.shape)] = True
            elif np.isfinite(y[i]):
                self._dots[self._dots_at(x[i : i + 1], np.clip(y[i : i + 1], 0, 1), self._dots.shape)] = True

    def curve(self, x: Array, low: Array, high: Array, number: int) -> None:
        """Join stretches from low to high at ascending positions, which may be many more than columns.

        A stretch that is not a number interrupts the curve; an infinite one leaves the plot.

        Args:
            x: (n,) positions from 0 to 1.
            low: (n,) the lower end of each stretch.
            high: (n,) the upper end.
            number: of the curve; every other one is dashed.
        """
        down, across = self._dots.shape
        low, high = np.clip(low, -1.0, 2.0), np.clip(high, -1.0, 2.0)
        at = np.arange(across)
        lower, upper = (np.interp(at, x * (across - 1), ends) for ends in (low, high))
        columns = np.round(x * (across - 1)).astype(np.intp)
        np.fmin.at(lower, columns, low)
        np.fmax.at(upper, columns, high)
        known = np.isfinite(lower)
        # Each column reaches to where the one before has ended.
        lower[1:], upper[1:] = np.fmin(lower[1:], upper[:-1]), np.fmax(upper[1:], lower[:-1])
        if number % 2:
            known &= at // self._fine[1] % 2 == 0
        bottom, top = ((1 - np.where(known, ends, 0.0)) * (down - 1) for ends in (lower, upper))
        row = np.arange(down)[:, None]
        dots = (row >= np.round(top)) & (row <= np.round(bottom)) & known
        self._dots |= dots
        self.curves[self._blocks(dots).any(axis=(1, 3))] = number

    def mark(self, x: Array, y: Array, character: str) -> None:
        """Write a character at points, over what is there."""
        seen = np.isfinite(y) & (y > -1e-9) & (y < 1 + 1e-9)
        dots = self._dots_at(x[seen], y[seen], self._dots.shape)
        row, column = (index // fine for index, fine in zip(dots, self._fine, strict=True))
        self._text[row, column] = character
        for cell in zip(row, column, strict=True):
            block = (slice(i * fine, (i + 1) * fine) for i, fine in zip(cell, self._fine, strict=True))
            self._dots[tuple(block)] = False

    def write(self, *texts: str) -> None:
        """A line in the middle: the first of some texts that has room."""
        text = next((text for text in texts if len(text) <= self._text.shape[1]), "")
        start = (self._text.shape[1] - len(text)) // 2
        self._text[self._text.shape[0] // 2, start : start + len(text)] = list(text)

    def rows(self) -> list[str]:
        """The rows from the top."""
        blocks = self._blocks(self._dots)
        if self.look.braille:
            codes = np.einsum("rdca,da->rc", blocks.astype(np.int64), _BRAILLE)
        else:
            codes = blocks.any(axis=(1, 3)).astype(np.int64)
        characters = zip(codes.tolist(), self.curves.tolist(), self._text.tolist(), strict=True)
        return [
            "".join(self._dot(code, n) if code else text for code, n, text in zip(*row, strict=True))
            for row in characters
        ]

    def _blocks(self, dots: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Dots as (rows, dots down, columns, dots across)."""
        rows, columns = self._text.shape
        down, across = self._fine
        return dots.reshape(rows, down, columns, across)

    def _dot(self, code: int, number: int) -> str:
        return chr(0x2800 + code) if self.look.braille else self.look.lines[number]

    @staticmethod
    def _dots_at(x: Array, y: Array, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        row = np.round((1 - y) * (shape[0] - 1)).astype(np.intp)
        return row, np.round(x * (shape[1] - 1)).astype(np.intp)
