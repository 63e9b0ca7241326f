"""`lrcli show`: the whole experiment, and where each value comes from."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from builders import experiment_files

from lrcli.experiment.loading import load

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
BASE = """\
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2}
model: {kind: linear, init: {kind: normal, std: 0.01}}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.03, momentum: 0.9}
expect:
  val/loss: "<= 0.1"
"""
CHILD = """\
extends: base.yaml
optimizer: {lr: 0.1}
"""


@pytest.fixture
def show(tmp_path, monkeypatch, program):
    """Runs ``lrcli show`` in a directory that has a base and a child."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "exp.yaml").write_text(CHILD)
    return lambda *words, code=0: program("show", *words, code=code)[1:]


def marks(shown):
    """From each line without its comment to its comment."""
    lines = [line.partition("  # ") for line in shown.splitlines()]
    return {line.strip(): comment for line, _, comment in lines}


def test_the_whole_of_it(show):
    out, err = show("exp.yaml", "training.epochs=3", "dataset.w.1=7")
    assert err == ""
    assert out == (
        "name: exp            # default\n"
        "description: ''      # default\n"
        "seed: 0              # default\n"
        "device: auto         # default\n"
        "engine: auto         # default; compiled: a dense model on the cpu\n"
        "dtype: float32       # default\n"
        "dataset:\n"
        "  kind: linear       # base.yaml:1\n"
        "  w: [2.0, 7.0]      # base.yaml:1, override dataset.w.1=7\n"
        "  b: 4.2             # base.yaml:1\n"
        "  noise: 0.0         # default\n"
        "  feature_std: 1.0   # default\n"
        "  num_train: 1000    # default\n"
        "  num_val: 1000      # default\n"
        "  num_test: 0        # default\n"
        "  outliers: {}       # default\n"
        "model:\n"
        "  kind: linear       # base.yaml:2\n"
        "  init:\n"
        "    kind: normal     # base.yaml:2\n"
        "    std: 0.01        # base.yaml:2\n"
        "loss:\n"
        "  kind: half_mse     # base.yaml:3\n"
        "  reduction: mean    # default\n"
        "optimizer:\n"
        "  kind: sgd          # base.yaml:4\n"
        "  lr: 0.1\n"
        "  momentum: 0.9      # base.yaml:4\n"
        "  dampening: 0.0     # default\n"
        "  nesterov: false    # default\n"
        "  weight_decay: 0.0  # default\n"
        "  decay: all         # default\n"
        "  schedule:          # default\n"
        "    kind: constant\n"
        "training:\n"
        "  epochs: 3          # override training.epochs=3\n"
        "  batch_size: 32     # default\n"
        "  shuffle: true      # default\n"
        "  drop_last: false   # default\n"
        "logging:             # default\n"
        "  every: 1\n"
        "  tensorboard: true\n"
        "  figures: true\n"
        "  histograms: false\n"
        "  evaluate_train: true\n"
        "  curvature: false\n"
        "expect:\n"
        "  val/loss: <= 0.1   # base.yaml:6\n"
    )


def test_values_of_the_file_have_no_mark(show):
    shown = marks(show("base.yaml")[0])
    assert set(shown.values()) == {"", "default", "default; compiled: a dense model on the cpu"}
    for line in ("kind: linear", "w: [2.0, -3.4]", "std: 0.01", "lr: 0.03", "val/loss: <= 0.1"):
        assert shown[line] == ""


def test_a_base_in_another_directory_is_named_from_here(show, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "exp.yaml").write_text("extends: ../base.yaml\n")
    file = Path("sub", "exp.yaml")
    assert marks(show(file)[0])["lr: 0.03"] == f"{file.parent / '..' / 'base.yaml'}:4"


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("optimizer.lr=1e-2", "lr: 0.01"),
        ("seed=3", "seed: 3"),
        ("dataset.w=[1,2]", "w: [1.0, 2.0]"),
        ("dataset.outliers.3=5", "'3': 5.0"),
        ("description=a # b", "description: a "),
        ("logging.every=7", "every: 7"),
    ],
)
def test_an_override_is_marked_with_the_word_itself(show, word, line):
    lines = show("exp.yaml", word)[0].splitlines()
    assert [text for text in lines if text.lstrip().startswith(line)] == [
        text for text in lines if text.endswith(f"  # override {word}")
    ]
    assert sum(text.endswith(f"  # override {word}") for text in lines) == 1


def test_the_last_of_several_overrides_is_the_one_named(show):
    shown = marks(show("exp.yaml", "seed=1", "seed=2")[0])
    assert shown["seed: 2"] == "override seed=2"


def reloads(text, file, words, tmp_path):
    """Whether what is shown loads to the experiment that it shows."""
    (tmp_path / "again.yaml").write_text(text, encoding="utf-8")
    return load(tmp_path / "again.yaml").experiment == load(file, words).experiment


@pytest.mark.parametrize("file", experiment_files())
def test_what_is_shown_trains_the_same(show, tmp_path, file):
    out, err = show(file)
    assert err == ""
    assert reloads(out, file, [], tmp_path)


SWEEP = "sweep={grid: %s, seeds: [3, 1]}"
GRID = "{optimizer.lr: {log_range: [0.1, 1, 3]}, model.init: {values: [{kind: zeros}]}}"


@pytest.mark.parametrize(
    "words",
    [
        ["description='1e-3'"],
        ["description='two words: # and more'", "name=a.b"],
        ["description=größe 表"],
        ['description="two\\nlines"'],
        ["description=two\nlines"],
        ['description="x\nseed: 5"'],
        ["dataset.b=-0.0", "dataset.w=[1e-300, 1e300]"],
        ["dataset.outliers={0: 1, 12: -5.5}"],
        ["training={batch_size: full, clip_grad_norm: 1, early_stopping: {metric: val/loss}}"],
        ["optimizer={kind: adam, betas: [0.8, 0.9], schedule: {kind: step, every: 3}}"],
        [SWEEP % GRID],
        [SWEEP % f"[{GRID}]"],
        [SWEEP % f"[{GRID}, {{optimizer.lr: {{values: [5]}}}}]"],
        [SWEEP % '{description: {values: ["two\\nlines", "a\\u2028b", "x: y"]}}'],
        ["model={kind: linear, init: {kind: values, values: {w: [[1], [2]], b: [3e-5]}}}"],
    ],
)
def test_what_is_shown_loads_to_the_same_experiment(show, tmp_path, words):
    out, _ = show("base.yaml", "name=a", *words)
    assert reloads(out, tmp_path / "base.yaml", ["name=a", *words], tmp_path)


def test_notes_go_to_standard_error(show, tmp_path):
    out, err = show("exp.yaml", "optimizer.kind=adam", "training.batch_size=5000")
    assert err.splitlines() == [
        "note: optimizer.kind=adam replaces the whole optimizer; its lr, momentum no longer apply",
        "note: batch_size 5,000 is larger than the 1,000 training examples: each epoch is one batch",
    ]
    assert "note" not in out
    (tmp_path / "exp.yaml").write_text("extends: base.yaml\noptimizer: {kind: adam}\n")
    assert show("exp.yaml")[1] == (
        "note: exp.yaml:2: another kind replaces the whole optimizer; its lr, momentum no longer apply\n"
    )


def test_plain_yaml_tools_read_it(show):
    plain = yaml.safe_load(show("exp.yaml")[0])
    assert plain["optimizer"]["lr"] == 0.1
    assert plain["dataset"]["w"] == [2.0, -3.4]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.yaml"], "none.yaml: there is no such file"),
        (["bad.yaml"], "bad.yaml:4:28: optimizer.lr: must be greater than 0, not 0"),
        (["exp.yaml", "optimizer.lr=0"], "override: optimizer.lr: must be greater than 0, not 0"),
        (["exp.yaml", "seed"], "seed: is no override; write KEY=VALUE"),
        (["exp.yaml", "extends=base.yaml"], "extends=base.yaml: extends is said in a file"),
        (["lost.yaml"], "lost.yaml:1:10: extends: none.yaml: there is no such file"),
    ],
)
def test_a_bad_file(show, tmp_path, words, message):
    (tmp_path / "bad.yaml").write_text(BASE.replace("lr: 0.03", "lr: 0"))
    (tmp_path / "lost.yaml").write_text("extends: none.yaml\n")
    out, err = show(*words, code=2)
    assert out == ""
    assert err.startswith(f"error: {message}")


def test_showing_needs_no_torch():
    program = (
        "import sys\nfrom lrcli.cli.app import app\n"
        f"app(['show', {str(EXPERIMENTS[0])!r}], standalone_mode=False)\n"
        "assert not {'torch', 'tensorboard'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
