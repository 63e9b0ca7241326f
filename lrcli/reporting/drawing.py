"""A figure before it is drawn: what it shows in words, and what draws it, wherever it is to stand.

The same drawing becomes a file, a part of a picture of several runs, a part of a window, or of a page.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

__all__ = ["Drawing", "made_of", "side_by_side", "unless_it_fails"]

_WIDTH, _HEIGHT = 6.3, 3.9  # inches: the width of a page's text, 16 cm
_PANELS = 3  # side by side


@dataclass(frozen=True)
class Drawing:
    """A figure that has not been drawn.

    Attributes:
        title: what it shows, a clause.
        description: what there is to be seen, in sentences, for those who cannot see it.
        draw: draws it into an empty figure or part of one, in the style that is in force.
        size: width and height in inches.
    """

    title: str
    description: str
    draw: Callable[["FigureBase"], None]
    size: tuple[float, float] = (_WIDTH, _HEIGHT)


_Subject = TypeVar("_Subject")
_Made = TypeVar("_Made")


def made_of(
    subject: _Subject, kinds: Mapping[str, Callable[[_Subject], Drawing | None]]
) -> dict[str, Drawing]:
    """The drawings that make sense for a subject; one that cannot be made is warned of, and missing.

    Args:
        subject: what is drawn.
        kinds: from kind to what makes the drawing, or gives None.
    """
    found = {
        name: unless_it_fails(partial(kind, subject), f"figure {name}: could not be made")
        for name, kind in kinds.items()
    }
    return {name: drawing for name, drawing in found.items() if drawing is not None}


def unless_it_fails(make: Callable[[], _Made], told: str) -> _Made | None:
    """What is made; None, with a warning, where that fails: a picture is no reason to lose a result.

    Args:
        make: makes it.
        told: what is said in front of the error.
    """
    try:
        return make()
    except Exception as error:
        warnings.warn(f"{told}: {error!r}", stacklevel=3)
        return None


def side_by_side(drawings: Mapping[str, Drawing]) -> Drawing:
    """Several drawings as the panels of one, each below its name.

    Args:
        drawings: from name to drawing; one at least.
    """
    first = next(iter(drawings.values()))
    columns = min(len(drawings), _PANELS)
    rows = math.ceil(len(drawings) / columns)

    def draw(figure: "FigureBase") -> None:
        panels = figure.subfigures(rows, columns, squeeze=False).ravel()
        for panel, (name, drawing) in zip(panels, drawings.items(), strict=False):
            drawing.draw(panel)
            panel.suptitle(name, fontweight="bold")

    width, height = first.size
    size = (max(width, 0.7 * width * columns), 0.85 * height * rows)
    description = " ".join(f"{name}: {drawing.description}" for name, drawing in drawings.items())
    return Drawing(first.title, description, draw, size)
