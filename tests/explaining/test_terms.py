"""The glossary: every word of the tables is in it, each is found, and none is longer than it need be."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from lrcli import reporting
from lrcli.config.metrics import METRICS
from lrcli.errors import UsageError
from lrcli.explaining.terms import all_terms, explain_term, find_term
from lrcli.storage.run_result import RunStatus
from lrcli.storage.sweep_result import SweepStatus

TERMS = all_terms()
OUTCOMES = ["converged", "improving", "stuck", "oscillating", "rising", "diverged", "interrupted", "unknown"]
COLUMNS = [
    "n",
    "diverged",
    "median",
    "q25",
    "q75",
    "mean",
    "std",
    "member",
    "seed",
    "status",
    "outcome",
    "diverged_step",
    "epochs",
]
ASKED_FOR = [
    "coverage", "sampling error", "optimization error", "standard error", "z", "usable band", "epoch",
    "batch", "running loss", "gradient norm", "condition number", "sharpness", "largest stable rate",
    "noise floor", "reference", "least squares", "ridge", "recovery", "identifiable", "quartiles",
    "distinguishable", "true", "learned", "error", "not determined", "best possible", "suggestion",
    "blow-up rate", "stable band", "ramp", "steepest fall", "smoothed", "lr-find", "diagnostic",
    "in mean square", "where training begins", "of the way", "quadratic", "linear in its parameters",
    "hidden unit", "relu", "huber", "orders", "forecast", "curvature", "weight decay", "label noise",
]  # fmt: skip
# Headings that say what they mean, of tables of files, of keys and of what a page is made of.
PLAIN = {
    "2 - 1", "2 against 1", "SHA-256 of its content", "command", "default", "directory", "fact", "file",
    "key", "lrcli", "meaning", "name", "of", "range", "result", "seconds", "setting", "takes", "value",
    "what it is", "what it means", "",
}  # fmt: skip
REPORTING = Path(reporting.__file__).parent


def headings():
    """The first argument of every column of a table, where it is written down."""
    for file in REPORTING.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in {"Column", "ParameterColumn"}
                and node.args
            ):
                yield from (each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant))


def test_every_heading_of_a_table_is_a_word_of_the_glossary_or_plain():
    found = set(headings())
    assert {"outcome", "std. error", "z", "sampling error", "learned"} <= found
    assert {word for word in found - PLAIN if find_term(word) is None} == set()


def metric_names():
    return [f"{split}/{m.name}" for m in METRICS for split in m.splits] + [
        m.name for m in METRICS if not m.splits
    ]


@pytest.mark.parametrize(
    "word",
    [*metric_names(), *OUTCOMES, *get_args(RunStatus), *get_args(SweepStatus), *COLUMNS, *ASKED_FOR],
)
def test_every_word_of_tables_and_reports_is_explained(word):
    assert find_term(word) is not None


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_an_entry_is_a_few_whole_sentences_with_a_source(term):
    assert term.text.endswith(".")
    assert 1 <= term.text.count(". ") + 1 <= 4
    assert len(term.text) < 400
    assert term.source
    assert term.text.isascii()
    assert not term.source.endswith(".")


def test_no_word_has_two_entries():
    words = [word.lower() for term in TERMS for word in (term.name, *term.also)]
    assert len(set(words)) == len(words)


def test_capitals_and_joints_do_not_matter():
    assert find_term("Sampling-Error") is find_term("sampling_error") is find_term(" sampling  error ")


def test_a_near_miss_is_suggested():
    with pytest.raises(UsageError, match=r"covrage.*did you mean coverage"):
        explain_term("covrage")
    with pytest.raises(UsageError) as raised:
        explain_term("qqqqq")
    assert "did you mean" not in str(raised.value)
    assert "lrcli explain lists them" in str(raised.value)
