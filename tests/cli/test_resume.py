"""`lrcli resume` and `lrcli replay`: after a crash, after Ctrl-C, and one member again."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from made_results import rewrite

from lrcli.errors import WriteError
from lrcli.sweeps import resuming
from lrcli.sweeps.part import PartRecorder
from lrcli.wording import typed

SMALL = """\
name: small
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 40, num_val: 20, num_test: 30}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.03}
training: {epochs: 4, batch_size: 10}
logging: {figures: false, tensorboard: false}
sweep: {grid: {optimizer.lr: {values: [0.01, 0.1, 1e9]}, optimizer.momentum: {values: [0, 0.5]}}, seeds: 4}
"""
MLP = """\
name: mlp
dtype: float64
dataset: {kind: xor, num_train: 30, num_val: 20}
model: {kind: mlp, hidden: [4]}
loss: {kind: bce}
optimizer: {kind: adam, lr: 0.01}
training: {epochs: 5, batch_size: 10}
logging: {figures: false, tensorboard: false}
sweep:
  grid:
    - {optimizer.lr: {values: [0.01, 0.1]}, model.hidden: {values: [[4], [3, 2]]}}
    - {optimizer.kind: {values: [rmsprop]}, model.init.kind: {values: [xavier_normal]}}
  seeds: [5, 2]
"""
PARTS = 12  # of the small sweep when they have two members each
CUT = ["--memory", "1KB"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "mlp.yaml").write_text(MLP)
    return tmp_path


@pytest.fixture
def lrcli(place, program):
    """Runs the program where the files are: exit code, standard output and error."""
    return program


@pytest.fixture
def stop(lrcli, monkeypatch):
    """Sweeps until some parts have been saved and the next has its first record, then calls what stops it."""

    def stop(parts, how, *words, code=130, report=False):
        record, begun = PartRecorder.record, []

        def counting(recorder, *arguments):
            if recorder not in begun:
                begun.append(recorder)
                if len(begun) == parts + 1:
                    how()
            record(recorder, *arguments)

        with monkeypatch.context() as context:
            context.setattr(PartRecorder, "record", counting)
            return lrcli("sweep", *words, *([] if report else ["-q"]), code=code)

    return stop


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def once(place, kept):
    """Has a directory made for the first test that asks for it, and gives the others a copy."""

    def once(name, make, *arguments, **options):
        if (kept / name).exists():
            shutil.copytree(kept / name, place / name)
        else:
            make(*arguments, "--run-dir", name, **options)
            shutil.copytree(place / name, kept / name)

    return once


@pytest.fixture
def whole(once, lrcli):
    """The small sweep, never stopped."""
    once("whole", lrcli, "sweep", "small.yaml", "-q")


@pytest.fixture
def crashed(once, stop):
    """The same, whose disk was full after three parts."""
    once("cut", stop, 3, crash, "small.yaml", *CUT, code=1)


def interrupt():
    signal.raise_signal(signal.SIGINT)


def interrupt_twice():
    interrupt()
    interrupt()


def crash():
    raise WriteError("disk: could not be written: No space left on device")


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def result_of(directory):
    return json.loads((directory / "result.json").read_text(), parse_constant=pytest.fail)


def results(directory):
    return (directory / "results.csv").read_bytes()


def parts(directory):
    return sorted(path.name for path in directory.glob("checkpoint/part-*.npz"))


def check_tables(directory, members=24):
    """Every file is there and whole, whatever the members have come to."""
    table = rows(directory / "results.csv")
    assert [row["member"] for row in table] == [str(number) for number in range(members)]
    assert {row["status"] for row in table} <= {"completed", "diverged", "interrupted"}
    assert len(rows(directory / "summary.csv")) == 6
    with np.load(directory / "curves.npz", allow_pickle=False) as curves:
        assert len(curves["val/loss"]) == members
    assert not [path for path in directory.rglob("*") if path.name.endswith(".tmp")]
    return [row["status"] for row in table]


# Killed.


def wait_for(condition, process, seconds=60):
    """Until the condition holds or the process has ended."""
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks")
@pytest.mark.usefixtures("machine_code")
def test_killed_at_any_moment():
    """Some trials of the script, which is to be called with 200 where anything of resuming is changed."""
    script = Path(__file__).parents[1] / "killing.py"
    words = [sys.executable, script, "--trials", "2", "--seed", "224"]  # of both commands and engines
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.usefixtures("whole")
def test_killed_before_training(place, lrcli, monkeypatch):
    """The directory and experiment.yaml are there, result.json is not yet."""
    lrcli("sweep", "small.yaml", "-q", "--run-dir", "cut")
    for path in list((place / "cut").iterdir()):
        if path.name != "experiment.yaml":
            path.unlink()
    lrcli("resume", "cut", "-q")
    assert results(place / "cut") == results(place / "whole")


@pytest.mark.filterwarnings("default:goes on otherwise")
def test_other_versions_than_it_was_begun_with(place, lrcli, stop):
    stop(2, interrupt, "small.yaml", *CUT, "--run-dir", "cut")
    environment = result_of(place / "cut")["environment"]
    rewrite(place / "cut" / "result.json", environment=environment | {"numpy": "1.0"})
    _, _, err = lrcli("resume", "cut", "-q")
    assert err.startswith("warning: goes on otherwise than it was begun: numpy 1.0 there, ")


@pytest.mark.usefixtures("whole")
def test_only_what_is_missing_is_trained(place, lrcli, stop):
    stop(4, crash, "small.yaml", *CUT, "--run-dir", "cut", code=1)
    assert result_of(place / "cut")["status"] == "failed"
    assert len(parts(place / "cut")) == 4
    _, _, err = lrcli("resume", "cut")
    assert f"/{16 * (PARTS - 4)} " in err
    assert results(place / "cut") == results(place / "whole")


# Ctrl-C.


def test_ctrl_c_and_resume(place, lrcli, stop):
    lrcli("sweep", "small.yaml", *CUT, "-q", "--run-dir", "whole")
    _, _, err = stop(3, interrupt, "small.yaml", *CUT, "--run-dir", "cut", report=True)
    assert err.count("stopping; Ctrl-C again") == 1
    cut = place / "cut"
    assert result_of(cut)["status"] == "interrupted"
    assert parts(cut) == [*(f"part-000{number}.npz" for number in range(3)), "part-0003-state.npz"]
    status = check_tables(cut)
    assert status.count("interrupted") >= 24 - 8
    lrcli("resume", "cut", "-q")
    assert results(cut) == results(place / "whole")
    assert (cut / "summary.csv").read_bytes() == (place / "whole" / "summary.csv").read_bytes()
    mine, others = result_of(cut), result_of(place / "whole")
    for name in ("status", "configurations", "best", "diverged", "members"):
        assert mine[name] == others[name]
    with np.load(cut / "curves.npz") as one, np.load(place / "whole" / "curves.npz") as other:
        assert one.files == other.files
        assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in one.files)


@pytest.mark.usefixtures("whole")
def test_ctrl_c_twice(place, lrcli, stop):
    stop(3, interrupt_twice, "small.yaml", *CUT, "--run-dir", "cut")
    assert result_of(place / "cut")["status"] == "interrupted"
    assert len(parts(place / "cut")) == 3
    lrcli("resume", "cut", "-q")
    assert results(place / "cut") == results(place / "whole")


@pytest.mark.usefixtures("whole")
def test_ctrl_c_again_and_again(place, lrcli, stop):
    """Also where all is one part, which goes on from its state."""
    stop(0, interrupt, "small.yaml", "--run-dir", "cut")
    for _ in range(2):
        stop(0, interrupt, "small.yaml", "--run-dir", "cut")
        assert "interrupted" in check_tables(place / "cut")
    lrcli("resume", "cut", "-q")
    assert results(place / "cut") == results(place / "whole")


def test_the_report_of_an_interrupted_sweep(stop):
    """A member that was not trained has not diverged."""
    _, out, _ = stop(3, interrupt, "small.yaml", *CUT, "--run-dir", "cut", report=True)
    assert out.startswith("small: interrupted; lrcli resume")
    assert "run: cut" in out
    assert "every configuration diverged" not in out
    assert "most members diverged" not in out
    assert "try smaller learning rates" not in out
    assert "warning: the best learning rate" not in out


def test_members_keep_event_files_of_their_own(place, lrcli):
    """Also where nobody says so again."""
    lrcli("sweep", "small.yaml", "logging.tensorboard=true", "--tb-members", "2", "-q", "--run-dir", "cut")
    (place / "cut" / "curves.npz").unlink()
    lrcli("resume", "cut", "-q")
    assert len(list((place / "cut").glob("member=*/events.out.*"))) == 2


def test_event_files_of_an_interrupted_sweep_do_not_stay(place, lrcli, stop):
    """TensorBoard shows everything in a directory: curves twice, and hyperparameters that are not true."""
    words = ["small.yaml", "logging.tensorboard=true", "--tb-members", "2", *CUT, "--run-dir", "cut"]
    stop(3, interrupt, *words)
    lrcli("resume", "cut", "-q", "--tb-members", "2")
    directories = [path.parent for path in (place / "cut").rglob("events.out.*")]
    assert len(set(directories)) == 6 + 4 + 2 + 1  # configurations, the best, members, summary
    assert len(directories) == len(set(directories))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.usefixtures("machine_code")
def test_ctrl_c_from_the_keyboard(place, times):
    words = ["small.yaml", "training.epochs=10000000", "logging.every=2000", "--run-dir", "cut"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lrcli", "sweep", *words], cwd=place, stderr=subprocess.PIPE, text=True
    )
    with process:
        wait_for(lambda: (place / "cut" / "result.json").exists(), process)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        if times == 2:
            assert "stopping" in process.stderr.readline() + process.stderr.readline()
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert "Traceback" not in process.stderr.read()
    assert result_of(place / "cut")["status"] == "interrupted"
    if times == 1:
        assert set(check_tables(place / "cut")) <= {"interrupted", "diverged"}


@pytest.mark.usefixtures("empty_figures")
def test_stopped_while_drawing(place, lrcli, monkeypatch):
    """All members are trained, the figures are not: resume draws them."""
    import lrcli.reporting.figure_files as figures

    def stopped(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(figures, "save_figures", stopped)
        lrcli("sweep", "small.yaml", "logging.figures=true", "-q", "--run-dir", "cut", code=130)
    lrcli("resume", "cut", "-q")
    assert list((place / "cut" / "figures").glob("*.png"))


def test_ctrl_c_while_drawing(place, lrcli, monkeypatch):
    """Training has ended, so the first one stops at once."""
    import lrcli.reporting.figure_files as figures

    with monkeypatch.context() as context:
        context.setattr(figures, "save_figures", lambda *_: interrupt())
        _, out, err = lrcli("sweep", "small.yaml", "logging.figures=true", "--run-dir", "cut", code=130)
    assert out.rstrip().endswith("run: cut")  # what it has come to was printed before
    assert "stopping" not in err
    assert result_of(place / "cut")["status"] == "interrupted"
    assert len(parts(place / "cut")) == 1


# What lies beside the files of a sweep.


@pytest.fixture
def stopped_while_drawing(lrcli, monkeypatch):
    """A sweep whose event files are begun, but for the last ones."""
    import lrcli.reporting.sweeps.tensorboard as sweep_tensorboard

    opened, count = sweep_tensorboard.EventFile, []

    def stop_at_fourth(*arguments):
        if len(count) == 3:
            raise KeyboardInterrupt
        count.append(opened(*arguments))
        return count[-1]

    with monkeypatch.context() as context:
        context.setattr(sweep_tensorboard, "EventFile", stop_at_fourth)
        lrcli("sweep", "small.yaml", "logging.tensorboard=true", "-q", "--run-dir", "cut", code=130)
    return [file._path for file in count]


def test_event_files_of_other_runs_stay(place, lrcli, stopped_while_drawing):
    """To compare, a user may copy a run into the directory of a sweep, or put a link to it there."""
    name = "events.out.tfevents.0000000001.host.1.0"
    others = [place / "elsewhere", place / "cut" / "copy", stopped_while_drawing[1].parent]
    for directory in others:
        directory.mkdir(exist_ok=True)
        (directory / name).write_text("of another run")
    if os.name != "nt":
        (place / "cut" / "link").symlink_to(place / "elsewhere")
    assert all(path.exists() for path in stopped_while_drawing)
    lrcli("resume", "cut", "-q")
    assert not [path for path in stopped_while_drawing if path.exists()]
    for directory in others:
        assert (directory / name).read_text() == "of another run"
    written = [path for path in (place / "cut").rglob("events.out.*") if path.name != name]
    assert len(written) == len({path.parent for path in written}) == 6 + 4 + 1


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_list_of_event_files_names_no_others(place, lrcli, stopped_while_drawing):
    """It came with the directory, from wherever that came."""
    name = stopped_while_drawing[0].name
    (place / "elsewhere").mkdir()
    (place / "elsewhere" / name).touch()
    (place / name).touch()
    (place / "cut" / "notes").mkdir()
    (place / "cut" / "notes" / "text").touch()
    (place / "cut" / "link").symlink_to(place / "elsewhere")
    lines = [f"../elsewhere/{name}", f"../{name}", f"{place}/elsewhere/{name}", "notes/text", "notes", ""]
    lines += [f"link/{name}", f"./../{name}", f"notes/../../elsewhere/{name}", "\0/\0", "result.json"]
    with (place / "cut" / ".events.txt").open("a") as file:
        file.write("\n".join(lines))
    lrcli("resume", "cut", "-q")
    for path in (place / "elsewhere" / name, place / name, place / "cut" / "notes" / "text"):
        assert path.exists()
    assert result_of(place / "cut")["status"] == "completed"


@pytest.mark.filterwarnings("default:.*has been damaged")
@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.usefixtures("empty_figures")
@pytest.mark.parametrize(
    ("name", "written"),
    [("checkpoint", {}), ("figures", {"figures": True}), ("summary", {"tensorboard": True})],
)
def test_nothing_is_written_or_deleted_through_a_link(place, lrcli, stop, name, written):
    logging = json.dumps({"figures": False, "tensorboard": False} | written)
    stop(3, interrupt, "small.yaml", f"logging={logging}", *CUT, "--run-dir", "cut")
    elsewhere = place / "elsewhere"
    shutil.copytree(place / "cut" / "checkpoint", elsewhere)
    for old in ("loss_over_rate.png", "part-0000.npz"):
        (elsewhere / old).write_text("of another")
    shutil.rmtree(place / "cut" / name, ignore_errors=True)
    (place / "cut" / name).symlink_to(elsewhere)
    before = contents(elsewhere)
    _, _, err = lrcli("resume", "cut", "-q", code=1)
    assert f"error: cut/{name}: is a link" in err
    assert contents(elsewhere) == before
    (place / "cut" / name).unlink()
    lrcli("resume", "cut", "-q")
    assert contents(elsewhere) == before


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_list_of_event_files_that_is_a_link(place, lrcli, stopped_while_drawing):
    (place / "notes").write_text("mine\n")
    (place / "cut" / ".events.txt").unlink()
    (place / "cut" / ".events.txt").symlink_to(place / "notes")
    lrcli("resume", "cut", "-q")
    assert (place / "notes").read_text() == "mine\n"


# What cannot be resumed.


def contents(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_complete_sweep_is_left_alone(place, lrcli):
    _, out, _ = lrcli("sweep", "small.yaml", "--json", "-q", "--run-dir", "done")
    before = contents(place / "done")
    assert lrcli("resume", "done", "--json", "-q") == (0, out, "")
    assert lrcli("resume", "done", "-q") == (0, "", "")
    assert "complete; nothing was trained" in lrcli("resume", "done")[2]
    assert contents(place / "done") == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run", "run: holds a run of lrcli train, not a sweep"),
        (
            "nothing",
            "nothing: there are no runs in runs yet; train one with lrcli train, or name the directory of "
            "all runs with --runs-dir",
        ),
        (
            "runs/nothing/sweep-0001",
            "runs/nothing/sweep-0001: holds no result of a run or a sweep; name its directory or its "
            "result.json",
        ),
        ("empty", "empty: holds no sweep"),
        ("small.yaml", "small.yaml: holds no sweep"),
        ("odd", "odd: holds no sweep"),
    ],
)
def test_what_is_no_sweep(place, lrcli, name, message):
    """Of it no member is trained again; and of what is no run either none goes on."""
    lrcli("train", "small.yaml", "-q", "--run-dir", "run")
    (place / "empty").mkdir()
    (place / "odd").mkdir()
    (place / "odd" / "result.json").write_text("[]")
    before = contents(place)
    assert lrcli("replay", name, "0", code=2) == (2, "", f"error: {message}\n")
    if name != "run":
        own = message.replace("holds no sweep", "holds no run that could go on")
        assert lrcli("resume", name, code=2) == (2, "", f"error: {own}\n")
    assert contents(place) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("resume", "run", "--cluster", "local"),
            "--cluster: a run is trained by one process; only a sweep ...",
        ),
        (
            ("resume", "run", "--cluster", "here"),
            "--cluster here: is no cluster; say tcp://HOST:8786, local, ...",
        ),
        (
            ("sweep", "small.yaml", "--cluster", "local:0"),
            "--cluster local:0: 0 is no number of workers; ...",
        ),
        (
            ("sweep", "small.yaml", "--cluster", "tcp://lab"),
            "--cluster tcp://lab: has no port; Dask's own ...",
        ),
    ],
)
def test_words_of_no_cluster(place, lrcli, words, message):
    lrcli("train", "small.yaml", "-q", "--run-dir", "run")
    before = contents(place)
    code, out, err = lrcli(*words, code=2)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message.removesuffix('...')}")
    assert contents(place) == before


def test_a_sweep_by_its_name(place, lrcli, stop):
    """The newest sweep, whatever was trained since; resumed, and a member of it replayed."""
    lrcli("sweep", "mlp.yaml", "-q")
    stop(3, interrupt, "small.yaml", *CUT)
    lrcli("train", "small.yaml", "sweep=null", "-q")
    assert "is no run; did you mean small?" in lrcli("resume", "smal", code=2)[2]
    lrcli("resume", "small/sweep-0001", "-q")
    assert result_of(place / "runs/small/sweep-0001")["status"] == "completed"
    for word in ("small/sweep-0001", "runs/small/sweep-0001/", "runs/small/sweep-0001/result.json"):
        assert lrcli("resume", word)[2] == "note: runs/small/sweep-0001: is complete; nothing was trained\n"
    (place / "runs").rename(place / "others")
    assert "note: others/mlp/sweep-0001: is" in lrcli("resume", "mlp", "--runs-dir", "others")[2]
    lrcli("replay", "small", "best", "-q", "--runs-dir", "others")
    assert result_of(place / "others/small/train-0002")["status"] == "completed"


DAMAGES = {
    "truncated": lambda data, other: data[: len(data) // 2],
    "beginning lost": lambda data, other: data[100:],
    "empty": lambda data, other: b"",
    "text": lambda data, other: b"hello",
    "zeros": lambda data, other: bytes(len(data)),
    "a bit": lambda data, other: data[:700] + bytes([data[700] ^ 16]) + data[701:],
    "another part": lambda data, other: other,
}


@pytest.mark.filterwarnings("default:.*has been damaged")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.usefixtures("whole", "crashed")
def test_a_damaged_part(place, lrcli, damage):
    """It is trained again, or refused by its name."""
    path, other = (place / "cut" / "checkpoint" / f"part-000{number}.npz" for number in (1, 0))
    path.write_bytes(damage(path.read_bytes(), other.read_bytes()))
    code, _, err = lrcli("resume", "cut", "-q", code=None)
    if code == 0:
        assert results(place / "cut") == results(place / "whole")
    else:
        assert code in {1, 2}
        assert err.startswith("error: ")
        assert "part-0001.npz" in err


CHANGES = {
    "a rate": ("- 0.01", "- 0.02", "[0.01, 0.1", "[0.02, 0.1"),
    "fewer seeds": ("seeds: 4", "seeds: 2"),
    "more seeds": ("seeds: 4", "seeds: 7"),
    "longer": ("epochs: 4", "epochs: 6"),
    "shorter": ("epochs: 4", "epochs: 3"),
    "the loss": ("half_mse", "mse"),
    "another name": ("name: small", "name: other"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.usefixtures("crashed")
def test_an_experiment_that_was_changed_by_hand(place, lrcli, change):
    """Parts of one experiment are never taken for those of another."""
    file = place / "cut" / "experiment.yaml"
    text = file.read_text()
    for old, new in zip(change[::2], change[1::2], strict=True):
        text = text.replace(old, new)
    assert text != file.read_text()
    file.write_text(text)
    before = contents(place / "cut")
    code, out, err = lrcli("resume", "cut", "-q", code=None)
    if code == 0:
        lrcli("sweep", file, "-q", "--run-dir", "whole")
        assert results(place / "cut") == results(place / "whole")
    else:
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert contents(place / "cut") == before


@pytest.mark.usefixtures("crashed")
def test_an_experiment_with_a_mistake(place, lrcli):
    file = place / "cut" / "experiment.yaml"
    text = file.read_text()
    file.write_text(text.replace("optimizer:\n", "optimiser:\n"))
    assert "did you mean optimizer?" in lrcli("resume", "cut", code=2)[2]
    file.write_text(text[: text.index("sweep:")])
    assert lrcli("resume", "cut", code=2)[2].startswith("error: cut")
    file.unlink()
    assert "experiment.yaml: there is no such file" in lrcli("resume", "cut", code=2)[2]


@pytest.mark.parametrize("result", ["", "{", "{}", "null", '{"command": "sweep"}', '{"command": "sweep", "x'])
@pytest.mark.usefixtures("crashed")
def test_a_damaged_result(place, lrcli, result):
    (place / "cut" / "result.json").write_text(result)
    code, _, err = lrcli("resume", "cut", code=None)
    assert code == 0 or (code == 2 and err.startswith("error: cut"))


@pytest.mark.usefixtures("crashed")
def test_a_result_without_its_memory(place, lrcli):
    result = result_of(place / "cut")
    (place / "cut" / "result.json").write_text(json.dumps(result | {"memory": "much"}))
    assert lrcli("resume", "cut", code=2)[2].startswith("error: cut")


# One member again.


@pytest.mark.parametrize("file", ["small", "mlp"])
def test_a_member_again(place, lrcli, file):
    """Its numbers are those of its row: bit for bit for linear models with SGD, to 1e-10 in float64."""
    lrcli("sweep", f"{file}.yaml", "-q", "--run-dir", "swept")
    table = rows(place / "swept" / "results.csv")
    compared = 0
    for row in table[::3]:
        member = row["member"]
        diverged = row["status"] == "diverged"
        lrcli("replay", "swept", member, "-q", "--run-dir", f"again-{member}", code=int(diverged))
        result = result_of(place / f"again-{member}")
        assert (result["command"], result["name"], result["status"]) == ("train", file, row["status"])
        assert (str(result["seed"]), str(result["epochs"])) == (row["seed"], row["epochs"])
        assert str(result["diverged_step"] or "") == row["diverged_step"]
        errors = {f"error/{line['name']}": line["error"] for line in result["recovery"]}
        values = result["metrics"] | errors | {"best/val/loss": result["best"]["value"]}
        for name, value in values.items():
            if not row[name] or value is None:
                assert diverged
                continue
            got = float(row[name])
            assert value == got if file == "small" else value == pytest.approx(got, rel=1e-10)
            compared += 1
        assert {path.name for path in (place / f"again-{member}").iterdir()} >= {
            "experiment.yaml",
            "metrics.csv",
            "result.json",
            "checkpoint",
        }
    assert compared > 30


def test_a_run_like_any_other(place, lrcli):
    lrcli("sweep", "small.yaml", "-q", "--run-dir", "swept")
    _, out, err = lrcli("replay", "swept", "3")
    assert "run: runs/small/train-0001" in out
    assert "note: member 3: seed 0, optimizer.lr=0.1, optimizer.momentum=0.5" in err
    _, out, err = lrcli("replay", "swept", "3", "--json", "-q")
    assert err == ""
    result = json.loads(out, parse_constant=pytest.fail)
    assert result["run_dir"] == "runs/small/train-0002"
    lrcli("train", "runs/small/train-0001/experiment.yaml", "-q")
    tables = [place / f"runs/small/train-000{number}/metrics.csv" for number in (1, 2, 3)]
    assert len({table.read_bytes() for table in tables}) == 1


def test_a_member_of_a_sweep_that_was_stopped(place, lrcli, stop):
    """Also one that the sweep has not come to."""
    stop(3, interrupt, "small.yaml", *CUT, "--run-dir", "cut")
    lrcli("replay", "cut", "21", "-q", "--run-dir", "again")
    assert result_of(place / "again")["seed"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["24"], "whole: has no member 24; they are numbered from 0 to 23"),
        (["--", "-1"], "whole: has no member -1; they are numbered from 0 to 23"),
        (["-1"], "-1"),
        (["first"], "is no member; write its number in results.csv, or best"),
        (["1.5"], "is no member; write its number in results.csv, or best"),
        ([], "MEMBER"),
    ],
)
@pytest.mark.usefixtures("whole")
def test_members_that_are_not_there(place, lrcli, words, message):
    before = contents(place)
    _, out, err = lrcli("replay", "whole", *words, code=2)
    assert out == ""
    assert message in err
    assert contents(place) == before


@pytest.mark.parametrize("every", [1, 1000])
def test_a_member_that_exploded_has_diverged_in_a_sweep_and_alone(place, lrcli, every):
    """Every number of it is still finite, and its curve may be one record long."""
    words = ["dataset.feature_std=100", "training.epochs=3", f"logging.every={every}"]
    words += ["sweep.grid={optimizer.lr: {values: [1e-5, 6e-4]}}", "sweep.seeds=2"]
    lrcli("sweep", "small.yaml", *words, "-q", "--run-dir", "swept")
    for row in rows(place / "swept" / "results.csv"):
        status = "completed" if row["optimizer.lr"] == "1e-05" else "diverged"
        assert row["status"] == status
        code = int(status == "diverged")
        lrcli("replay", "swept", row["member"], "-q", "--run-dir", f"again-{row['member']}", code=code)
        result = result_of(place / f"again-{row['member']}")
        assert (result["status"], str(result["diverged_step"] or "")) == (status, row["diverged_step"])
        assert (row["outcome"] == "diverged") == (status == "diverged")
        assert result["metrics"]["train/loss"] == float(row["train/loss"])


# Several at once.


@pytest.fixture
def meanwhile(monkeypatch):
    """Does something once, while the first part that is trained has its first record."""

    def meanwhile(action):
        record, done = PartRecorder.record, []

        def first(recorder, *arguments):
            if not done:
                done.append(True)
                action()
            record(recorder, *arguments)

        monkeypatch.setattr(PartRecorder, "record", first)
        return done

    return meanwhile


@pytest.mark.parametrize(
    "second",
    [
        ["resume", "cut"],
        ["sweep", "small.yaml", *CUT, "--run-dir", "cut"],
        ["train", "small.yaml", "--run-dir", "cut"],
    ],
)
@pytest.mark.usefixtures("whole")
def test_a_second_at_the_same_time_is_refused(place, lrcli, stop, meanwhile, second):
    stop(3, interrupt, "small.yaml", *CUT, "--run-dir", "cut")

    def refused():
        before = contents(place)
        _, out, err = lrcli(*second, code=2)
        assert out == ""
        assert re.search(rf"error: cut: process {os.getpid()} on host \S+ is at work here; wait", err)
        assert contents(place) == before

    done = meanwhile(refused)
    lrcli("resume", "cut", "-q")
    assert done
    assert results(place / "cut") == results(place / "whole")
    assert not (place / "cut" / ".lock").exists()
    lrcli("resume", "cut", "-q")


def test_a_second_that_had_begun_before_the_first_was_complete(place, lrcli, stop, monkeypatch):
    """It has seen that parts are missing, and they are there when it gets the lock."""
    stop(3, interrupt, "small.yaml", *CUT, "--run-dir", "cut")
    complete, asked = resuming.complete_result, []

    def slow(files):
        found = complete(files)
        if not asked:
            asked.append(found)
            lrcli("resume", "cut", "-q")
        return found

    with monkeypatch.context() as context:
        context.setattr(resuming, "complete_result", slow)
        lrcli("resume", "cut", "-q")
    assert asked == [None]
    check_tables(place / "cut")
    assert result_of(place / "cut")["status"] == "completed"
    assert not (place / "cut" / "checkpoint").exists()


def test_what_killed_processes_were_writing_is_removed(place, lrcli, stop):
    """And a checkpoint that was there when the sweep was complete; what links lead to is not the sweep's."""
    stop(3, interrupt, "small.yaml", *CUT, "--run-dir", "cut")
    cut, name = place / "cut", ".results.csv.123.tmp"
    (place / "elsewhere").mkdir()
    (cut / "figures").mkdir()
    written = [cut / name, cut / "checkpoint" / name, cut / "figures" / name]
    mine = [place / "elsewhere" / name, cut / ".notes.tmp", cut / "notes.123.tmp", cut / ".a.b.tmp"]
    for path in written + mine:
        path.touch()
    if os.name != "nt":
        (cut / "link").symlink_to(place / "elsewhere")
    lrcli("resume", "cut", "-q")
    assert [path for path in written if path.exists()] == []
    assert all(path.exists() for path in mine)
    (cut / "checkpoint").mkdir()
    for path in (cut / "checkpoint" / name, cut / name):
        path.touch()
    _, _, err = lrcli("resume", "cut")
    assert "is complete" in err
    assert not (cut / "checkpoint").exists()
    assert not (cut / name).exists()


def test_the_command_that_goes_on_is_told_whole(place, lrcli, stop):
    words = ["small.yaml", *CUT, "--run-dir", "cut off"]
    _, _, err = stop(3, interrupt, *words, report=True)
    assert err.splitlines()[-1] == f"note: to go on: {typed('lrcli', 'resume', 'cut off')}"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.usefixtures("whole")
def test_signals_that_end_programs(place, lrcli, stop, name):
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("the system has no such signal")
    before = signal.signal(number, signal.SIG_DFL)
    words = ["small.yaml", *CUT, "--run-dir", "cut"]
    stop(3, lambda: signal.raise_signal(number), *words, code=128 + number)
    signal.signal(number, before)
    assert result_of(place / "cut")["status"] == "interrupted"
    check_tables(place / "cut")
    lrcli("resume", "cut", "-q")
    assert results(place / "cut") == results(place / "whole")
