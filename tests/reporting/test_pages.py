"""Pages as HTML, whatever stands on them."""

import base64
import datetime
import hashlib
import math
import re

import pytest
from pages import ReadPage, assert_sound

from lrcli import __version__
from lrcli.errors import UsageError, WriteError
from lrcli.reporting.drawing import Drawing
from lrcli.reporting.figure_style import COLORS
from lrcli.reporting.pages.content import (
    Column,
    Figure,
    Listing,
    Page,
    Paragraph,
    Row,
    Section,
    Table,
)
from lrcli.reporting.pages.figures import figures_of
from lrcli.reporting.pages.files import check_place, only_warning, write_page
from lrcli.reporting.pages.html import TEMPLATES, page_html

DAY = datetime.date(2026, 1, 31)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path id="a" d="M 0 0"/></svg>'
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style></pre></svg></script><!-- ]]> -->",
    "\x1b[31mred\x1b]0;title\x07\x9b31m",
    "\u202eright to left\u2066",
    "{{ 7 * 7 }}{% raw %}&amp;&lt;",
    "שלום العربية",
    "a" * 100,
)


def shown(text):
    """As it should appear: codes as their names, everything else itself."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def page_of(text="text", figures=()):
    return Page(
        title=text,
        description=text,
        summary=[text],
        findings=[text],
        sections=[
            Section(text, [Paragraph(text), Listing(f"{text}\n  second", text), *figures]),
            Section("numbers", [Table(text, [Column(text, [text, "b"]), Column("n", [1.5, None])], text)]),
            Section("empty", []),
        ],
    )


def read(page):
    found = ReadPage(page_html(page, DAY))
    assert_sound(found)
    return found


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_is_shown_as_text_wherever_it_stands(text):
    figure = Figure(text, text, SVG, text)
    found = read(page_of(text, [figure, Row([figure])]))
    told = shown(text)
    assert found.texts["h1"] == [told]
    assert found.texts["title"][0] == told
    assert found.texts["li"] == [told]
    assert found.texts["pre"] == [f"{told}\n  second"]
    assert found.texts["h2"] == [told, "numbers"]
    assert found.texts["p"].count(told) == 4
    assert found.tables[told].rows[0] == [told, "1.5"]
    assert [(figure["title"], figure["desc"]) for figure in found.figures] == [(f"{told}, {told}", told)] * 2
    assert found.texts["figcaption"] == [f"Figure {n}, {told}. {told}" for n in (1, 2)]
    assert {tag for tag, _ in found.elements} <= {tag for tag, _ in read(page_of("a", [figure])).elements} | {
        "div"
    }


def test_a_section_without_blocks_is_not_there():
    assert [text for _, text in read(page_of()).headings] == ["text", "text", "numbers"]


def test_cells_are_short_to_read_and_whole_to_sort():
    numbers = [0.1 + 0.2, 1e300, -1 / 3, math.nan, math.inf, None]
    columns = [
        Column("name", list("abcdef")),
        Column("number", numbers),
        Column("few", numbers, digits=2),
        Column("count", [1234567, 0, 1, 2, 3, None]),
    ]
    table = read(Page("t", "", [], [Section("s", [Table("caption", columns)])])).tables["caption"]
    assert table.headings == ["name", "number", "few", "count"]
    assert table.column("number") == ["0.3", "1e+300", "-0.333333", "not finite", "not finite", ""]
    assert table.column("few")[2] == "-0.33"
    assert table.numbers("number")[:3] == numbers[:3]
    assert all(map(math.isnan, table.numbers("number")[3:5]))
    assert table.numbers("number")[5] is None
    assert table.column("count") == ["1,234,567", "0", "1", "2", "3", ""]
    assert table.numbers("count")[0] == 1234567


def test_a_mark_is_a_word_not_a_colour():
    columns = [Column("a", ["x", "y"]), Column("b", [1.0, 2.0], marks={1: "best"})]
    table = read(Page("t", "", [], [Section("s", [Table("caption", columns)])])).tables["caption"]
    assert table.column("b") == ["1", "best 2"]
    assert table.numbers("b") == [1.0, 2.0]


def test_what_may_run_is_the_pages_own_script_and_nothing_may_be_fetched():
    found = read(page_of())
    policy = next(a["content"] for t, a in found.elements if a.get("http-equiv") == "Content-Security-Policy")
    script = found.texts["script"][0]
    assert script == (TEMPLATES / "sorting.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"http|\*|unsafe-eval", policy)


def test_the_page_says_who_wrote_it_and_when():
    found = read(page_of())
    assert f"Written on 2026-01-31 by lrcli {__version__}." in found.text
    html = next(a for t, a in found.elements if t == "html")
    assert html["lang"] == "en"


def luminance(color):
    """Of a colour such as #0072b2, as WCAG 2 defines it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colors(dark):
    """The variables of the stylesheet, in the light or in the dark."""
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    light, _, rest = css.partition("@media screen and (prefers-color-scheme: dark)")
    found = dict(re.findall(r"(--[a-z0-9-]+): (#[0-9a-f]{6});", light))
    return found | dict(re.findall(r"(--[a-z0-9-]+): (#[0-9a-f]{6});", rest)) if dark else found


@pytest.mark.parametrize("dark", [False, True])
def test_letters_stand_out_from_their_ground(dark):
    found = colors(dark)
    for letters in ("--text", "--quiet"):
        for ground in ("--background", "--ground"):
            assert contrast(found[letters], found[ground]) >= 4.5


def test_lines_are_those_of_other_figures_and_stand_out_in_the_dark():
    light, dark = colors(dark=False), colors(dark=True)
    for number, color in enumerate(COLORS, 1):
        name = f"--series-{number}"
        if color == "#000000":
            assert name not in light  # it is the text's own
            continue
        assert light[name] == color.lower()
        assert contrast(dark[name], dark["--background"]) >= 4


def test_a_figure_that_cannot_be_drawn_is_warned_of():
    def fail(figure):
        raise ValueError("no")

    good = Drawing("good", "d", lambda figure: figure.subplots())
    with pytest.warns(UserWarning, match="bad: could not be drawn: ValueError"):
        figures = figures_of({"bad": Drawing("bad", "d", fail), "good": good})
    assert [figure.title for figure in figures] == ["good"]


def test_a_figure_that_has_been_drawn_is_not_drawn_again():
    def fail(figure):
        raise AssertionError

    drawing = Drawing("t", "d", fail)
    assert figures_of({"a": drawing, "b": drawing}, {"a": {"svg": SVG}}) == [Figure("t", "d", SVG)]


def test_a_page_takes_the_place_of_a_page_alone(tmp_path):
    path = tmp_path / "new" / "report.html"
    write_page(path, page_of("first"))
    write_page(path, page_of("second"))
    assert ReadPage(path.read_text(encoding="utf-8")).texts["h1"] == ["second"]
    for other in (b"<html>mine</html>", b"", b"lrcli", b"x" * 1000 + path.read_bytes()):
        path.write_bytes(other)
        with pytest.raises(UsageError, match="is there already and is no report of lrcli"):
            write_page(path, page_of("third"))
        assert path.read_bytes() == other


def test_a_directory_and_a_pipe_are_no_pages(tmp_path):
    import os

    with pytest.raises(UsageError, match="is a directory; name a file"):
        check_place(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UsageError, match="is no report"):
            check_place(tmp_path / "pipe")


def test_a_link_to_a_file_of_others_is_left(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    link = tmp_path / "report.html"
    link.symlink_to(tmp_path / "mine.txt")
    with pytest.raises(UsageError):
        write_page(link, page_of())
    link.unlink()
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError):
        write_page(link, page_of())
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_results_are_not_lost_with_their_page(tmp_path):
    path = tmp_path / "report.html"
    said = r"report\.html: was not written: .*is a directory"
    with pytest.warns(UserWarning, match=said), only_warning(path):
        check_place(tmp_path)
    with pytest.warns(UserWarning, match="KeyError"), only_warning(tmp_path):
        raise KeyError("x")
    with pytest.raises(WriteError), only_warning(tmp_path):
        raise WriteError("full")
    with pytest.raises(KeyboardInterrupt), only_warning(tmp_path):
        raise KeyboardInterrupt
