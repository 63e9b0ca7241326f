"""A search for a learning rate while it goes on: a line on a terminal, which says what is being tried."""

from collections.abc import Generator

from lrcli.reporting.progress import still_line
from lrcli.running.preparation import Compiling
from lrcli.sweeps.rate_finding import RateFinding
from lrcli.sweeps.rate_trials import RateEvent
from lrcli.wording import counted

__all__ = ["watched"]


def watched(search: Generator[RateEvent, None, RateFinding]) -> RateFinding:
    """What a search comes to, shown on the way."""
    with still_line("trying learning rates") as tell:
        while True:
            try:
                tell(_line(next(search)))
            except StopIteration as ended:
                finding: RateFinding = ended.value
                return finding


def _line(event: RateEvent) -> str:
    if isinstance(event, Compiling):
        return "compiling the engine, once"
    rates, seeds = counted(event.rates, "learning rate"), counted(event.seeds, "seed")
    return f"trying {rates} with {seeds} for {counted(event.epochs, 'epoch')}: {event.share:.0%}"
