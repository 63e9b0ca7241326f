"""A figure as a part of a page: SVG whose text is read aloud and whose colours are the page's.

matplotlib writes SVG as a file of its own. Within a page its ids would be those of other figures too, its
colours would stay black on white in the dark, and its metadata name addresses elsewhere.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

from lrcli.reporting.figure_style import COLORS, STAR
from lrcli.wording import printable

__all__ = ["inline_svg"]

_NAMESPACE = re.compile(r"^\{.*\}")  # as ElementTree writes it, before each name; HTML knows SVG without
_REFERENCE = re.compile(r"url\(#([^)]*)\)")
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_OPACITY = re.compile(r"fill-opacity: ([0-9.]+)")
_FONTS = re.compile(r"font-family:[^;]*;?\s*")  # the page's stylesheet has them, once
_VARIABLES = {
    "#ffffff": "var(--background)",
    "#e0e0e0": "var(--figure-grid)",  # lines of the grid
    "#e8e8e8": "var(--figure-hatched)",  # where there is no value
    "#a0a0a0": "var(--figure-hatch)",
} | {
    color.lower(): "currentColor" if color == "#000000" else f"var(--series-{number})"
    for number, color in enumerate(COLORS, 1)
}
_STAR = STAR["color"].lower()  # with its black edge it is seen on any ground


def inline_svg(svg: bytes, prefix: str, title: str, description: str) -> str:
    """A figure as an element of a page.

    Args:
        svg: a file that matplotlib has written.
        prefix: of every id in it, so that they are unique on the page.
        title: what the figure is called.
        description: what there is to be seen, in sentences.

    Returns:
        An ``svg`` element without any address outside the page, whose colours are variables of the page's
        stylesheet. Its width is what there is room for.

    Raises:
        xml.etree.ElementTree.ParseError: it is no SVG.
    """
    root = ET.fromstring(printable(svg.decode()))  # noqa: S314  we have written it ourselves
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
    for name in ("title", "metadata", "defs"):  # at the top; there the defs are a style for all of the page
        for element in root.findall(name):
            if name != "defs" or element.find("style") is not None:
                root.remove(element)
    for element in root.iter():
        element.attrib = {
            _NAMESPACE.sub("", name): _within(name, value, prefix) for name, value in element.items()
        }
        if element.text is not None and not element.text.strip():
            element.text = None
        element.tail = None
    named = {"title": title, "desc": description}
    root.attrib = {
        "viewBox": root.get("viewBox", ""),
        "role": "img",
        "aria-labelledby": " ".join(f"{prefix}-{name}" for name in named),
    }
    for place, (name, text) in enumerate(named.items()):
        said = ET.Element(name, {"id": f"{prefix}-{name}"})
        said.text = printable(text)
        root.insert(place, said)
    return ET.tostring(root, encoding="unicode")


def _within(name: str, value: str, prefix: str) -> str:
    """The value of an attribute on a page that holds other figures, too."""
    known: dict[str, Callable[[str], str]] = {
        "id": lambda own: f"{prefix}-{own}",
        "d": lambda path: " ".join(path.split()),
        "style": _style,
    }
    value = known.get(name, str)(value)
    if name.endswith("href") and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    return _REFERENCE.sub(rf"url(#{prefix}-\1)", value)


def _style(text: str) -> str:
    if f"fill: {_STAR}" in text:
        return text
    text = _OPACITY.sub(r"fill-opacity: calc(\1 * var(--figure-opacity))", _FONTS.sub("", text))
    return _COLOR.sub(lambda match: _VARIABLES.get(match[0], match[0]), text)
