"""A line that says how far something has come, in the width that there is, and how fast it goes.

No number is ever cut: what there is no room for is said in a shorter form, then left out.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.text import Text

__all__ = ["Pace", "Part", "bar", "fitted", "status_line"]

_GAP = "  "
_BAR = (8, 40)  # characters: the shortest worth it, and rich's own length
_SECONDS = 10.0  # over which a pace is taken
_SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Part:
    """A part of a line.

    Attributes:
        forms: what it says, the longest first; empty where it may be left out before others get shorter.
        rank: the parts of the highest get shorter first, all of them together.
    """

    forms: Sequence[str | Text]
    rank: int = 0


def fitted(parts: Sequence[Part], room: int) -> Text:
    """The parts in the longest forms that, with gaps between them, find room; nothing is ever cut."""
    return _joined(_shortened(parts, room))


def status_line(left: Sequence[Part], right: Sequence[Part], done: float, out: Console, room: int) -> Text:
    """A line with a bar between its parts; there is none where the parts leave no room for one.

    Args:
        left: the parts before the bar.
        right: those behind it.
        done: the share of the bar that is filled, from 0 to 1.
        out: what it is for.
        room: the characters that there are.
    """
    shown = _shortened([*left, *right], room)
    spare = room - _length(shown) - len(_GAP)
    if spare >= _BAR[0]:
        shown.insert(len(left), bar(done, min(spare, _BAR[1]), out))
    return _joined(shown)


def _shortened(parts: Sequence[Part], room: int) -> list[Text]:
    """A form of each part, empty where it is left out."""
    forms = [[Text.assemble(form) for form in part.forms] for part in parts]
    while _length([left[0] for left in forms]) > room:
        shorter = [i for i, left in enumerate(forms) if len(left) > 1]
        if not shorter:
            return _beginning([left[0] for left in forms], room)
        rank = max(parts[i].rank for i in shorter)
        for i in shorter:
            if parts[i].rank == rank:
                del forms[i][0]
    return [left[0] for left in forms]


def _beginning(texts: Sequence[Text], room: int) -> list[Text]:
    """The texts, empty from the first that finds no room."""
    count = next(n for n in range(len(texts) - 1, -1, -1) if _length(texts[:n]) <= room)
    return [text if i < count else Text() for i, text in enumerate(texts)]


def _length(texts: Sequence[Text]) -> int:
    shown = [text.cell_len for text in texts if text]
    return sum(shown) + len(_GAP) * max(0, len(shown) - 1)


def _joined(texts: Sequence[Text]) -> Text:
    line = Text(_GAP).join(text for text in texts if text)
    line.rstrip()
    return line


def bar(done: float, columns: int, out: Console) -> Text:
    """A bar of which a share is filled."""
    segments = out.render(ProgressBar(1.0, min(1.0, done), columns), out.options)
    return Text.assemble(*((text, style or "") for text, style, _ in segments))


class Pace:
    """How fast steps are finished, in the last seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count.

        Args:
            clock: tells seconds.
        """
        self._clock = clock
        self._samples = deque([(clock(), 0)])
        self._last = self._samples[0]

    def reached(self, step: int) -> None:
        """So many steps are finished now."""
        self._last = (self._clock(), step)
        if self._last[0] - self._samples[-1][0] >= _SAMPLE_SECONDS:
            self._samples.append(self._last)
        while len(self._samples) > 2 and self._samples[1][0] < self._last[0] - _SECONDS:
            self._samples.popleft()

    @property
    def rate(self) -> float:
        """Steps for each second; 0 where none is known."""
        seconds = self._last[0] - self._samples[0][0]
        return (self._last[1] - self._samples[0][1]) / seconds if seconds > 0 else 0.0

    def rate_text(self) -> str:
        """Such as ``12,345 steps/s``; empty where it is not known."""
        rate = self.rate
        if rate <= 0:
            return ""
        return f"{rate:,.0f} steps/s" if rate >= 10 else f"{rate:.2g} steps/s"

    def left_text(self, total: int) -> str:
        """How long the rest takes at this rate, such as ``1:02:03 left``; empty where that is not known."""
        if self.rate <= 0:
            return ""
        minutes, seconds = divmod(round(max(0, total - self._last[1]) / self.rate), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes}:{seconds:02} left"
