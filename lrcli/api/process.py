"""Settings of the process and of a thread, left as they were found: torch's threads, denormal numbers."""

import contextlib
import struct
import sys
from collections.abc import Iterator

__all__ = ["undisturbed"]

# From its bits: a constant would be 0 in code that was compiled while such numbers are taken for it.
_DENORMAL: float = struct.unpack("<d", (1 << 40).to_bytes(8, "little"))[0]


def _threads() -> int | None:
    """How many threads torch computes with; None where it is not there yet."""
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch else None


def _flushes() -> bool:
    """Whether this thread takes denormal numbers for zero."""
    return _DENORMAL * len("1") == 0


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Around what trains: others compute afterwards as they did before."""
    threads, flushes = _threads(), _flushes()
    try:
        yield
    finally:
        torch = sys.modules.get("torch")
        if torch and threads is not None and _threads() != threads:
            torch.set_num_threads(threads)
        if torch and _flushes() and not flushes:
            torch.set_flush_denormal(False)
