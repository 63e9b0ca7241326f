"""`lrcli check` as a user runs it."""

import subprocess
import sys
from pathlib import Path

import pytest
from builders import experiments_with_data

EXPERIMENTS = experiments_with_data()
BAD = "dataset: {kind: sine, noize: 1}\nmodel: {kind: mlp}\nloss: {kind: mse}\noptimizer: {kind: sgd}\n"
SWEPT = """
dataset: {kind: xor, num_train: 100}
model: {kind: mlp, hidden: [4, 4]}
loss: {kind: bce}
optimizer: {kind: sgd}
training: {epochs: 3, batch_size: 30}
sweep:
  grid:
    - optimizer.lr: {log_range: [0.001, 1, 25]}
    - {optimizer.lr: {values: [5]}, training.epochs: {values: [1, 2]}}
  seeds: [1, 5, 9]
"""


@pytest.fixture
def check(lrcli_in):
    return lambda *files, code=0: lrcli_in(Path(), "check", *files, code=code)


def test_a_line_for_each_good_file(check):
    done = check(*EXPERIMENTS)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [str(file) for file in EXPERIMENTS]
    linear = next(line for line in lines if "linear_concise" in line)
    assert linear.endswith(
        ": linear data (1,000 examples), linear model (3 parameters), half_mse loss, sgd, 300 steps, "
        "compiled engine"
    )


def test_what_a_sweep_would_train(check, tmp_path):
    file = tmp_path / "swept.yaml"
    file.write_text(SWEPT)
    done = check(file)
    assert done.stdout == (
        f"{file}: xor data (100 examples), mlp model (37 parameters), bce loss, sgd, "
        "compiled engine, 81 members in its sweep\n"  # the steps are not one number
    )
    optimizers = next(file for file in EXPERIMENTS if file.stem == "xor_optimizers")
    assert "bce loss, sgd or rmsprop or adam, 600 steps" in check(optimizers).stdout


def test_every_mistake_of_every_file_and_the_good_ones_too(check, tmp_path):
    (tmp_path / "bad.yaml").write_text(BAD)
    done = check(tmp_path / "bad.yaml", EXPERIMENTS[0], tmp_path / "none.yaml", code=2)
    assert "bad.yaml:1:23: dataset.noize: unknown key; did you mean noise?" in done.stderr
    assert "the key hidden is missing" in done.stderr
    assert "none.yaml: there is no such file" in done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_note_is_no_mistake(check, tmp_path):
    file = tmp_path / "large.yaml"
    file.write_text(SWEPT.replace("batch_size: 30", "batch_size: 500"))
    done = check(file)
    assert "batch_size 500 is larger than the 100 training examples" in done.stderr


def test_checking_needs_no_torch():
    program = (
        "import sys\nfrom lrcli.cli.app import app\n"
        f"app(['check', {str(EXPERIMENTS[0])!r}], standalone_mode=False)\n"
        "assert not {'torch', 'tensorboard'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
