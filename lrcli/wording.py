r"""How text that lrcli did not write itself is put into what it says.

Keys, file names and values come from outside. What a terminal would obey instead of show (codes that
move the cursor, change colours or the direction of writing) appears as its code, such as ``\x1b``.
"""

import json
import math
import os
import re

__all__ = ["counted", "one_line", "printable", "shown_in_json", "times", "typed"]

# Control characters but for tab and line feed, separators of lines, half characters, and those formatting
# characters that hide or turn text around. What scripts and emoji are joined with is left alone.
_OBEYED = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff"
)
_UNPRINTABLE = re.compile(f"[{_OBEYED}]")
_BREAKING = re.compile(f"[\t\n{_OBEYED}]")


def printable(text: str) -> str:
    """The text with what a terminal would obey as its code; lines stay lines."""
    return _UNPRINTABLE.sub(_code, text)


def one_line(text: object) -> str:
    """The text, such as a key or a file's name, within a line: its breaks and tabs are codes, too."""
    return _BREAKING.sub(_code, str(text))


def shown_in_json(text: str) -> str:
    r"""JSON with what a terminal would obey as JSON's own codes, such as ``\u009b``; it says the same."""
    return _UNPRINTABLE.sub(lambda match: json.dumps(match[0])[1:-1], text)


def typed(*words: str) -> str:
    """Words as they are typed into the shell, in quotes where one needs them."""
    import shlex  # these take a moment to import, and most of what is said is no command
    import subprocess

    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _code(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def times(ratio: float, digits: int = 3) -> str:
    """How many times as large: ``1.82 times``, ``about 500,000 times``, ``about 20 million times``.

    Args:
        ratio: at least 0.
        digits: of a ratio below 100; larger ones have two.
    """
    if ratio < 100:
        return f"{ratio:.{digits}g} times"
    rounded = float(f"{ratio:.2g}")
    if rounded < 1e6:
        return f"about {rounded:,.0f} times"
    for name, size in (("million", 1e6), ("billion", 1e9), ("trillion", 1e12)):
        if rounded < 1000 * size:
            return f"about {rounded / size:g} {name} times"
    return f"about 10^{math.log10(ratio):.0f} times" if math.isfinite(ratio) else "infinitely many times"


def counted(count: int, noun: str) -> str:
    """``1 step``, ``1,000 steps``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
