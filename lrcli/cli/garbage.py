"""Garbage collection around start-up and exit.

Importing torch makes half a million objects that live as long as the process. Looking through them for
garbage, again and again while they are made and once more at exit, takes a fifth of a short run's time.
"""

import gc
from collections.abc import Callable

__all__ = ["collecting_from", "forget_for_exit", "pause_collecting"]


def pause_collecting() -> None:
    """Collect nothing while modules are imported."""
    gc.disable()


def collecting_from(kind: type) -> Callable[[object], None]:
    """What collects again from an event of some kind on, but only among the objects made from then on."""

    def observe(event: object) -> None:
        if isinstance(event, kind):
            gc.freeze()
            gc.enable()

    return observe


def forget_for_exit() -> None:
    """Leave everything to the operating system."""
    gc.freeze()
