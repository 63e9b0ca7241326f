"""A key that there is not is an error wherever it stands, with a value or without, with a base or without."""

import copy

import pytest
from generated import sound
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lrcli.config.dumping import yaml_text
from lrcli.config.keys import blocks_at
from lrcli.errors import ExperimentError
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import load

CHECKS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
STRAY = st.sampled_from(["5", "x", "kindd", "momentm", "Epochs", "lr ", "\u0435pochs", "extends2", "null"])
EMPTY = st.sampled_from([None, 1, {}])


def closed_places(content):
    """The path of every mapping whose keys its class fixes."""
    waiting = [()]
    while waiting:
        path = waiting.pop()
        inside = content
        for key in path:
            inside = inside[key]
        if blocks_at(Experiment, path, content):
            yield path
            waiting += [(*path, key) for key, value in inside.items() if isinstance(value, dict)]


def write(directory, name, content):
    (directory / name).write_text(yaml_text(content), encoding="utf-8")
    return directory / name


def refusal(file):
    with pytest.raises(ExperimentError) as caught:
        load(file)
    return "\n".join(message.splitlines()[0] for message in caught.value.mistakes)


@CHECKS
@given(data=st.data())
def test_any_stray_key(data, tmp_path_factory):
    directory = tmp_path_factory.getbasetemp()
    content = data.draw(sound())
    path = data.draw(st.sampled_from(sorted(closed_places(content))))
    key, value = data.draw(STRAY), data.draw(EMPTY)
    changed = copy.deepcopy(content)
    inside = changed
    for part in path:
        inside = inside[part]
    inside[key] = value
    shown = ".".join([*path, key])
    assert f"{shown}: unknown key" in refusal(write(directory, "whole.yaml", changed))

    write(directory, "base.yaml", content)
    child = {key: value}
    for part in reversed(path):
        child = {part: child}
    assert f"{shown}: unknown key" in refusal(
        write(directory, "child.yaml", {"extends": "base.yaml"} | child)
    )


GOOD = """\
dataset: {kind: linear, w: [1], b: 1, outliers: {'3': 1}}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: sgd, lr: 0.1}
sweep: {grid: {optimizer.lr: {values: [1]}}}
expect: {train/loss: '< 1'}
"""


@pytest.mark.parametrize(
    ("child", "message"),
    [
        ("optimizer: {lr: 1,5}", "optimizer.5: unknown key; decimals take a point: lr: 1.5"),
        ("trainig:", "trainig: unknown key; did you mean training?"),
        ("optimizer: {momentm: }", "optimizer.momentm: unknown key; did you mean momentum?"),
        ("optimizer: {kind: adam, momentum: }", "optimizer.momentum: unknown key; known here: "),
        ("training: {best: {metric: lr, mod: }}", "training.best.mod: unknown key; did you mean mode?"),
        ("model: {init: {kind: normal, std: 1, mean: }}", "model.init.mean: unknown key; "),
        ("optimizer: {schedule: {kind: cosine, gama: }}", "optimizer.schedule.gama: unknown key; "),
        ("dataset: {outliers: {'7': }}", "dataset.outliers.7: must be a number, not empty"),
        ("expect: {val/loss: }", "expect.val/loss: must be text, not empty"),
        ("sweep: {grid: {seed.x: }}", "sweep.grid.seed.x: must be a mapping, not empty"),
        ("sweep: {grid: {optimizer.lr: {value: }}}", "sweep.grid.optimizer.lr.value: unknown key; "),
    ],
)
def test_an_empty_value_takes_back_only_what_is_there(tmp_path, child, message):
    (tmp_path / "base.yaml").write_text(GOOD)
    (tmp_path / "exp.yaml").write_text(f"extends: base.yaml\n{child}\n")
    assert f": {message}" in refusal(tmp_path / "exp.yaml")


def test_what_one_file_takes_back_the_next_may_give(tmp_path):
    (tmp_path / "base.yaml").write_text(GOOD)
    middle = "extends: base.yaml\noptimizer: {kind: , lr: }\nexpect: {train/loss: }\n"
    (tmp_path / "mid.yaml").write_text(middle)
    (tmp_path / "exp.yaml").write_text("extends: mid.yaml\noptimizer: {kind: adam}\ndataset: {outliers: }\n")
    experiment = load(tmp_path / "exp.yaml").experiment
    assert (experiment.optimizer.kind, experiment.optimizer.lr) == ("adam", 0.001)
    assert (experiment.expect, experiment.dataset.outliers) == ({}, {})
