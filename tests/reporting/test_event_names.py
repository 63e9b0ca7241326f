"""The names of things in TensorBoard, in the order in which TensorBoard sorts them."""

import re

import pytest

from lrcli.config.metrics import recorded_names
from lrcli.reporting.event_names import (
    STATUS,
    band_tags,
    columns,
    curve_tag,
    figure_tag,
    final_tags,
    histogram_tag,
    sweep_picture_tag,
)
from lrcli.reporting.markdown import block, markdown_table, plain

CURVES = [
    *recorded_names(["train", "val"], classes=True),
    "recovery/max_abs_error",
    "recovery/error_norm",
    "diverged",
]
OUTCOMES = [f"{split}/{name}" for split in ("train", "val", "test") for name in ("loss", "accuracy")]
OUTCOMES += ["recovery/error_norm", "recovery/max_abs_error"]


def page_order(tag):
    """A key that sorts as TensorBoard's pages do (its compareTagNames), for tags whose numbers are whole.

    Numbers by their size, then a slash, then all other characters.
    """
    parts = re.findall(r"\d+|\D", tag)
    return [(0, int(part), "") if part.isdigit() else (1 if part == "/" else 2, 0, part) for part in parts]


def groups(tags):
    return list(dict.fromkeys(tag.partition("/")[0] for tag in sorted(tags, key=page_order)))


def test_the_groups_of_the_pages():
    tags = [curve_tag(name) for name in reversed(CURVES)]
    tags += [*final_tags(dict.fromkeys(OUTCOMES)), *band_tags("val/loss"), histogram_tag("w")]
    tags += [figure_tag("loss"), *map(sweep_picture_tag, ("training_loss", "final_metric"))]
    curves = ["1 loss", "2 accuracy", "3 recovery", "4 training"]
    assert groups(tags) == ["0 sweep", *curves, "(final)", "bands", "figures", "parameters"]


def test_a_curve_keeps_the_name_of_its_metric():
    assert [curve_tag(name) for name in ("train/loss", "val/loss")] == [
        "1 loss/train/loss",
        "1 loss/val/loss",
    ]
    assert all(curve_tag(name).partition("/")[2] == name for name in CURVES)


def test_the_metrics_of_the_hparams_table_begin_with_the_loss_that_is_asked_for():
    tags = dict.fromkeys(final_tags(dict.fromkeys(OUTCOMES)))
    tags |= dict.fromkeys(curve_tag(name) for name in CURVES)
    shown = [tag.partition(" ")[2] for tag in sorted(tags)]  # as its backend does
    assert shown[:5] == ["val/loss", "val/accuracy", "train/loss", "train/accuracy", "recovery/max_abs_error"]


def test_last_values_are_of_outcomes_alone():
    assert final_tags({"lr": 1, "grad_norm": 2, "train/running_loss": 3, "recovery/w[0]": 4}) == {}
    assert len(final_tags(dict.fromkeys(OUTCOMES))) == len(OUTCOMES)
    assert all(
        re.fullmatch(r"\(final\)/\d [a-z]+/[a-z_]+", tag) for tag in final_tags(dict.fromkeys(OUTCOMES))
    )


def test_the_hyperparameters_that_come_first():
    keys = ["dataset.kind", "dtype", "loss.kind", "model.kind", "optimizer.kind", "optimizer.lr", STATUS]
    named = columns(dict.fromkeys(keys, 1))
    assert [name.rpartition(" ")[2] for name in sorted(named)][:3] == ["optimizer.lr", "status", "model.kind"]
    assert {name.rpartition(" ")[2] for name in named} == set(keys)


@pytest.mark.parametrize("character", [*r"""\`*_{}[]<>|&~""", "\n", "\x1b", "\u202e"])
def test_what_markdown_would_obey_stands_as_a_code(character):
    assert (
        character not in plain(f"a{character}b").replace("&#", "").replace("\\x", "").replace("\\n", "")[1:-1]
    )


def test_words_and_numbers_stay_as_they_are():
    assert plain("Linear regression, 3 epochs (lr=0.03); y = 2.0 - x/3") == (
        "Linear regression, 3 epochs (lr=0.03); y = 2.0 - x/3"
    )


def test_a_table_has_its_cells_whatever_they_hold():
    table = markdown_table(["key", "value"], [["a|b", 1], ["c\nd", None]])
    assert [line.count("|") for line in table.splitlines()] == [3] * 4


def test_a_block_is_indented_and_obeyed_by_nothing():
    assert block("a\n  b\x1b[2J") == "    a\n      b\\x1b[2J"
