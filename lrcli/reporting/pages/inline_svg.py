"""A figure as a part of a page: SVG whose text is read aloud and whose colours are the page's.

matplotlib writes SVG as a file of its own. Within a page its ids would be those of other figures too, its
colours would stay black on white in the dark, and its metadata name addresses elsewhere. It also is several
times as long as it need be: every point says its colour again, and where it lies to a millionth.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from lrcli.reporting.figure_style import COLORS, STAR
from lrcli.wording import printable

__all__ = ["inline_svg"]

_NAMESPACE = re.compile(r"^\{.*\}")  # as ElementTree writes it, before each name; HTML knows SVG without
_REFERENCE = re.compile(r"(?<=url\(#)[^)]*(?=\))|(?<=^#).*")
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_FONTS = re.compile(r"font-family:[^;]*;?\s*")  # the page's stylesheet has them, once
_OPACITY = re.compile(r"(?<=fill-opacity: )[0-9.]+")
_OWN_OPACITY = re.compile(r"(?<![-\w])opacity:")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_GEOMETRY = ("d", "x", "y", "width", "height", "transform", "points")
_BLACK = "#000000"
_VARIABLES = {
    "#ffffff": "var(--background)",
    "#e0e0e0": "var(--figure-grid)",  # lines of the grid
    "#e8e8e8": "var(--figure-hatched)",  # where there is no value
    "#a0a0a0": "var(--figure-hatch)",
} | {
    color.lower(): "currentColor" if color == _BLACK else f"var(--series-{number})"
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
        element.attrib = {_NAMESPACE.sub("", name): value for name, value in element.items()}
    _drop_what_is_of_a_file(root)
    ids = {old: f"{prefix}-{number}" for number, old in enumerate(sorted(_referred_to(root)))}
    on_picture = root.find(".//image") is not None
    for element in root.iter():
        element.attrib = _on_a_page(
            element.attrib, ids, keeps_black=on_picture and "clip-path" in element.attrib
        )
        element.text = element.text if element.text and element.text.strip() else None
        element.tail = None
    _share_styles(root)
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


def _drop_what_is_of_a_file(root: ET.Element) -> None:
    """Its title, its metadata, and a style that would be the whole page's."""
    for element in list(root):
        if element.tag in {"title", "metadata"} or element.find("style") is not None:
            root.remove(element)


def _referred_to(root: ET.Element) -> set[str]:
    """The ids that something in the figure refers to."""
    return {
        match[0]
        for element in root.iter()
        for value in element.attrib.values()
        for match in _REFERENCE.finditer(value)
    }


def _on_a_page(attributes: Mapping[str, str], ids: Mapping[str, str], *, keeps_black: bool) -> dict[str, str]:
    """The attributes of an element on a page that holds other figures, too.

    Args:
        attributes: in a file of its own.
        ids: from those there to those on the page.
        keeps_black: it lies on a picture, whose colours are the same in the dark.
    """
    found = {}
    for name, value in attributes.items():
        if name == "style":
            found[name] = _style(value, keeps_black=keeps_black)
        elif name == "id":
            found |= {name: ids[value]} if value in ids else {}
        elif name in _GEOMETRY:
            found[name] = _LONG_NUMBER.sub(_hundredths, " ".join(value.split()))
        else:
            found[name] = value
    return {name: _REFERENCE.sub(lambda match: ids[match[0]], value) for name, value in found.items()}


def _hundredths(match: re.Match[str]) -> str:
    """A length to the hundredth of a point, which nobody can see."""
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _style(text: str, *, keeps_black: bool) -> str:
    text = _OPACITY.sub(r"calc(\g<0> * var(--figure-opacity))", _FONTS.sub("", text))
    if f"fill: {_STAR}" in text:
        return text
    kept = {_BLACK: _BLACK} if keeps_black else {}
    return _COLOR.sub(lambda match: (_VARIABLES | kept).get(match[0], match[0]), text)


def _share_styles(root: ET.Element) -> None:
    """Where all parts of a group have one style, the group has it; the opacity of a group is another's."""
    for group in root.iter("g"):
        styles = {part.get("style") for part in group}
        style = styles.pop() if len(styles) == 1 else None
        if len(group) > 1 and group.get("style") is None and style and not _OWN_OPACITY.search(style):
            group.set("style", style)
            for part in group:
                del part.attrib["style"]
