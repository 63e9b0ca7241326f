"""The report of a run, in words and numbers that agree."""

import json

import pytest

from lrcli.reporting.runs.console import _print_recovery
from lrcli.reporting.streams import console
from lrcli.storage.run_result import RecoveryRow, Reference

SMALL = "dataset: {kind: linear, w: [2], b: 1, num_train: 10, num_val: 5}\nmodel: {kind: linear}\n" + (
    "loss: {kind: mse}\noptimizer: {kind: sgd}\nlogging: {tensorboard: false}\n"
)


def rows(numbers, against):
    named = zip("abc", numbers, strict=True)
    return [RecoveryRow(n, x, 1e-15, 3e-16, against) for n, x in named]


def shown(numbers, against, capsys):
    _print_recovery(console(), rows(numbers, against), Reference(against, ""))
    return [line.split("│") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]


def test_what_least_squares_find_as_zero_is_zero(capsys):
    cells = shown([0.857, -2.87e-16, 1e-9], "least_squares", capsys)
    assert [row[2].strip() for row in cells] == ["0.857", "0", "1e-09"]
    assert {row[3].strip() for row in cells} == {"1e-15"}  # what was learned is told as it is
    assert {row[4].strip() for row in cells} == {"3e-16"}


def test_what_is_true_is_told_as_it_is(capsys):
    cells = shown([0.857, -2.87e-16, 1e-9], "true", capsys)
    assert [row[2].strip() for row in cells] == ["0.857", "-2.87e-16", "1e-09"]


def test_one_of_each(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exp.yaml").write_text(SMALL)
    out = program("train", "exp.yaml", "training.epochs=1")[1]
    assert "exp: completed (1 epoch, 1 step in " in out
    assert (tmp_path / "runs/exp/train-0001/log.txt").read_text().startswith("training 1 epoch, 1 step on ")
    assert (
        "completed (2 epochs, 20 steps in"
        in program("train", "exp.yaml", "training={epochs: 2, batch_size: 1}")[1]
    )
    out = program("sweep", "exp.yaml", "--lr", "0.1", "--seeds", "1", "--dry-run")[1]
    assert "1 member: 1 configuration x 1 seed, ranked by val/loss\n1 population, 10 steps\n" in out
    err = program("sweep", "exp.yaml", "--seeds", "1", "--dry-run")[2]
    assert "; 1 seed\n" in err


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_outcome_of_a_run_is_that_of_its_result_at_any_width(width, program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(width))
    (tmp_path / "exp.yaml").write_text(SMALL.replace("{tensorboard", "{figures: false, tensorboard"))
    for name, lr, status in (("near", 0.1, "completed"), ("far", 1e9, "diverged")):
        words = ("exp.yaml", "--run-dir", name, f"optimizer.lr={lr}", "training.epochs=40")
        out = " ".join(program("train", *words, code=None)[1].split())
        result = json.loads((tmp_path / name / "result.json").read_text())
        assert result["status"] == status
        assert (f"outcome {result['outcome']}" in out) == (status == "completed")  # else the status says it


def test_the_outcome_stands_beside_the_status_of_several_files(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(SMALL.replace("{tensorboard", "{figures: false, tensorboard"))
    for width, all_fit in ((40, False), (80, True), (200, True)):
        monkeypatch.setenv("COLUMNS", str(width))
        table = program("train", "a.yaml", "b.yaml", "training.epochs=3")[1].rpartition("\n file")[2]
        outcome = json.loads((tmp_path / "runs/a/train-0001/result.json").read_text())["outcome"]
        assert f"completed  {outcome}" in table  # the name of a run goes first
        assert ("no room for name" in table) != all_fit
