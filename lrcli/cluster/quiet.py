"""What Dask and what it stands on say on their own is kept from the screen while lrcli speaks.

When a worker dies, for instance, they log lines on standard error; lrcli says in its own words what that
means for the sweep.
"""

import contextlib
import logging
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


@contextlib.contextmanager
def quiet() -> Iterator[LastError]:
    """What these packages log and warn of goes nowhere for a while.

    Yields:
        what keeps the last of their errors.
    """
    import distributed  # noqa: F401 - sets its loggers up when it is imported

    kept = LastError()
    loggers = [logging.getLogger(name) for name in _names()]
    before = [(logger, logger.handlers, logger.propagate) for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=_MODULES)
        try:
            for logger in loggers:
                logger.handlers, logger.propagate = [kept], False
            yield kept
        finally:
            for logger, handlers, propagate in before:
                logger.handlers, logger.propagate = handlers, propagate


def _names() -> list[str]:
    """The families, and each logger within them that there is and that may have handlers of its own."""
    known = [*logging.Logger.manager.loggerDict]
    return [*_FAMILIES, *(name for name in known if name.startswith(tuple(f"{each}." for each in _FAMILIES)))]
