"""`lrcli resume` of a run: after Ctrl-C, a crash, damage, and for more epochs."""

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from killing import curves, left
from made_results import rewrite

from lrcli.errors import WriteError
from lrcli.running import keeping
from lrcli.running.files import RunFiles
from lrcli.storage.files import write_result
from lrcli.storage.sealed import read_sealed, write_sealed

RUN = """\
name: run
dataset: {kind: xor, num_train: 30, num_val: 20, num_test: 20}
model: {kind: mlp, hidden: [3], input_noise: 0.1}
loss: {kind: bce}
optimizer: {kind: adam, lr: 0.01, amsgrad: true}
training: {epochs: 12, batch_size: 10}
logging: {figures: false, every: 5, histograms: true}
expect: {val/loss: "<= 1e1"}
"""
TO_GO_ON = "note: to go on: lrcli resume cut\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lrcli.training.loop._CHUNK_SECONDS", 1e-9)  # the loop rests after each epoch
    Path("run.yaml").write_text(RUN)
    return tmp_path


@pytest.fixture
def stop(program, monkeypatch):
    """Trains into the directory cut until its second record, then calls what stops it."""

    def stop(how, *words, code=130):
        record, seen = RunFiles.record, []

        def counting(files, records):
            record(files, records)
            seen.append(records)
            if len(seen) == 2:
                how()

        with monkeypatch.context() as context:
            context.setattr(RunFiles, "record", counting)
            return program("train", "run.yaml", *words, "-q", "--run-dir", "cut", code=code)

    return stop


def interrupt():
    signal.raise_signal(signal.SIGINT)


def crash():
    raise WriteError("disk: could not be written: No space left on device")


def result_of(directory):
    return json.loads(Path(directory, "result.json").read_text())


def assert_same(one, other):
    one, other = left(Path(one)), left(Path(other))
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []


@pytest.mark.parametrize("engine", ["auto", "torch"])
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["optimizer={kind: rmsprop, lr: 0.01, centered: true, momentum: 0.5}", "logging.every=1"],
        ["training.early_stopping={metric: val/loss, patience: 2}", "logging.every=2", "optimizer.lr=0.3"],
    ],
    ids=["adam", "rmsprop", "early stopping"],
)
def test_ctrl_c_and_resume(place, program, stop, words, engine):
    words = [*words, f"engine={engine}"]
    program("train", "run.yaml", *words, "-q", "--run-dir", "whole")
    assert stop(interrupt, *words)[2].count(TO_GO_ON) == 1
    assert result_of("cut")["status"] == "interrupted"
    _, _, err = program("resume", "cut")
    assert err.startswith("note: goes on after epoch ")
    assert_same("whole", "cut")


def test_a_crash_and_another(place, program, stop, monkeypatch):
    """From the last state that was written, every so often."""
    program("train", "run.yaml", "-q", "--run-dir", "whole")
    monkeypatch.setattr(keeping, "EVERY_SECONDS", 0.0)
    stop(crash, code=1)
    assert result_of("cut")["status"] == "failed"
    kept = int(read_sealed(Path("cut/checkpoint/state.npz"))["loop/epoch"])
    assert kept < 5
    with monkeypatch.context() as context:  # at the end, when nothing is to be trained any more
        context.setattr(RunFiles, "finish", lambda *_: crash())
        program("resume", "cut", "-q", code=1)
    assert "note: goes on after epoch 11\n" in program("resume", "cut")[2]
    assert_same("whole", "cut")


def test_killed_when_all_was_written(place, program):
    """What the process has left is removed."""
    program("train", "run.yaml", "-q", "--run-dir", "run")
    before = sorted(path.name for path in Path("run").rglob("*"))
    for name in (".lock", ".result.json.1.tmp", "checkpoint/.last.npz.77.tmp"):
        Path("run", name).write_bytes(b"")
    assert "nothing was trained" in program("resume", "run")[2]
    assert sorted(path.name for path in Path("run").rglob("*")) == before


def test_for_more_epochs(place, program):
    program("train", "run.yaml", "-q", "--run-dir", "short")
    program("train", "run.yaml", "-q", "--run-dir", "long", "training.epochs=27")
    told = program("resume", "short")
    assert told == (
        0,
        "",
        "note: short: has completed its epochs (training.epochs=N trains for more); nothing was trained\n",
    )
    written = result_of("short")
    del written["sha256"]  # of the file alone
    assert json.loads(program("resume", "short", "--json", "-q")[1]) == written
    program("resume", "short", "training.epochs=19", "-q")
    program("resume", "short", "training.epochs=23", "training.epochs=27", "-q")
    assert result_of("short")["epochs"] == 27
    assert result_of("short")["source"]["overrides"] == ["training.epochs=27"]
    assert_same("long", "short")
    assert Path("long/experiment.yaml").read_bytes() == Path("short/experiment.yaml").read_bytes()


@pytest.mark.parametrize("written", ["experiment.yaml", "result.json"])
def test_a_crash_before_the_first_of_more_epochs(place, program, monkeypatch, written):
    """experiment.yaml and what the result says of it cannot be changed in one step."""
    program("train", "run.yaml", "-q", "--run-dir", "cut")
    program("train", "run.yaml", "-q", "--run-dir", "long", "training.epochs=27")
    replace, puts = Path.replace, []

    def dying(path, target):
        replace(path, target)
        puts.append(target.name)
        if target.name == written:
            crash()

    with monkeypatch.context() as context:
        context.setattr(Path, "replace", dying)
        context.setattr(RunFiles, "fail", lambda *_: None)
        program("resume", "cut", "training.epochs=27", "-q", code=1)
    assert puts[-1] == written
    program("resume", "cut", "training.epochs=27", "-q")
    assert_same("long", "cut")


def test_a_second_at_the_same_time(place, program, monkeypatch):
    """It is told who is there, also while the first has changed experiment.yaml and not yet the result."""
    program("train", "run.yaml", "-q", "--run-dir", "cut")
    told = []

    def asking(path, value):
        told.append(program("resume", "cut", code=2)[2])
        write_result(path, value)

    with monkeypatch.context() as context:
        context.setattr("lrcli.running.files.write_result", asking)
        program("resume", "cut", "training.epochs=14", "-q")
    assert len(told) == 3
    assert all("is at work here" in err for err in told)


@pytest.mark.parametrize(
    ("words", "override", "message"),
    [
        ([], "training.epochs=11", "training.epochs=11: the run trains for 12 already, and none are taken"),
        ([], "optimizer.lr=3", "optimizer.lr: a run goes on with what it was begun with; only training.epo"),
        ([], "training.epochs=many", "training.epochs: must be a whole number"),
        ([], "training.epochs", "training.epochs"),
        (
            ["optimizer.schedule={kind: cosine}"],
            "training.epochs=20",
            "training.epochs=20: the learning rate of its schedule depends on the number of all epochs",
        ),
    ],
)
def test_what_cannot_go_on(place, program, words, override, message):
    program("train", "run.yaml", *words, "-q", "--run-dir", "run")
    before = left(Path("run"))
    _, _, err = program("resume", "run", override, code=2)
    assert message in err
    assert left(Path("run")) == before


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["optimizer={kind: sgd, lr: 1e12}", "loss.kind=mse"], 1, "has diverged; nothing was trained"),
        (
            ["training.early_stopping={metric: val/loss, patience: 1, min_delta: 9}", "logging.every=1"],
            0,
            "has stopped early, where it no longer improved; nothing was trained",
        ),
    ],
)
def test_what_has_ended_says_so(place, program, words, code, told):
    text = RUN.replace("bce", "mse").replace("kind: xor", "kind: sine").replace("expect", "#")
    Path("run.yaml").write_text(text if code else RUN)
    program("train", "run.yaml", *words, "-q", "--run-dir", "run", code=code)
    for more in ([], ["training.epochs=99"]):
        assert told in program("resume", "run", *more, code=code)[2]
    assert program("resume", "run", "-q", code=code)[2] == (
        "error: run: diverged at step 2\n" if code else ""
    )


def test_without_its_experiment(place, program):
    program("train", "run.yaml", "-q", "--run-dir", "run")
    Path("run/experiment.yaml").unlink()
    message = "error: run: its experiment.yaml is gone, without which it cannot go on\n"
    assert program("resume", "run", code=2)[2] == message
    Path("runs/run/train-0001").mkdir(parents=True)
    told = "was stopped before it had an experiment; lrcli delete runs/run/train-0001 removes it"
    assert told in program("resume", "last", code=2)[2].replace("\\", "/")


def test_a_result_that_cannot_be_read(place, program, monkeypatch):
    """It is there, so that nothing is begun anew."""
    program("train", "run.yaml", "-q", "--run-dir", "run")
    before, read = left(Path("run")), Path.read_bytes

    def locked(path):
        if path.name == "result.json":
            raise PermissionError(13, "Permission denied")
        return read(path)

    with monkeypatch.context() as context:
        context.setattr(Path, "read_bytes", locked)
        told = program("resume", "run", code=2)[2].replace("\\", "/")
    assert told == "error: run/result.json: cannot be read: Permission denied\n"
    assert left(Path("run")) == before


# What was begun, and what is there of it.


def test_what_it_was_begun_with_is_kept(place, program, stop):
    """The file, its overrides and the lesson."""
    Path("lesson.yaml").write_text(RUN.replace('"<= 1e1"', '"<= 0.1234567890123"'))
    words = ["seed=3", "--expect", "lesson.yaml"]
    program("train", "run.yaml", *words, "-q", "--run-dir", "whole", code=3)
    stop(interrupt, *words)
    program("resume", "cut", "-q", code=3)
    assert_same("whole", "cut")
    assert result_of("cut")["source"]["overrides"] == ["seed=3"]
    assert result_of("cut")["expectations"][0]["expected"] == "<= 0.1234567890123"


def test_a_result_that_says_nothing(place, program, stop):
    """It is told; the state is as good as it was."""
    stop(interrupt)
    Path("cut/result.json").write_text("{")
    _, _, err = program("resume", "cut")
    assert "note: cut/result.json: has been damaged; written anew\n".replace("/", os.sep) in err
    assert "goes on after epoch" in err


@pytest.mark.parametrize("status", ["running", "no result"])
def test_killed_before_its_first_state(place, program, stop, status):
    program("train", "run.yaml", "-q", "--run-dir", "whole")
    stop(crash, code=1)
    shutil.rmtree("cut/checkpoint")
    if status == "no result":
        Path("cut/result.json").unlink()
    _, _, err = program("resume", "cut")
    assert err.startswith("note: cut: has no state to go on from; trained from its beginning\n")
    expected, found = left(Path("whole")), left(Path("cut"))
    for each in (expected, found):
        each["result.json"].pop("source")  # without a result nobody knows what the experiment was read from
    assert found == expected


def test_other_versions_than_it_was_begun_with(place, program, stop):
    stop(interrupt)
    result = result_of("cut")
    rewrite(Path("cut/result.json"), environment=result["environment"] | {"numpy": "1.0"})
    _, _, err = program("resume", "cut")
    assert f"note: goes on otherwise than it was begun: numpy 1.0 there, {np.__version__} here\n" in err


def test_another_experiment_than_was_begun(place, program, stop):
    stop(interrupt)
    file = Path("cut/experiment.yaml")
    file.write_text(file.read_text().replace("lr: 0.01", "lr: 0.02"))
    before = left(Path("cut"))
    assert "its experiment.yaml was changed after the run had begun" in program("resume", "cut", code=2)[2]
    assert left(Path("cut")) == before


def test_other_data_than_it_was_begun_with(place, program, stop):
    table = "x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(40))
    Path("data.csv").write_text(table)
    words = ["dataset={kind: csv, path: data.csv, target: y}", "model={kind: linear}", "loss.kind=mse"]
    Path("run.yaml").write_text(RUN.replace("expect", "#"))
    stop(interrupt, *words)
    Path("data.csv").write_text(table.replace("3,6", "3,7"))
    assert "data.csv has changed" in program("resume", "cut", code=2)[2]
    Path("data.csv").write_text(table)
    program("resume", "cut", "-q")


def test_other_code_than_it_was_begun_with(place, program, stop):
    code = "def make(rng, count):\n    x = rng.normal(size=(count, 1))\n    return x, 2 * x\n"
    Path("mine.py").write_text(code)
    dataset = "dataset: {kind: python, path: mine.py, name: make, num_train: 30, num_val: 10}"
    others = [line for line in RUN.splitlines() if line.split(":")[0] not in ("dataset", "model", "loss")]
    Path("run.yaml").write_text("\n".join([*others, dataset, "model: {kind: linear}", "loss: {kind: mse}"]))
    stop(interrupt)
    Path("mine.py").write_text(code.replace("2 *", "3 *"))
    assert "mine.py was changed after the run had begun" in program("resume", "cut", code=2)[2]
    Path("mine.py").write_text(code)
    program("resume", "cut", "-q")


# Damage.


@pytest.mark.parametrize("name", ["metrics.csv", "checkpoint/last.npz", "checkpoint/best.npz"])
def test_a_file_of_a_run_that_had_ended(place, program, name):
    """It is written anew, from the state."""
    program("train", "run.yaml", "-q", "--run-dir", "whole")
    shutil.copytree("whole", "cut")
    flip(Path("cut", name), 40)
    assert (
        f"note: cut: {name}: gone, damaged or changed since the run ended; written anew\n"
        in program("resume", "cut")[2]
    )
    assert_same("whole", "cut")
    Path("cut/experiment.yaml").unlink()
    assert "its experiment.yaml is gone" in program("resume", "cut", code=2)[2]


def flip(path, at=700):
    data = bytearray(path.read_bytes())
    data[at] ^= 16
    path.write_bytes(data)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-10])


@pytest.mark.parametrize("damage", [flip, cut_short, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("both", [False, True])
def test_a_damaged_state(place, program, stop, monkeypatch, damage, both):
    """The one before it is taken; where that is damaged, too, training begins anew. Either is told."""
    program("train", "run.yaml", "-q", "--run-dir", "whole")
    monkeypatch.setattr(keeping, "EVERY_SECONDS", 0.0)
    stop(interrupt)
    last, before = Path("cut/checkpoint/state.npz"), Path("cut/checkpoint/state-before.npz")
    damage(last)
    if both:
        damage(before)
    _, _, err = program("resume", "cut")
    if both:
        assert f"note: {before}: has been damaged\n" in err
        assert "cut: has no state to go on from; trained from its beginning" in err
    else:
        assert f"note: {last}: has been damaged; the state before it is taken\n" in err
    assert_same("whole", "cut")


def test_a_state_of_a_newer_version(place, program, stop, monkeypatch):
    stop(interrupt)
    path = Path("cut/checkpoint/state.npz")
    monkeypatch.setattr("lrcli.storage.sealed._VERSION", 2)
    write_sealed(path, read_sealed(path))
    monkeypatch.undo()
    monkeypatch.chdir(place)
    assert (
        "is of format 2, from a newer lrcli; this one knows 1: update lrcli"
        in program("resume", "cut", code=2)[2]
    )


@pytest.mark.parametrize("change", ["missing", "no epoch", "shape", "kind"])
def test_a_state_that_somebody_has_made(place, program, stop, change):
    """Sealed, but not of this experiment."""
    stop(interrupt)
    path = Path("cut/checkpoint/state.npz")
    state = read_sealed(path)
    if change == "missing":
        del state["loop/engine/parameters"]
    elif change == "no epoch":
        del state["loop/epoch"]
    else:
        wrong = np.zeros((3, 3)) if change == "shape" else np.array(["a"])
        state["loop/engine/parameters"] = wrong
    write_sealed(path, state)
    assert (
        "state.npz: is not a state of this experiment in this version"
        in program("resume", "cut", "-q", code=2)[2]
    )
    path.unlink()
    Path("cut/checkpoint/state-before.npz").unlink(missing_ok=True)
    program("resume", "cut", "-q")


@pytest.mark.parametrize("damage", [Path.unlink, flip, cut_short])
def test_a_damaged_event_file(place, program, stop, damage):
    """Its curves are written anew; what else was in it, such as histograms, is gone."""
    program("train", "run.yaml", "-q", "--run-dir", "whole", "logging.histograms=false")
    stop(interrupt, "logging.histograms=false")
    state = read_sealed(Path("cut/checkpoint/state.npz"))
    (file,) = json.loads(str(state["added/tensorboard/files"]))
    if damage is cut_short:
        (path,) = Path("cut").glob("events.out.*")
        path.write_bytes(path.read_bytes()[: file["size"] - 10])
    else:
        damage(next(Path("cut").glob("events.out.*")))
    program("resume", "cut", "-q")
    assert curves(Path("cut")) == curves(Path("whole"))


def test_event_files_that_cannot_be_deleted(place, program, stop, monkeypatch):
    """As on Windows while TensorBoard reads them: they are made empty."""
    program("train", "run.yaml", "-q", "--run-dir", "whole", "logging.histograms=false")
    stop(interrupt, "logging.histograms=false")
    (path,) = Path("cut").glob("events.out.*")
    flip(path)
    unlink = Path.unlink

    def refuse(file, **options):
        if file.name == path.name:
            raise PermissionError(13, "The process cannot access the file")
        unlink(file, **options)

    monkeypatch.setattr(Path, "unlink", refuse)
    program("resume", "cut", "-q")
    assert path.read_bytes() == b""
    assert curves(Path("cut")) == curves(Path("whole"))


def test_a_table_and_a_log_that_are_gone(place, program, stop):
    program("train", "run.yaml", "-q", "--run-dir", "whole")
    stop(interrupt)
    for name in ("metrics.csv", "log.txt"):
        Path("cut", name).unlink()
    program("resume", "cut", "-q")
    assert_same("whole", "cut")


def test_an_error_while_a_state_is_written(tmp_path, monkeypatch):
    """That of a thread is raised where training goes on."""

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(keeping, "write_state", fail)
    monkeypatch.setattr(keeping, "EVERY_SECONDS", 0.0)
    with keeping.Keeper(tmp_path / "state.npz") as keeper:
        keeper.take({})
        with pytest.raises(MemoryError):
            keeper.write_last()


def test_a_state_that_cannot_be_written(place, program, stop, monkeypatch):
    """The run fails with a message, and what was kept is kept."""
    monkeypatch.setattr(keeping, "EVERY_SECONDS", 0.0)
    write, written = keeping.write_state, []

    def fills_up(path, arrays):
        if written:
            raise WriteError(f"{path}: could not be written: No space left on device")
        write(path, arrays)
        written.append(arrays)

    monkeypatch.setattr(keeping, "write_state", fills_up)
    assert "No space left on device" in program("train", "run.yaml", "-q", "--run-dir", "cut", code=1)[2]
    assert result_of("cut")["status"] == "failed"
    monkeypatch.undo()
    monkeypatch.chdir(place)
    program("train", "run.yaml", "-q", "--run-dir", "whole")
    program("resume", "cut", "-q")
    assert_same("whole", "cut")


def test_the_last_figures_of_a_run_that_went_on(place, program, stop, empty_figures):
    """Also those drawn while training: none twice."""
    words = ["logging.figures=true", "logging.figures_every=4", "logging.every=1", "training.epochs=9"]
    program("train", "run.yaml", *words, "-q", "--run-dir", "whole")
    stop(interrupt, *words)
    program("resume", "cut", "-q")
    assert_same("whole", "cut")
    steps = [step for tag, step, _ in curves(Path("cut")) if tag.startswith("figures/loss")]
    assert steps == sorted(set(steps))
    assert np.all(np.diff(steps) > 0)
