"""`lrcli list` and `lrcli describe` as a user runs them."""

import pytest

from lrcli.components.registry import GROUPS


@pytest.fixture
def lrcli(lrcli_in, tmp_path):
    return lambda *words, code=0: lrcli_in(tmp_path, *words, code=code)


def test_list_has_a_line_for_every_kind(lrcli):
    done = lrcli("list")
    named = [tuple(line.split()[:2]) for line in done.stdout.splitlines()]
    assert named == [(group, kind) for group, kinds in GROUPS.items() for kind in kinds]
    assert lrcli("list", "loss").stdout.splitlines() == [
        line for line in done.stdout.splitlines() if line.startswith("loss ")
    ]


def test_describe_shows_formula_keys_and_a_file(lrcli):
    shown = lrcli("describe", "optimizer.sgd").stdout
    for part in ("v = momentum v + (1 - dampening) g", "nesterov", "learning rate", "> 0", "{kind: sgd}"):
        assert part in shown
    whole = lrcli("describe", "schedule").stdout
    assert all(f"schedule.{kind}\n" in whole for kind in GROUPS["schedule"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "losses"], "unknown group losses; did you mean loss?"),
        (["describe", "optimizer.adem"], "unknown optimizer adem; did you mean adam?"),
        (["describe", "x.y"], "unknown group x; one of dataset, model, "),
    ],
)
def test_unknown_names(lrcli, words, message):
    done = lrcli(*words, code=2)
    assert done.stderr.startswith(f"error: {message}")
    assert done.stdout == ""
