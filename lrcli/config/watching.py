"""Who is told how far the reading of a large file has come.

Files are read where they are first needed, far below whatever shows it.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

__all__ = ["Watcher", "tell", "watching"]

Watcher = Callable[[Path, int, int], None]  # is told of a file, how many bytes are read, and of how many
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextlib.contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Have the reading of files, as far as it happens inside, watched."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def tell(path: Path, done: int, size: int) -> None:
    """Tell whoever watches.

    Args:
        path: of a file.
        done: bytes that are read.
        size: bytes of the file.
    """
    watcher = _watcher.get()
    if watcher is not None:
        watcher(path, done, size)
