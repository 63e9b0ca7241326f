"""No width cuts a number or a key."""

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.box import HEAVY_HEAD, SIMPLE_HEAD
from rich.console import Console
from valleys import RATES, cases, product, valley

from lrcli.reporting.layout import Column, print_table
from lrcli.reporting.sweeps.chart import sweep_chart
from lrcli.reporting.text import print_text

WIDTHS = [*range(30, 90), *range(90, 251, 16)]
CASES = cases()


def terminal(width):
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def words(text):
    """What spaces and the lines of a table leave."""
    return re.sub("[\u2500-\u257f]", " ", text).split()


finite = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)  # a test may flush them
numbers = finite.map(lambda value: f"{value:.6g}")
headings = st.from_regex(r"[a-z]{1,12}(\.[a-z]{1,12}){0,2}", fullmatch=True)


@given(
    st.lists(st.tuples(headings, numbers, numbers, st.integers(0, 3)), min_size=1, max_size=9),
    st.integers(30, 250),
    st.sampled_from([SIMPLE_HEAD, HEAVY_HEAD]),
)
@settings(deadline=None, max_examples=100)
def test_every_cell_that_is_shown_is_whole(made, width, box):
    columns = [Column(name, [first, second], rank=rank) for name, first, second, rank in made]
    out = terminal(width)
    print_table(out, columns, box)
    text = out.file.getvalue()
    shown, _, left_out = text.partition("no room for")
    always = min(column.rank for column in columns)
    gone = set(left_out.replace(",", " ").split())
    kept = [column for column in columns if column.rank == always or column.heading not in gone]
    for column in kept:
        assert {column.heading, *column.cells} <= set(words(shown))
    assert "…" not in text
    longest = max(len(word) for word in text.split())
    assert all(len(line) <= max(width, longest + 2) for line in text.splitlines())


def test_headings_then_lines_then_columns_give_way():
    """And the last to go is the table itself."""
    columns = [
        Column("optimizer.momentum", ["0.9"], short="momentum"),
        Column("val/loss", ["1.23457e-05"]),
        Column("q25", ["1.1e-05"], rank=1),
        Column("outcome", ["converged"], rank=2),
    ]
    seen = {}
    for width in reversed(range(15, 80)):
        out = terminal(width)
        print_table(out, columns, HEAVY_HEAD)
        text = out.file.getvalue()
        said = (
            "optimizer.momentum" in text,
            "┃" in text,
            "converged" in text,
            "1.1e-05" in text,
            "─" in text,
        )
        seen.setdefault(said, width)
    assert list(seen) == [
        (True, True, True, True, True),
        (False, True, True, True, True),
        (False, False, True, True, True),
        (False, False, False, True, True),
        (False, False, False, False, True),
        (False, False, True, True, False),  # each row in lines of its own: everything again
    ]


def test_a_pipe_has_room_for_everything(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    out = Console(file=io.StringIO())
    columns = [Column(f"heading{i}", ["1.2345678e-05"], rank=i) for i in range(30)]
    print_table(out, columns)
    (head, _, row) = out.file.getvalue().strip("\n").splitlines()
    assert head.split() == [column.heading for column in columns]
    assert row.split() == ["1.2345678e-05"] * 30


def test_sentences_are_broken_between_words_on_a_terminal_only():
    sentence = "best: optimizer.lr=0.2154, optimizer.momentum=0: val/loss 4.909e-05 (median of its seeds)"
    for width in range(10, 100):
        out = terminal(width)
        print_text(out, sentence)
        lines = out.file.getvalue().splitlines()
        assert " ".join(line.strip() for line in lines) == sentence
        assert all(len(line) <= max(width, 25) for line in lines)
    out = Console(file=io.StringIO(), width=20)
    print_text(out, sentence)
    assert out.file.getvalue() == sentence + "\n"


@pytest.mark.parametrize("case", CASES)
def test_the_chart_is_as_wide_as_its_terminal_and_cuts_nothing(case):
    results = CASES[case]
    usual = sweep_chart(results)
    for width in WIDTHS if case in {"rate", "optimizers"} else (30, 40, 57, 200):
        lines = sweep_chart(results, width)
        if not usual:
            assert not lines
            continue
        margin = next(line.index("└") for line in lines if "└" in line)
        longest = max(len(part) for line in lines for part in line.strip().split(" "))
        assert max(map(len, lines)) <= max(width, margin + 40, margin + 2 + longest)
        assert max(len(line) for line in lines if "└" in line) == min(width, 240)
        said = " ".join(" ".join(lines).split())
        best = [line for line in usual if "best: " in line]
        assert all(" ".join(line.split()) in said for line in best)


def test_the_chart_at_200_columns_is_200_wide():
    results = valley(product(optimizer__lr=RATES), seeds=3)
    assert max(map(len, sweep_chart(results, 200))) == 200


def test_what_explains_a_column_stands_where_it_is_shown():
    columns = [
        Column("error", ["1.23457e-05"], note="error = true - learned"),
        Column("sampling error", ["1.23457e-05"], rank=1, note="sampling error = true - reference"),
    ]
    for width, said in ((80, True), (16, False)):
        out = terminal(width)
        print_table(out, columns, caption="2 more")
        text = " ".join(out.file.getvalue().split())
        assert ("sampling error = true - reference" in text) == said
        assert text.index("error = true - learned") < text.index("2 more")
