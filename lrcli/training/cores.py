"""The cores that this process may use."""

import os

__all__ = ["cores", "use_at_most"]

_most: list[int] = []


def cores() -> int:
    """How many there are for it."""
    return min(_there(), *_most) if _most else _there()


def use_at_most(count: int) -> None:
    """Leave the others to other processes, from now on; no number depends on it but the time.

    Args:
        count: one at least.
    """
    _most[:] = [max(1, count)]


def _there() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
