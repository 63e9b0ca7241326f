"""`lrcli docs`: topics in a terminal, at any width, and as pages that lead to one another."""

import itertools
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import yaml
from pages import ReadPage

import lrcli
from lrcli.authoring.docs.content import Code, Heading, Items, Paragraph, Span, Table, Topic
from lrcli.reporting.docs.html import site

ROOT = Path(lrcli.__file__).parents[1]
HOSTILE = '<script>alert(1)</script> "& \x1b[31m \u202e {{ 7 * 7 }}'
SHOWN = '<script>alert(1)</script> "& \\x1b[31m \\u202e {{ 7 * 7 }}'


@pytest.fixture
def topics(program):
    """The names of all topics, as they are listed."""
    return re.findall(r"^  ([a-z][a-z-]*)\b", program("docs")[1], re.MULTILINE)


def words(text):
    """What is to be read, without lines around it."""
    return re.sub("[─=-]{2,}", " ", text).split()


def test_topics_are_listed(program, topics):
    assert topics[:2] == ["start", "which-rate-which-optimizer"]
    assert {"train", "docs", "keys", "optimizer", "model-init", "python"} <= {*topics}
    assert len({*topics}) == len(topics) > 25


def test_nothing_is_cut_at_any_width(program, topics, monkeypatch):
    for name, columns in zip(topics, itertools.cycle((40, 40, 40, 80))):
        monkeypatch.setenv("COLUMNS", "1000")
        whole = program("docs", name)[1]
        monkeypatch.setenv("COLUMNS", str(columns))
        narrow = program("docs", name)[1]
        assert {*words(whole)} <= {*words(narrow)}
        prose = [x for x in narrow.splitlines() if not x.startswith("    ") and " " in x.strip()]
        assert max(map(len, prose)) <= columns


def test_a_section_alone(program):
    out = program("docs", "adam")[1]
    assert out.startswith("optimizer\n=========\n\noptimizer.adam\n-----")
    assert "rmsprop" not in out
    assert "betas" in out


def test_links_say_how_to_get_there(program):
    out = " ".join(program("docs", "numbers")[1].split())
    assert "The two engines agree" in out  # the topic is called as it is
    assert "runs (lrcli docs keys.metrics)" not in out
    assert "keys (lrcli docs keys.metrics)" in " ".join(program("docs", "results")[1].split())


def test_mistakes(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "did you mean optimizer?" in program("docs", "optimiser", code=2)[2]
    assert "leave out" in program("docs", "start", "--html", "a", code=2)[2]
    Path("file").write_text("mine")
    assert "file: is a file; name a new directory" in program("docs", "--html", "file", code=2)[2]
    Path("full").mkdir()
    Path("full/index.html").write_text("mine")
    said = program("docs", "--html", "full", code=2)[2]
    assert "full: holds other things than pages of lrcli, such as index.html" in said
    assert [path.name for path in tmp_path.iterdir() if path.name != "file"] == ["full"]
    assert Path("full/index.html").read_text() == "mine"
    assert [*Path("full").iterdir()] == [Path("full/index.html")]
    assert Path("file").read_text() == "mine"


def test_a_reader_that_leaves_is_no_mistake():
    line = f"{sys.executable} -m lrcli docs keys | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Keys of an experiment file", "0"]
    assert done.stderr == ""


def test_it_needs_nothing_heavy():
    code = (
        "import sys\nfrom lrcli.cli.app import app\napp(['docs', 'optimizer'], standalone_mode=False)\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {*done.stderr.split()}.isdisjoint({"torch", "numba", "matplotlib", "tensorboard", "jinja2"})


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every page of the documentation, read."""
    folder = tmp_path_factory.mktemp("docs") / "new" / "site"
    command = [sys.executable, "-m", "lrcli", "docs", "--html", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{folder / 'index.html'}\n"
    again = subprocess.run(command, capture_output=True, text=True, check=True)  # over its own pages
    assert again.stdout == done.stdout
    return {path.name: ReadPage(path.read_text(encoding="utf-8")) for path in folder.iterdir()}


def links(page):
    return [attributes["href"] for tag, attributes in page.elements if tag == "a"]


def test_every_topic_is_a_page(pages, topics):
    assert {*pages} == {"index.html", *(f"{name}.html" for name in topics)}
    assert {*links(pages["index.html"])} == {f"{name}.html" for name in topics}


def test_every_link_leads_somewhere(pages):
    for name, page in pages.items():
        for link in links(page):
            file, _, place = link.partition("#")
            assert (file or name) in pages, f"{name}: {link}"
            assert not place or place in pages[file or name].ids, f"{name}: {link}"


def test_pages_are_sound(pages):
    for name, page in pages.items():
        levels = [level for level, _ in page.headings]
        assert levels.count(1) == 1, name
        assert len({*page.ids}) == len(page.ids), name
        labels = [found["aria-label"] for _, found in page.elements if "aria-label" in found]
        assert all(labels)
        assert len({*labels}) == len(labels), name
        tags = {tag for tag, _ in page.elements}
        assert not tags & {"script", "link", "iframe", "object", "embed", "base", "form", "img"}, name
        assert not re.search(r"(?<!tcp)(?<!tls)://", page.html)  # those of schedulers, which are no links
        assert "@import" not in page.html
        assert not re.search(r"url\(|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page.html)
        (policy,) = [found["content"] for _, found in page.elements if "http-equiv" in found]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert '<meta name="generator" content="lrcli ' in page.html[:500]


def test_titles_are_told_apart(pages):
    titles = [page.texts["title"][0] for page in pages.values()]
    assert len({*titles}) == len(titles)


def test_what_a_terminal_says_stands_on_the_page(pages, program):
    for name in ("optimizer", "which-rate-which-optimizer", "train", "keys"):
        read = {*re.findall(r"\w+", unescape(re.sub("<[^>]*>", " ", pages[f"{name}.html"].html)))}
        shown = {*re.findall(r"\w+", program("docs", name)[1])}
        assert shown - read <= {"lrcli", "docs"}


def test_text_is_shown_and_not_obeyed():
    span = (Span(HOSTILE),)
    blocks = [
        Heading(HOSTILE, 2, "place"),
        Paragraph((Span(HOSTILE, "code"), Span(HOSTILE, "strong", "a"), Span(HOSTILE, "emphasis"))),
        Code(HOSTILE, HOSTILE),
        Items([[Paragraph(span), Code(HOSTILE, "text")]]),
        Items([[Paragraph(span)]], ordered=True),
        Table([HOSTILE], [[span]]),
    ]
    page = ReadPage(site([Topic("a", HOSTILE, HOSTILE, HOSTILE, lambda: blocks)])["a.html"])
    assert page.text.count(SHOWN) >= 10
    assert not {"script"} & {tag for tag, _ in page.elements}
    assert not re.search(r"[\x1b\u202e]", page.html)


def test_the_citation_is_of_this_version():
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= {*told}
    assert str(told["version"]) == lrcli.__version__
    assert told["license"] == "MIT"
    assert told["authors"][0]["name"] in (ROOT / "LICENSE").read_text(encoding="utf-8").replace("the", "The")
