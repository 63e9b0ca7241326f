"""`lrcli.lr_find`: what ``lrcli lr-find`` does, for Python users."""

import math
from typing import TYPE_CHECKING

from lrcli.api.process import undisturbed
from lrcli.api.written import Overrides, Written, loaded_from

if TYPE_CHECKING:
    from lrcli.sweeps.rate_finding import RateFinding

__all__ = ["lr_find"]


def lr_find(
    experiment: Written, overrides: Overrides = None, *, seeds: int = 5, seconds: float | None = None
) -> "RateFinding":
    """Try many learning rates from the start, over several seeds, as ``lrcli lr-find`` does.

    Nothing is written.

    Args:
        experiment: the path of a file, or a mapping as the file would have it.
        overrides: from dotted key to value; or ``KEY=VALUE`` words.
        seeds: how many, from the experiment's own on.
        seconds: how long training may take, about; default: at most 10, or 60 where five
            runs take as long.

    Returns:
        What was found: ``suggestion``, the rate to take, or None with a ``reason``; ``chosen.low`` and
        ``chosen.high``, between which it is as good; ``blow_up``; ``trials``, every rate that was tried.

    Raises:
        ExperimentError: the experiment is wrong; ``mistakes`` has all that is wrong.
        UsageError: it cannot be trained.

    Example:
        >>> import lrcli
        >>> found = lrcli.lr_find("experiments/linear.yaml")
        >>> bool(found.chosen.low <= found.suggestion < found.blow_up.low)
        True
    """
    from lrcli.errors import UsageError
    from lrcli.sweeps.rate_finding import found_rate

    if not isinstance(seeds, int) or isinstance(seeds, bool) or not 1 <= seeds <= 1000:
        raise UsageError(f"seeds: how many, a whole number from 1 to 1000, not {seeds!r}")
    if seconds is not None and not 0 < seconds < math.inf:
        raise UsageError(f"seconds: must be more than 0, not {seconds!r}")
    loaded = loaded_from(experiment, overrides)
    with undisturbed():
        return found_rate(loaded.experiment, seeds, seconds)
