"""Figures within a page: no file of its own, no fixed colours, nothing else's ids."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from valleys import cases

from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_files import figure_bytes, figure_of
from lrcli.reporting.figure_style import COLORS
from lrcli.reporting.pages.inline_svg import inline_svg
from lrcli.reporting.sweeps.figures import drawings

CASES = cases()


def svg_of(draw, **size):
    drawing = Drawing("title", "description", draw, **size)
    return figure_bytes(figure_of(drawing), "svg", drawing=drawing)


def lines(figure):
    axes = figure.subplots()
    for i, color in enumerate(COLORS):
        axes.plot([0, 1], [i, i + 1], color=color, marker="o", label=f"line {i}")
    axes.fill_between([0, 1], [0, 0], [1, 1], color=COLORS[0], alpha=0.25, linewidth=0)
    axes.scatter(np.linspace(0, 1, 200), np.linspace(0, 1, 200), color=COLORS[1])
    axes.set_xlabel("a < b & c")


def points(svg):
    """Where each marker stands."""
    root = ET.fromstring(re.sub(' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href"))  # noqa: S314
    return np.array([[float(use.get("x")), float(use.get("y"))] for use in root.iter("use")])


def test_it_is_no_longer_a_file_of_its_own():
    found = inline_svg(svg_of(lines), "f1", "A <title>", "What & more.")
    root = ET.fromstring(found)  # noqa: S314  without namespaces, as HTML has it
    assert root.tag == "svg"
    assert root.attrib == {"viewBox": "0 0 453.6 280.8", "role": "img", "aria-labelledby": "f1-title f1-desc"}
    assert (root.find("title").text, root.find("desc").text) == ("A <title>", "What & more.")
    for gone in ("://", "<?xml", "DOCTYPE", "rdf", "xmlns", "font-family", "<style", "pt"):
        assert gone not in found
    assert "a < b & c" in [text.text for text in root.iter("text")]


@pytest.mark.parametrize("case", CASES)
def test_ids_are_those_of_the_figure_and_each_reference_finds_one(case):
    for number, drawing in enumerate(drawings(CASES[case]).values()):
        figure = figure_of(drawing)
        figure.set_layout_engine("none")  # which takes half of the time
        svg = figure_bytes(figure, "svg", drawing=drawing)
        found = inline_svg(svg, f"f{number}", drawing.title, drawing.description)
        ids = re.findall(r'\bid="([^"]*)"', found)
        assert len(ids) == len(set(ids))
        assert all(name.startswith(f"f{number}-") for name in ids)
        referred = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', found)
        assert referred
        assert {a or b for a, b in referred} <= set(ids)


def test_colours_are_the_pages():
    found = inline_svg(svg_of(lines), "f", "t", "d")
    assert not re.findall(r"#[0-9a-fA-F]{6}", found)
    variables = set(re.findall(r"var\((--[a-z0-9-]+)\)", found))
    series = {f"--series-{n}" for n, color in enumerate(COLORS, 1) if color != "#000000"}
    assert variables == series | {"--background", "--figure-grid", "--figure-opacity"}
    assert "currentColor" in found
    assert "fill-opacity: calc(0.25 * var(--figure-opacity))" in found


def test_the_star_keeps_its_edge_and_a_colour_of_no_meaning_is_left():
    def draw(figure):
        axes = figure.subplots()
        axes.plot([0], [0], marker="*", color="#F0E442", mec="black", ls="none")
        axes.plot([0, 1], [0, 1], color="#123456")

    found = inline_svg(svg_of(draw), "f", "t", "d")
    assert "fill: #f0e442; stroke: #000000" in found
    assert "stroke: #123456" in found


def test_what_is_drawn_lies_where_it_lay():
    svg = svg_of(lines)
    before, after = points(svg.decode()), points(inline_svg(svg, "f", "t", "d"))
    assert len(before) > 200
    np.testing.assert_allclose(after, before, atol=0.005)
    assert after.std() > 1


def test_a_group_of_points_says_its_style_once():
    def draw(figure):
        figure.subplots().scatter(range(500), range(500), color=COLORS[0], alpha=0.4)

    svg = svg_of(draw)
    found = inline_svg(svg, "f", "t", "d")
    assert found.count("<use") == svg.decode().count("<use") > 500
    assert found.count("var(--series-1)") < 5
    assert len(found) < len(svg) / 2


def test_points_that_are_seen_through_stay_so_one_by_one():
    """The opacity of a group is that of a picture of it, in which points cover each other."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><g>%s</g></svg>'
    for style, kept in (("opacity: 0.5", 2), ("fill-opacity: 0.5", 0)):
        found = inline_svg(svg % (b'<path d="M 0 0" style="%s"/>' % style.encode() * 2), "f", "t", "d")
        assert found.count("<path") == 2
        assert len(re.findall(r"<path[^>]*opacity", found)) == kept


def test_a_style_of_its_own_wins_over_that_of_others():
    svg = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><g>
    <path style="stroke: #0072b2"/><path style="stroke: #d55e00"/></g><g style="fill: none">
    <path style="stroke: #0072b2"/><path style="stroke: #0072b2"/></g></svg>"""
    found = inline_svg(svg, "f", "t", "d")
    assert re.findall(r'<(\w+) style="([^"]*)"', found) == [
        ("path", "stroke: var(--series-1)"),
        ("path", "stroke: var(--series-2)"),
        ("g", "fill: none"),
        ("path", "stroke: var(--series-1)"),
        ("path", "stroke: var(--series-1)"),
    ]


def test_codes_in_a_figure_are_shown():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><text>a\x1b[31m\u202eb</text></svg>'
    assert r"<text>a\x1b[31m\u202eb</text>" in inline_svg(svg.encode(), "f", "t", "d\x1b")


def test_a_black_line_on_a_picture_stays_black():
    """The picture is as light in the dark; the axes around it are not on it."""

    def draw(figure):
        axes = figure.subplots()
        axes.imshow([[0, 1], [1, 0]])
        axes.plot([0, 1], [0, 1], color="black", linewidth=3)

    found = inline_svg(svg_of(draw), "f", "t", "d")
    assert re.findall(r'clip-path="[^"]*" style="[^"]*stroke: ([^;]*); stroke-width: 3', found) == ["#000000"]
    assert "stroke: currentColor" in found
