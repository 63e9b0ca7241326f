"""A page as a reader finds it: headings, paragraphs, tables, figures, and what it refers to."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "img", "br", "hr", "input"}


@dataclass
class Table:
    caption: str = ""
    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)  # the text of each cell
    values: list[list[float | None]] = field(default_factory=list)  # the number behind it

    def column(self, heading: str) -> list[str]:
        return [row[self.headings.index(heading)] for row in self.rows]

    def numbers(self, heading: str) -> list[float | None]:
        return [row[self.headings.index(heading)] for row in self.values]


class ReadPage(HTMLParser):
    """Attributes are what was found, in the order of the page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}  # from tag to the text within each
        self.ids: list[str] = []
        self.tables: dict[str, Table] = {}
        self.figures: list[dict[str, str]] = []  # title, desc, and the aria-labelledby of the svg
        self.text = ""
        self._open: list[tuple[str, list[str], dict[str, str]]] = []
        self._table = Table()
        self.feed(html)
        self.close()
        assert not self._open, [tag for tag, *_ in self._open]

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append((tag, found))
        self.ids += [found["id"]] if "id" in found else []
        if tag not in VOID:
            self._open.append((tag, [], found))
        if tag == "table":
            self._table = Table()
        elif tag == "tr":
            self._table.rows.append([])
            self._table.values.append([])
        elif tag == "svg":
            self.figures.append({"labelledby": found["aria-labelledby"], "role": found["role"]})

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        opened, texts, attributes = self._open.pop()
        assert opened == tag, f"{opened} is closed by {tag}"
        text = "".join(texts)
        self.texts.setdefault(tag, []).append(text)
        if tag == "caption":
            self._table.caption = text
        elif tag == "th" and attributes["scope"] == "col":
            self._table.headings.append(text)
        elif tag in {"td", "th"}:
            self._table.rows[-1].append(text)
            self._table.values[-1] += [None] * (len(self._table.rows[-1]) - len(self._table.values[-1]))
        elif tag == "data":
            value = attributes["value"]
            self._table.values[-1].append(float(value) if value else float("nan"))
        elif tag == "table":
            self._table.rows = [row for row in self._table.rows if row]
            self._table.values = self._table.values[-len(self._table.rows) :]
            self.tables[self._table.caption] = self._table
        elif tag in {"title", "desc"} and "svg" in {each[0] for each in self._open}:
            self.figures[-1][tag] = text

    def handle_data(self, data):
        for _, texts, _ in self._open:
            texts.append(data)
        if not {"script", "style"} & {tag for tag, *_ in self._open}:
            self.text += data

    @property
    def headings(self) -> list[tuple[int, str]]:
        return [(int(tag[1]), text) for tag, text in self._in_order() if re.fullmatch("h[1-6]", tag)]

    def _in_order(self):
        counts: dict[str, int] = {}
        for tag, _ in self.elements:
            if tag in self.texts and re.fullmatch("h[1-6]", tag):
                yield tag, self.texts[tag][counts.setdefault(tag, 0)]
                counts[tag] += 1


def assert_sound(page: ReadPage) -> None:
    """What holds for every page of ours."""
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(set(page.ids)) == len(page.ids)
    for figure in page.figures:
        assert figure["role"] == "img"
        assert figure["title"]
        assert figure["desc"]
        assert figure["labelledby"].split() == [i for i in figure["labelledby"].split() if i in page.ids]
    for _, attributes in page.elements:
        for name, value in attributes.items():
            if name.startswith("aria-") and name.endswith("by"):
                assert set(value.split()) <= set(page.ids)
            if name in {"href", "src", "xlink:href", "action", "poster", "srcset"}:
                assert value.startswith("data:image/png;base64,") or value[1:] in page.ids, value
            assert not re.match("on[a-z]+$", name), f"{name}={value}"
            for reference in re.findall(r"url\(([^)]*)\)", value or ""):
                assert reference[1:] in page.ids
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"link", "iframe", "object", "embed", "base", "form", "img"}
    assert page.html.count("<script") == page.html.count("</script") == 1
    assert "://" not in page.html
    assert "@import" not in page.html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page.html)
    for table in page.tables.values():
        assert all(table.headings)
        assert {len(row) for row in table.rows} == {len(table.headings)}
