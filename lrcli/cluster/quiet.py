"""What Dask and what it stands on say on their own is kept from the screen while lrcli speaks.

When a worker dies, for instance, they log lines on standard error; lrcli says in its own words what that
means for the sweep.
"""

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator

__all__ = ["LastError", "quiet"]

_FAMILIES = ("distributed", "tornado", "bokeh", "asyncio", "dask_jobqueue")
_MODULES = r"(distributed|dask|dask_jobqueue|tornado|bokeh)(\.|$)"


class LastError(logging.Handler):
    """Keeps the last error that was logged.

    Attributes:
        text: it; empty: there was none.
    """

    def __init__(self) -> None:
        """Nothing has been logged."""
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        with contextlib.suppress(Exception):  # a message whose parts do not fit it
            self.text = str(error) if error is not None and str(error) else record.getMessage()


# Sweeps of several threads may be quiet at once; the last to end puts back what there was before the first.
_lock = threading.Lock()
_keeping: list[logging.Handler] = []  # of all loggers meanwhile
_before: list[tuple[logging.Logger, list[logging.Handler], bool]] = []


@contextlib.contextmanager
def quiet() -> Iterator[LastError]:
    """What these packages log and warn of goes nowhere for a while.

    Yields:
        what keeps the last of their errors.
    """
    import distributed  # noqa: F401 - sets its loggers up when it is imported

    kept = LastError()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_MODULES)
        _begin(kept)
        try:
            yield kept
        finally:
            _end(kept)


def _begin(kept: LastError) -> None:
    with _lock:
        _keeping.append(kept)
        if len(_keeping) == 1:
            loggers = [logging.getLogger(name) for name in _names()]
            _before[:] = [(logger, logger.handlers, logger.propagate) for logger in loggers]
            for logger in loggers:
                logger.handlers, logger.propagate = _keeping, False


def _end(kept: LastError) -> None:
    with _lock:
        _keeping.remove(kept)
        for logger, handlers, propagate in () if _keeping else _before:
            logger.handlers, logger.propagate = handlers, propagate


def _names() -> list[str]:
    """The families, and each logger within them that there is and that may have handlers of its own."""
    known = [*logging.Logger.manager.loggerDict]
    return [*_FAMILIES, *(name for name in known if name.startswith(tuple(f"{each}." for each in _FAMILIES)))]
