"""No width cuts a number or a key."""

import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sweeps import made_results
from rich.box import HEAVY_HEAD, SIMPLE_HEAD
from rich.console import Console
from valleys import RATES, cases, product, valley

from lrcli.authoring.topics import find_topics
from lrcli.reporting import reference
from lrcli.reporting.layout import Column, print_table, print_text
from lrcli.reporting.runs import console as run_console
from lrcli.reporting.sweeps import console as sweep_console
from lrcli.reporting.sweeps.chart import sweep_chart
from lrcli.runs.run_result import ExpectationRow, RecoveryRow, Reference

WIDTHS = [*range(30, 90), *range(90, 251, 16)]
CASES = cases()


def terminal(width):
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def words(text):
    """What spaces and the lines of a table leave."""
    return re.sub("[\u2500-\u257f]", " ", text).split()


@pytest.fixture
def report(monkeypatch):
    """What a report prints on a terminal of some width."""

    def printed(width, module, show, *arguments):
        out = terminal(width)
        monkeypatch.setattr(module, "console", lambda: out)
        show(*arguments)
        return out.file.getvalue()

    return printed


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


def two_keys():
    """A sweep over two keys with numbers of every length."""
    rates = np.array([1e-5, 0.000123456, 0.0215443, 3.0])
    values = [
        {"optimizer.lr": rate, "optimizer.momentum": momentum} for rate in rates for momentum in (0.0, 0.95)
    ]
    scores = np.outer([1, 1.01, 0.99, 1.02, 0.98], [4.872e-05, 1.2e9, 0.5, 4.9e-05, 1e-300, 3, 7.123e-05, 2])
    final = {"val/loss": scores, "recovery/max_abs_error": 1e-4 * scores}
    return made_results(
        scores, keys=("optimizer.lr", "optimizer.momentum"), configurations=values, final=final
    )


def test_the_report_of_a_sweep_at_every_width(report):
    results = two_keys()
    order = np.argsort(np.median(results.final["val/loss"], axis=0))
    for width in WIDTHS:
        out = report(width, sweep_console, print_configurations, results)
        assert "…" not in out
        for number in order:
            point = results.configurations[number]
            median = np.median(results.final["val/loss"][:, number])
            wanted = {f"{point['optimizer.lr']:.4g}", f"{point['optimizer.momentum']:.4g}", f"{median:.3g}"}
            assert wanted <= set(words(out)), width
        assert all(len(line) <= width for line in out.splitlines())


def print_configurations(results):
    statistics = sweep_console.describe_metric(results)
    sweep_console._print_table(sweep_console.console(), results, statistics)


def test_the_report_of_a_run_at_every_width(report):
    recovery = [
        RecoveryRow("w[0]", 2.0, 1.896861, 0.1031354),
        RecoveryRow("frequency", -3.4e-12, -3.27336e30, -1.26645e-05),
    ]
    expected = [ExpectationRow("recovery/max_abs_error", "<= 0.5", 0.214735, passed=True)]
    for width in WIDTHS:
        text = report(width, run_console, print_tables, recovery, expected)
        assert "…" not in text
        cells = {"w[0]", "2", "1.89686", "0.103135", "frequency", "-3.4e-12", "-3.27336e+30", "-1.26645e-05"}
        assert cells | {"recovery/max_abs_error", "<=", "0.5", "0.214735", "passed"} <= set(words(text)), (
            width
        )
        assert all(len(line) <= width for line in text.splitlines())


def print_tables(recovery, expected):
    out = run_console.console()
    run_console._print_recovery(out, recovery, Reference("true", ""))
    run_console._print_expectations(out, expected)


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


@pytest.mark.parametrize("name", ["optimizer.adam", "dataset.sine", "training", "init.values"])
def test_a_description_at_every_width(report, name):
    (topic,) = find_topics(name)
    options = topic.description.options
    for width in WIDTHS:
        text = report(width, reference, reference.print_description, topic.description, "In a file", "")
        assert "…" not in text
        shown = set(words(text))
        assert {option.name for option in options} <= shown
        for option in options:
            assert set(reference._written(option.default).split()) <= shown, (width, option.name)
            assert set(f"{option.type} {option.meaning}".split()) <= shown, (width, option.name)
