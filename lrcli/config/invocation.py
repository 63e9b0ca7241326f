"""The command line under which this process works, for what results say of where they came from."""

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

__all__ = ["command_line", "invoked_by"]

_MOST_WORDS = 200
_words: ContextVar[tuple[str, ...] | None] = ContextVar("words", default=None)


@contextlib.contextmanager
def invoked_by(words: Sequence[str]) -> Iterator[None]:
    """Have `command_line` give the words, as far as it is called inside.

    Args:
        words: the program and its arguments.
    """
    token = _words.set(tuple(words))
    try:
        yield
    finally:
        _words.reset(token)


def command_line() -> tuple[str, ...] | None:
    """The program and its arguments; None where no command line is at work, as under Python.

    Of very many, such as the files that a * stood for, the first ones and how many more there are.
    """
    words = _words.get()
    if words is None or len(words) <= _MOST_WORDS:
        return words
    return (*words[:_MOST_WORDS], f"... and {len(words) - _MOST_WORDS} more words")
