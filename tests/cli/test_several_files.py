"""`lrcli train` on the files of a class, and on what a result says about its file."""

import hashlib
import json
import re

import pytest

from lrcli.storage.run_result import RunResult

GOOD = """\
name: regression
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 100, num_val: 40}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.1}
training: {epochs: 4, batch_size: 10}
logging: {figures: false, tensorboard: false}
"""
HOPEFUL = GOOD + 'expect: {val/loss: "<= 1e-9"}\n'
XOR = """\
dataset: {kind: xor, num_train: 40, num_val: 20}
model: {kind: mlp, hidden: [4]}
loss: {kind: bce}
optimizer: {kind: adam}
training: {epochs: 2}
logging: {figures: false}
"""
LESSON = 'expect: {val/loss: "<= 0.5", "recovery/w[0]": "<= 0.5"}\n'


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {
        "anna": GOOD,
        "ben": GOOD.replace("lr: 0.1", "lr: 1e9"),
        "carl": GOOD.replace("epochs", "epoch"),
        "dora": HOPEFUL,
        "emil": XOR,
        "finn": "- nothing\n",
        "lesson": LESSON,
    }
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(content)
    return tmp_path


def files(*names):
    return [f"{name}.yaml" for name in names]


def rows(out):
    """The table at the end: from file to the words beside it."""
    table = out.rpartition("───\n")[2].partition("\n\n")[0]
    return {words[0]: words[1:] for words in map(str.split, table.splitlines())}


def test_a_class(place, program):
    """All wrong files are named together, the others are trained, and the table tells how."""
    everyone = files("anna", "ben", "carl", "dora", "emil", "finn")
    _, out, err = program("train", *everyone, code=2)
    first = err.partition("epoch 1/")[0]
    assert "carl.yaml:6:12: training.epoch: unknown key; did you mean epochs?" in first
    assert "finn.yaml:1:1: an experiment file is a mapping" in first
    assert rows(out) == {
        "anna.yaml": ["regression", "completed", "improving", rows(out)["anna.yaml"][-1]],
        "ben.yaml": ["regression", "diverged"],
        "carl.yaml": ["wrong"],
        "dora.yaml": [
            "regression",
            "completed",
            "improving",
            *["0", "of", "1", "met"],
            rows(out)["dora.yaml"][-1],
        ],
        "emil.yaml": ["emil", "completed", "stuck", rows(out)["emil.yaml"][-1]],
        "finn.yaml": ["wrong"],
    }
    assert out.endswith("6 files: 2 did well, 2 wrong, 1 failed, 1 short of an expectation\n")
    results = {path: json.loads(path.read_text()) for path in place.glob("runs/*/*/result.json")}
    assert sorted(result["source"]["file"] for result in results.values()) == files(
        "anna", "ben", "dora", "emil"
    )
    value = next(r["metrics"]["val/loss"] for r in results.values() if r["source"]["file"] == "anna.yaml")
    assert rows(out)["anna.yaml"][-1] == f"{value:.4g}"


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["anna", "emil"], 0),
        (["anna", "dora"], 3),
        (["dora", "ben"], 1),
        (["ben", "carl"], 2),
        (["carl", "finn"], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_file(place, program, names, code):
    program("train", *files(*names), code=code)


def test_a_mistake_of_the_command_line_is_said_once_and_trains_nothing(place, program):
    _, out, err = program("train", *files("anna", "dora"), "optimizer.lr=0", code=2)
    assert err.count("optimizer.lr: must be greater than 0") == 1
    assert out == ""
    program("train", *files("anna"), "optimizer.lr", "0.1", code=2)
    assert not (place / "runs").exists()


def test_quiet_names_each_file_that_did_not_do_well(place, program):
    _, out, err = program("train", *files("anna", "ben", "dora", "carl"), "-q", code=2)
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert [re.match(r"error: (\w+)\.yaml", line)[1] for line in lines] == ["carl", "ben", "dora"]
    assert re.fullmatch(r"error: ben\.yaml: diverged at step \d+", lines[1])
    assert re.fullmatch(r"error: dora\.yaml: val/loss is \S+, expected <= 1e-9", lines[2])


def test_json_is_a_line_for_each_file_that_was_trained(place, program):
    _, out, _ = program("train", *files("anna", "carl", "dora"), "--json", "-q", code=2)
    assert [json.loads(line)["source"]["file"] for line in out.splitlines()] == files("anna", "dora")


def test_a_failure_while_training_one_file_leaves_the_others(place, program):
    (place / "gpu.yaml").write_text(XOR + "device: cuda:99\n")
    _, out, err = program("train", "gpu.yaml", "anna.yaml", code=2)
    assert "gpu.yaml: " in err
    assert rows(out)["gpu.yaml"] == ["wrong"]
    assert rows(out)["anna.yaml"][:2] == ["regression", "completed"]


def test_files_that_an_interruption_left_untrained_are_not_called_wrong(place, program, monkeypatch):
    stopped = RunResult(name="anna", status="interrupted", run_dir="", seed=0, epochs=1, steps=3)
    monkeypatch.setattr("lrcli.cli.train.train_and_report", lambda *_, **__: stopped)
    _, out, _ = program("train", *files("carl", "anna", "dora"), code=130)
    assert rows(out) == {"carl.yaml": ["wrong"], "anna.yaml": ["anna", "interrupted"]}


# A lesson -------------------------------------------------------------------------------------------


def test_a_lesson_replaces_the_expectations_of_every_file(place, program):
    _, out, _ = program("train", *files("anna", "dora", "emil"), "--expect", "lesson.yaml", code=3)
    assert [rows(out)[name][3:7] for name in files("anna", "dora", "emil")] == [
        ["2", "of", "2", "met"],
        ["2", "of", "2", "met"],
        ["0", "of", "2", "met"],
    ]
    digest = hashlib.sha256(LESSON.encode()).hexdigest()
    for path in place.glob("runs/*/*/result.json"):
        result = json.loads(path.read_text())
        assert result["source"]["lesson"] == [{"file": "lesson.yaml", "sha256": digest}]
        assert [row["name"] for row in result["expectations"]] == ["val/loss", "recovery/w[0]"]
    emil = json.loads((place / "runs/emil/train-0001/result.json").read_text())
    assert emil["expectations"][1]["value"] is None  # a network has no such error, and so has not met it
    kept = (place / "runs/regression/train-0002/experiment.yaml").read_text()
    assert "<= 1e-9" in kept  # the file's own


def test_a_teachers_own_experiment_is_a_lesson(place, program):
    program("train", "anna.yaml", "--expect", "dora.yaml", "-q", code=3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            'expect: {val/los: "<= 1"}',
            "lesson.yaml:1:10: expect.val/los: is in no result of these files; did you",
        ),
        ('expect: {val/loss: "about 1"}', "lesson.yaml:1:20: expect.val/loss: must be a comparison"),
        ("expect: {}", "lesson.yaml:1:9: expect: "),
        ('expct: {val/loss: "<= 1"}', "expct: unknown key; did you mean expect?"),
        (GOOD, "lesson.yaml: expects nothing; give it an expect block"),
        ("", "lesson.yaml: is empty"),
    ],
)
def test_a_lesson_that_is_wrong(place, program, content, message):
    (place / "lesson.yaml").write_text(content)
    _, out, err = program("train", "anna.yaml", "--expect", "lesson.yaml", code=2)
    assert message in err
    assert out == ""
    assert not (place / "runs").exists()


# Whose run it is ------------------------------------------------------------------------------------


def test_a_result_names_its_file_and_what_it_extends(place, program):
    child = "extends: anna.yaml\noptimizer: {lr: 0.05}\n"
    (place / "solution.yaml").write_text(child)
    _, out, _ = program("train", "./solution.yaml", "training.epochs=2")
    assert out.startswith("regression, from solution.yaml: completed (2 epochs")
    source = json.loads((place / "runs/regression/train-0001/result.json").read_text())["source"]
    assert source == {
        "file": "solution.yaml",
        "sha256": hashlib.sha256(child.encode()).hexdigest(),
        "extends": [{"file": "anna.yaml", "sha256": hashlib.sha256(GOOD.encode()).hexdigest()}],
        "overrides": ["training.epochs=2"],
        "lesson": [],
    }
    _, out, _ = program("train", "solution.yaml", "name=solution")
    assert out.startswith("solution: completed")


def test_a_sweep_and_its_replay_name_their_file(place, program):
    _, out, _ = program("sweep", "anna.yaml", "--lr", "0.1,0.2", "--seeds", "2", "logging.figures=false")
    assert out.startswith("regression, from anna.yaml: completed")
    run = place / "runs/regression/sweep-0001"
    source = json.loads((run / "result.json").read_text())["source"]
    assert (source["file"], source["overrides"]) == ("anna.yaml", ["logging.figures=false"])
    assert source["sha256"] == hashlib.sha256(GOOD.encode()).hexdigest()
    _, out, _ = program("replay", run, "3", "--json")
    source = json.loads(out)["source"]
    assert source["file"].endswith("sweep-0001/experiment.yaml")
    assert source["overrides"] == ["optimizer.lr=0.2", "seed=1"]


def test_a_quiet_sweep_of_which_nothing_is_left_says_so(place, program):
    _, out, err = program("sweep", "anna.yaml", "--lr", "1e9", "--seeds", "2", "-q", code=1)
    assert (out, err) == ("", "error: anna.yaml: all 2 members diverged\n")


def test_a_block_for_sweeps_is_not_lost_without_a_word(place, program):
    (place / "swept.yaml").write_text(GOOD + "sweep: {grid: {optimizer.lr: {values: [1, 2]}}}\n")
    _, _, err = program("train", "swept.yaml")
    assert "note: the sweep block waits for lrcli sweep; train takes the file's own values" in err
    assert "sweep" not in program("train", "anna.yaml")[2]


def test_an_interrupted_run_says_how_it_goes_on():
    from lrcli.reporting.runs.words import headline

    result = RunResult(name="a", status="interrupted", run_dir="", seed=0, epochs=1, steps=3)
    assert "interrupted; lrcli resume goes on with it" in headline(result)
