"""The largest stable learning rates, as lines in the figures over the learning rate."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lrcli.analysis.stable_rates import LargestStable
from lrcli.analysis.sweep_results import SweepResults
from lrcli.reporting.figure_style import COLORS, cut
from lrcli.reporting.sweeps.axes import SweepLines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_limits", "limits_words"]

_RATE = "optimizer.lr"
_LOOK: dict[str, Any] = {"ls": (0, (5, 3)), "lw": 1.1, "zorder": 1.5}
_OF_ALL = "#444444"  # where lines have one limit in common
_LONGEST = 30  # letters of a line's name
_BEYOND = 3.0  # times the highest rate that was tried, or a share of the lowest: what is still drawn


def draw_limits(panels: Sequence["Axes"], results: SweepResults, swept: SweepLines) -> None:
    """A dashed line at each limit: in the colour of the line whose it is, or dark where it is that of all.

    Args:
        panels: that have the rate along the bottom; the first one has the legend.
        results: the sweep.
        swept: its lines, in the order of `COLORS`.
    """
    limits = _limits(results, swept)
    if not limits:
        return
    common = _is_common(limits, swept)
    shown = {i: limit for i, limit in limits.items() if _is_near(limit, swept)}
    for i in list(shown)[:1] if common else shown:
        for axes in panels:
            axes.axvline(_rate(shown[i]), color=_OF_ALL if common else COLORS[i], **_LOOK)
    if shown:
        color = COLORS[next(iter(shown))] if len(shown) == 1 and not common else _OF_ALL
        panels[0].plot([], [], color=color, label=_name(shown, swept, common=common), **_LOOK)


def limits_words(results: SweepResults, swept: SweepLines) -> str:
    """The limits of the lines in a sentence, for those who cannot see them; empty where none is known."""
    limits = _limits(results, swept)
    if not limits:
        return ""
    some = next(iter(limits.values()))
    sense = f" ({some.sense})" if some.sense and len({each.sense for each in limits.values()}) == 1 else ""
    if _is_common(limits, swept):
        return f"The largest stable rate is {_rate(some):.3g}{sense}."
    each = [f"{_rate(limit):.3g} with {swept.lines[i].label}" for i, limit in limits.items()]
    return f"The largest stable rate is {', '.join(each)}{sense}."


def _name(shown: dict[int, LargestStable], swept: SweepLines, *, common: bool) -> str:
    """What the legend calls the lines."""
    i, some = next(iter(shown.items()))
    marked = " (a diagnostic)" if all(each.diagnostic for each in shown.values()) else ""
    if common:
        return f"largest stable rate{marked}: {_rate(some):.3g}"
    if len(shown) == 1:
        return f"largest stable rate of {cut(swept.lines[i].label, _LONGEST)}{marked}: {_rate(some):.3g}"
    return f"largest stable rates{marked}"


def _limits(results: SweepResults, swept: SweepLines) -> dict[int, LargestStable]:
    """From the number of a line to its limit, for lines over the learning rate that have one."""
    if results.stable is None or swept.key != _RATE:
        return {}
    found = {i: results.stable.largest[line.configurations[0]] for i, line in enumerate(swept.lines)}
    return {i: each for i, each in found.items() if each.limit is not None}


def _rate(limit: LargestStable) -> float:
    return limit.limit or 0.0


def _is_common(limits: dict[int, LargestStable], swept: SweepLines) -> bool:
    """Whether all lines have the same one, as far as can be seen."""
    return len(limits) == len(swept.lines) and len({f"{_rate(each):.2g}" for each in limits.values()}) == 1


def _is_near(limit: LargestStable, swept: SweepLines) -> bool:
    """Whether it lies among the rates that were tried, or not far from them."""
    low, high = float(swept.points[0]), float(swept.points[-1])
    beyond = _BEYOND if swept.scale != "linear" else 1.2
    return low / beyond <= _rate(limit) <= beyond * high
