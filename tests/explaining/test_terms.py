"""The glossary: every word of the tables is in it, each is found, and none is longer than it need be."""

from typing import get_args

import pytest

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
    "distinguishable", "true", "learned", "error", "not determined", "best possible",
]  # fmt: skip


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
