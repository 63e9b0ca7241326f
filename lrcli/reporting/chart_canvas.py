"""A plot made of characters: its axes, its canvas and what it is drawn with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrcli.reporting.scales import Array, Scale, is_logarithmic, round_numbers

__all__ = ["ASCII", "ROWS", "UNICODE", "Axis", "Canvas", "Characters"]

ROWS = 10
_MOST_DECADES = 6.0
_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # (4 rows, 2 columns) of dots


@dataclass(frozen=True)
class Characters:
    """What a chart is drawn with; without Braille a character of the line is one dot."""

    braille: bool
    band: str
    best: str
    tick: str
    side: str
    corner: str
    bottom: str
    mark: str
    some: str
    most: str


UNICODE = Characters(True, "░", "◆", "┤", "│", "└", "─", "┬", "▂", "█")
ASCII = Characters(False, ":", "@", "+", "|", "+", "-", "+", "x", "X")


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
        """Where values lie; outside of 0 to 1 they leave the plot."""
        values = np.asarray(values, dtype=np.float64)
        if self.scale != "linear":
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, np.log10(values), self.low)
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


class Canvas:
    """A plot of characters, ten rows high, and the dots of lines in it."""

    def __init__(self, columns: int, look: Characters) -> None:
        self.look = look
        self._text = np.full((ROWS, columns), " ")
        self._fine = np.array([4, 2] if look.braille else [1, 1])  # dots of a character: down, across
        self._dots = np.zeros(np.array(self._text.shape) * self._fine, dtype=bool)

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
        self._text[ROWS // 2, start : start + len(text)] = list(text)

    def rows(self) -> list[str]:
        """The rows from the top."""
        rows, columns = self._text.shape
        down, across = self._fine
        blocks = self._dots.reshape(rows, down, columns, across)
        if self.look.braille:
            codes = np.einsum("rdca,da->rc", blocks.astype(np.int64), _BRAILLE)
        else:
            codes = blocks.any(axis=(1, 3)).astype(np.int64)
        return [
            "".join(self._dot(code) if code else text for code, text in zip(*row, strict=True))
            for row in zip(codes, self._text, strict=True)
        ]

    def _dot(self, code: int) -> str:
        return chr(0x2800 + code) if self.look.braille else "*"

    @staticmethod
    def _dots_at(x: Array, y: Array, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        row = np.round((1 - y) * (shape[0] - 1)).astype(np.intp)
        return row, np.round(x * (shape[1] - 1)).astype(np.intp)
