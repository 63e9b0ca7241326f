"""Expectations: the comparison, and what is refused."""

import math

import pytest

from lrcli.errors import ExperimentError
from lrcli.experiment.expectations import compare, parse
from lrcli.experiment.loading import load
from lrcli.storage.run_result import RecoveryRow

FILE = """
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, num_test: 5}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: sgd}
expect:
  %s: %s
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<= 0.25", ("<=", 0.25)), (">1e-3", (">", 1e-3)), (" == -2 ", ("==", -2.0)), ("< .5", ("<", 0.5))],
)
def test_comparisons(text, expected):
    sign, number = parse(text)
    assert (sign, float(number)) == expected


@pytest.mark.parametrize("text", ["", "0.25", "= 1", "=< 1", "<= x", "<= 1 2", "<= nan", "<= 1e", "1 <= 2"])
def test_what_is_no_comparison(text):
    with pytest.raises(ValueError, match="must be a comparison"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "value", "passed"),
    [
        ("<= 1", 1.0, True),
        ("< 1", 1.0, False),
        (">= 1", 1.0, True),
        ("> 1", 1.5, True),
        ("== 1", 1.0, True),
        ("<= 1", math.nan, False),
        ("> 1", math.nan, False),
        ("> 1", math.inf, True),
    ],
)
def test_a_value_passes_or_fails(text, value, passed):
    assert compare({"val/loss": text}, {"val/loss": value}, [])[0].passed is passed


def test_errors_of_parameters_and_what_is_not_there():
    rows = compare({"recovery/w[0]": "< 1", "val/loss": "< 1"}, {}, [RecoveryRow("w[0]", -1.0, 2.0, -3.0)])
    assert [(row.value, row.passed) for row in rows] == [(-3.0, True), (None, False)]


@pytest.mark.parametrize(
    "name", ["val/loss", "train/running_loss", "test/loss", "recovery/w[1]", "recovery/b", "lr"]
)
def test_names_of_the_result(name, tmp_path):
    (tmp_path / "exp.yaml").write_text(FILE % (name, '"< 1"'))
    assert load(tmp_path / "exp.yaml").experiment.expect == {name: "< 1"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("val/los", '"< 1"', "7:3: expect.val/los: is not in the result; did you mean val/loss?"),
        ("val/accuracy", '"< 1"', "7:3: expect.val/accuracy: is not in the result"),
        ("recovery/w[2]", '"< 1"', "7:3: expect.recovery/w[2]: is not in the result"),
        ("val/loss", "0.25", "7:13: expect.val/loss: must be text, not 0.25"),
        ("val/loss", '"about 1"', "7:13: expect.val/loss: must be a comparison such as"),
    ],
)
def test_what_is_refused(name, text, message, tmp_path):
    (tmp_path / "exp.yaml").write_text(FILE % (name, text))
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path / "exp.yaml")
    assert f"exp.yaml:{message}" in str(caught.value)
