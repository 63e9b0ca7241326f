"""`lrcli sweep --shard` and `lrcli merge`: the files of one sweep, whoever has trained what, in any order."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from made_results import rewrite

import lrcli as package
from lrcli.authoring.docs.guides import guide_file
from lrcli.errors import WriteError
from lrcli.storage.beginnings import shard_of_experiment
from lrcli.sweeps import merging
from lrcli.sweeps.part import PartRecorder

UNEVEN = """\
name: uneven
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.1, num_train: 40, num_val: 20, num_test: 10}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.03}
training: {epochs: 4, batch_size: 10}
logging: {tensorboard: false, report: false}
sweep:
  grid:
    - {optimizer.lr: {values: [0.01, 0.1, 1e9]}, optimizer.momentum: {values: [0, 0.5]}}
    - {optimizer.kind: {values: [adam]}, training.epochs: {values: [2, 300]}}
    - {training.batch_size: {values: [8]}, dataset.noise: {values: [0, 0.3]}}
  seeds: 3
"""
N = 7
ORDER = [3, 7, 1, 6, 2, 5, 4]
TABLES = ["results.csv", "summary.csv", "recovery.csv", "curves.npz", "reference.npz"]
FIGURES = "logging.figures=false"


@pytest.fixture(scope="module")
def kept(tmp_path_factory, silent_lrcli):
    """The sweep in one go, and its seven shares, trained in no order."""
    directory = tmp_path_factory.mktemp("kept")
    (directory / "uneven.yaml").write_text(UNEVEN)
    silent_lrcli(directory, "sweep", "uneven.yaml", FIGURES, "-q", "--run-dir", "whole")
    for k in ORDER:
        words = ["--shard", f"{k}/{N}", "--run-dir", f"shares/{k}"]
        silent_lrcli(directory, "sweep", "uneven.yaml", FIGURES, "-q", *words)
    return directory


@pytest.fixture
def place(tmp_path, monkeypatch, kept):
    """A copy of what is kept, where the tests work."""
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shares(*left_out):
    return [f"shares/{k}" for k in ORDER if k not in left_out]


def result_of(directory):
    return json.loads((Path(directory) / "result.json").read_text(), parse_constant=pytest.fail)


def assert_same(directory, other="whole"):
    for name in TABLES:
        assert (Path(directory) / name).read_bytes() == (Path(other) / name).read_bytes(), name


def contents(directory):
    return {path: path.read_bytes() for path in Path(directory).rglob("*") if path.is_file()}


def crash():
    raise WriteError("disk: could not be written: No space left on device")


@pytest.fixture
def stop(program, monkeypatch):
    """Trains a share until its second part has its first record, then calls what stops it."""

    def stop(how, *words, code):
        record, begun = PartRecorder.record, []

        def counting(recorder, *arguments):
            if recorder not in begun:
                begun.append(recorder)
                if len(begun) == 2:
                    how()
            record(recorder, *arguments)

        with monkeypatch.context() as context:
            context.setattr(PartRecorder, "record", counting)
            return program("sweep", "uneven.yaml", FIGURES, *words, code=code)

    return stop


# The same files.


def test_shares_in_any_order_are_one_sweep(place, program):
    before = contents("shares")
    _, out, err = program("merge", *shares(), "--run-dir", "merged")
    assert_same("merged")
    assert re.match(r"uneven: completed \(30 members: 10 configurations x 3 seeds, in [0-9.e-]+ s\)\n", out)
    assert (out.endswith("run: merged\n"), err) == (True, "")
    assert contents("shares") == before
    assert sorted(path.name for path in (place / "merged").iterdir()) == sorted(
        path.name for path in (place / "whole").iterdir()
    )
    mine, other = result_of("merged"), result_of("whole")
    for result in (mine, other):
        result["environment"].pop("threads")  # of the first part
    unlike = {key for key in {*mine, *other} if mine.get(key) != other.get(key)}
    assert unlike == {
        *("command_line", "started", "ended", "run_dir", "fingerprint", "shares", "timing", "files", "sha256")
    } - ({"files"} if mine["files"] == other["files"] else set())
    assert mine["files"].keys() == other["files"].keys()
    trained = [result_of(share)["timing"]["train_seconds"] for share in shares()]
    assert mine["timing"]["train_seconds"] == pytest.approx(sum(trained))


@pytest.mark.usefixtures("small_figures")
def test_figures_are_those_of_a_sweep(place, program):
    """What draws them gets the same numbers. Here: that they are drawn, and event files written."""
    words = [
        "logging.tensorboard=true",
        "-q",
        "--lr",
        "0.01,0.1",
        "--grid",
        "optimizer.momentum=0",
        "sweep.grid=null",
    ]
    for k in (2, 1):
        program("sweep", "uneven.yaml", *words, "--shard", f"{k}/2", "--run-dir", f"two/{k}")
    program("sweep", "uneven.yaml", *words, "--run-dir", "one", "--tb-members", "1")
    program("merge", "two/1", "two/2", "--run-dir", "merged", "--tb-members", "1", "-q")

    def names(directory):
        return sorted(re.sub(r"tfevents.*", "", path.as_posix()) for path in Path(directory).rglob("*"))

    assert names("merged") == [name.replace("one", "merged", 1) for name in names("one")]
    assert not [
        path for path in Path("two").rglob("*") if "events" in path.name or path.suffix in {".csv", ".png"}
    ]


def test_one_share_is_the_whole(place, program):
    program("sweep", "uneven.yaml", FIGURES, "--shard", "1/1", "-q", "--run-dir", "alone")
    assert result_of("alone")["shard"] == [1, 1]
    program("merge", "alone", "-q", "--run-dir", "merged")
    assert_same("merged")


def test_a_share_that_was_stopped_and_resumed(place, program, stop):
    """By a full disk, by Ctrl-C; gone on with by either command."""
    shutil.rmtree("shares/3")
    shutil.rmtree("shares/2")
    stop(crash, "--shard", f"3/{N}", "--run-dir", "shares/3", "-q", code=1)
    assert result_of("shares/3")["status"] == "failed"
    stop(crash, "--shard", f"2/{N}", "--run-dir", "shares/2", "-q", code=1)
    _, _, err = program("merge", *shares(), "--run-dir", "merged", code=2)
    for k in (2, 3):
        own = result_of(f"shares/{k}")["share_members"]
        lacks = (
            rf"shares/{k}: share {k} of 7 lacks \d+ of its {own} members; lrcli resume shares/{k} goes on\n"
        )
        assert re.search(lacks, err)
    program("resume", "shares/3", "-q")
    program("sweep", "uneven.yaml", FIGURES, "--shard", f"2/{N}", "--run-dir", "shares/2", "-q")
    assert result_of("shares/3")["status"] == result_of("shares/2")["status"] == "completed"
    program("merge", *shares(), "--run-dir", "merged", "-q")
    assert_same("merged")


def test_killed_before_it_had_a_result(place, program):
    """Which share it is stands in its experiment.yaml, too."""
    for path in list(Path("shares/5").iterdir()):
        if path.name != "experiment.yaml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert shard_of_experiment(Path("shares/5/experiment.yaml")) == (5, N)
    assert shard_of_experiment(Path("whole/experiment.yaml")) is None
    program("resume", "shares/5", "-q")
    assert result_of("shares/5")["shard"] == [5, N]
    program("merge", *shares(), "--run-dir", "merged", "-q")
    assert_same("merged")


@pytest.mark.parametrize(
    ("left", "command"), [("all", "merge"), ("experiment.yaml", "merge"), ("all", "resume")]
)
def test_a_merge_that_was_stopped_goes_on(place, program, monkeypatch, left, command):
    """Merged again it trains nothing; resumed it trains what had not been copied."""
    copy, copied = merging._copy, []

    def some(*arguments):
        if len(copied) == 2:
            crash()
        copied.append(copy(*arguments))

    with monkeypatch.context() as context:
        context.setattr(merging, "_copy", some)
        program("merge", *shares(), "--run-dir", "merged", code=1)
    assert result_of("merged")["status"] == "failed"
    assert len(list(Path("merged/checkpoint").iterdir())) == 2
    if left != "all":
        (place / "merged" / "result.json").unlink()
    program(
        *(["resume", "merged"] if command == "resume" else ["merge", *shares(), "--run-dir", "merged"]), "-q"
    )
    assert_same("merged")
    assert not (place / "merged" / "checkpoint").exists()
    _, out, err = program("merge", *shares(), "--run-dir", "merged")
    assert (out, err) == ("", "note: merged: is complete; nothing was merged\n")


def test_a_share_with_nothing_to_train(place, program, monkeypatch):
    """As where code of the user's is not cut any finer."""
    monkeypatch.setattr("lrcli.sweeps.share_cutting.trains_own_code", lambda experiment: True)
    words = ["--lr", "0.01,0.1", "--seeds", "2", "sweep.grid=null", FIGURES]
    for k in (1, 2, 3):
        _, out, _ = program("sweep", "uneven.yaml", *words, "--shard", f"{k}/3", "--run-dir", f"few/{k}")
        assert ("is empty" in out) == (k > 1)
        assert out.splitlines()[1:] == ["once all 3 have ended: lrcli merge few/*", f"run: few/{k}"]
    assert (
        "share 3 of 3 is empty" in program("sweep", "uneven.yaml", *words, "--shard", "3/3", "--dry-run")[1]
    )
    program("merge", "few/3", "few/2", "few/1", "--run-dir", "merged", "-q")
    program("sweep", "uneven.yaml", *words, "--run-dir", "alone", "-q")
    assert_same("merged", "alone")


# What is refused.


def refused(program, *words):
    before = contents(".")
    code, out, err = program(*words, code=2)
    assert (code, out) == (2, "")
    assert contents(".") == before
    return err


def test_missing_shares_are_named(place, program):
    assert refused(program, "merge", *shares(3), "--run-dir", "m") == "error: share 3 of 7 is missing\n"
    err = refused(program, "merge", *shares(1, 3, 4, 5), "--run-dir", "m")
    assert err == "error: shares 1 and 3 to 5 of 7 are missing\n"


def test_all_that_is_wrong_is_told_at_once(place, program):
    shutil.copytree("shares/4", "again")
    for directory, words in {
        "other": ["optimizer.lr=0.5", "training.batch_size=4", "--shard", "3/7"],
        "more": ["--shard", "3/8"],
        "memory": ["--shard", "3/7", "--memory", "2MB"],
    }.items():
        program("sweep", "uneven.yaml", FIGURES, *words, "-q", "--run-dir", directory)
    rewrite(
        place / "shares/5/result.json", environment=result_of("shares/5")["environment"] | {"lrcli": "0.0.9"}
    )
    part = min(Path("shares/6/checkpoint").iterdir())
    part.write_bytes(part.read_bytes()[:-7] + b"damaged")
    (place / "shares/7/result.json").write_text("{")
    words = ["again", "other", "more", "memory", "whole", "nothing", "uneven.yaml"]
    err = refused(program, "merge", *shares(3), *words, "--run-dir", "m")
    assert err.splitlines()[1:] == [
        "  shares/7: holds no sweep",
        "  whole: holds a whole sweep, not a share of one",
        "  nothing: holds no sweep",
        "  uneven.yaml: holds no sweep",
        f"  shares/5: was trained by lrcli 0.0.9, and this is lrcli {package.__version__}; shares are merged "
        "by the version that has trained all of them",
        "  other: is of another sweep than shares/1: optimizer.lr: 0.03 there, 0.5 here; "
        "training.batch_size: 10 there, 4 here",
        "  more: is of another sweep than shares/1: shares: 7 there, 8 here",
        "  memory: is of another sweep than shares/1: memory: 1000000000 there, 2000000 here",
        "  again: is share 4 of 7, and so is shares/4",
        "  shares 3, 5 and 7 of 7 are missing",
        f"  {part}: has been damaged or changed; its members are trained again by lrcli resume shares/6",
    ]


def test_the_odd_one_out_is_named(place, program):
    """Also where it is the first."""
    program("sweep", "uneven.yaml", FIGURES, "optimizer.lr=0.5", "--shard", "3/7", "-q", "--run-dir", "other")
    err = refused(program, "merge", "other", *shares(), "--run-dir", "m")
    assert err == "error: other: is of another sweep than shares/3: optimizer.lr: 0.03 there, 0.5 here\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"data": [{"file": "a.csv", "sha256": "ab" * 32}]},
            "other data than shares/3: a.csv (SHA-256 none... there",
        ),
        (
            {"environment": {"engine": "torch"}},
            "was trained by the torch engine, and shares/3 by the compiled one",
        ),
        (
            {"environment": {"code": {"net.py": "cd" * 32}}},
            "other code than shares/3: net.py (SHA-256 none... there",
        ),
    ],
)
def test_other_data_code_and_engines(place, program, change, message):
    environment = result_of("shares/1")["environment"] | change.get("environment", {})
    rewrite(place / "shares/1/result.json", **(change | {"environment": environment}))
    assert message in refused(program, "merge", *shares(), "--run-dir", "m")


def test_another_machine_is_told_of(place, program):
    for k in (5, 6):
        environment = result_of(f"shares/{k}")["environment"] | {"processor": "abacus"}
        rewrite(place / f"shares/{k}/result.json", environment=environment)
    _, out, _ = program("merge", *shares(), "--run-dir", "merged")
    (told,) = result_of("merged")["warnings"]
    assert re.fullmatch(
        r"not all shares were trained alike \(share 1 there, shares 5 and 6 here\): processor .*", told
    )
    assert result_of("merged")["environment"]["shares"] == [told]
    assert f"warning: {told}" in " ".join(out.split("\n"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["sweep", "uneven.yaml", FIGURES, "--shard", "3/7"],
            "holds share 2 of 7, so share 3 of 7 cannot be there",
        ),
        (["sweep", "uneven.yaml", FIGURES], "holds another sweep:\n  shares: 7 there, 1 here"),
        (
            ["sweep", "uneven.yaml", FIGURES, "--shard", "2/8"],
            "holds another sweep:\n  shares: 7 there, 8 here",
        ),
        (["merge", *shares()], "holds share 2 of 7, so the whole sweep cannot be there"),
    ],
)
def test_a_directory_of_another_share(place, program, words, message):
    assert refused(program, *words, "--run-dir", "shares/2").startswith(f"error: shares/2: {message}")


def test_what_a_share_cannot_be_asked_for(place, program):
    message = "error: shares/2: is share 2 of 7; lrcli merge puts the shares together\n"
    for words in (
        *(["report"], ["figure"], ["explain"], ["export"], ["export", "--what", "results"]),
        *(["compare", "whole"], ["replay", "best"]),
    ):
        command, *others = words
        assert refused(program, command, "shares/2", *others) == message, words
    assert "a share has no event files" in refused(program, "resume", "shares/2", "--tb-members", "2")
    words = ["--shard", "2/7", "--tb-members", "2", "--run-dir", "new"]
    assert "a share has no event files" in refused(program, "sweep", "uneven.yaml", *words)


def test_shares_in_python(place):
    trained = [package.load(share) for share in shares()]
    assert trained[0].shard == (3, N)
    assert "of 30 members, share 3 of 7, in " in repr(trained[0])
    with pytest.raises(package.RunDirectoryError, match="is share 3 of 7; lrcli merge"):
        trained[0].members  # noqa: B018
    merged = package.merge(*trained, run_dir="merged")
    assert_same("merged")
    assert (merged.shard, len(merged.members["member"])) == (None, 30)
    with pytest.raises(package.UsageError, match=r"share 3 of 7 is missing"):
        package.merge(*trained[1:])
    with pytest.raises(package.UsageError, match="name the directories"):
        package.merge()
    for shard in ((1, 2, 3), 5, (1.5, 2), ("1", 2)):
        with pytest.raises(package.UsageError, match=r"a shard is \(K, N\)"):
            package.sweep("uneven.yaml", shard=shard)


# How it is listed and told.


def test_shares_are_listed(place, program):
    _, out, _ = program("runs", "--runs-dir", ".", "shares")
    own = {k: result_of(f"shares/{k}")["share_members"] for k in ORDER}
    assert sum(own.values()) == 30
    for k in ORDER:
        assert re.search(rf"shares/{k} +completed .* share {k} of 7: {own[k]} members? over ", out)
    rows = json.loads(program("runs", "--runs-dir", ".", "--json")[1])
    found = {row["run"]: (row["shard"], row["members"], row["value"] is None) for row in rows}
    assert found == {"whole": (None, 30, False)} | {f"shares/{k}": (f"{k}/7", own[k], True) for k in ORDER}
    program("delete", "--yes", "shares/3", "--runs-dir", ".")
    assert not Path("shares/3").exists()


def test_what_a_share_would_train(place, program):
    said = [
        program("sweep", "uneven.yaml", "--shard", f"{k}/7", "--dry-run")[1].splitlines()[-1]
        for k in range(1, 8)
    ]
    pattern = r"share (\d) of 7: (\d+) members? in \d+ parts?, [0-9,]+ steps?, ([0-9.]+)% of the work"
    found = [re.fullmatch(pattern, line) for line in said]
    assert [int(match[1]) for match in found] == list(range(1, 8))
    assert [int(match[2]) for match in found] == [
        result_of(f"shares/{k}")["share_members"] for k in range(1, 8)
    ]
    assert sum(float(match[3]) for match in found) == pytest.approx(100, abs=0.5)


@pytest.mark.parametrize(
    ("directory", "command"),
    [
        ("shares/2", "lrcli merge shares/*"),
        ("out/share-02-a", "lrcli merge out/share-*-a"),
        ("runs/uneven/sweep-0002", "lrcli merge runs/uneven/sweep-0002 ..."),
        ("my share 2", "lrcli merge 'my share 2' ..."),
        ("22", "lrcli merge 22 ..."),
        ("2-2", "lrcli merge 2-2 ..."),
    ],
)
def test_the_command_that_puts_them_together(place, program, directory, command):
    shutil.copytree("shares/2", "copy")
    shutil.rmtree("shares")
    shutil.move("copy", place / directory)
    path = place / directory / "result.json"
    first = min((place / directory / "checkpoint").iterdir())
    first.unlink()
    rewrite(path, status="interrupted")
    _, out, _ = program("resume", directory)
    assert out.splitlines()[1:] == [f"once all 7 have ended: {command}", f"run: {directory}"]


# The guide.


def indented(heading):
    """The listings of a section of the guide that are no transcripts."""
    text = guide_file("shares").read_text()
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [
        re.sub(r"(?m)^ {4}", "", block) for block in re.findall(r"(?m)(?:^ {4}.*\n|^\n(?= {4}))+", section)
    ]


@pytest.fixture
def small(place):
    """What the guide calls rates.yaml."""
    text = UNEVEN.partition("sweep:")[0].replace("tensorboard:", "figures: false, tensorboard:")
    (place / "rates.yaml").write_text(
        text + "sweep: {grid: {optimizer.lr: {values: [0.01, 0.1]}}, seeds: 8}\n"
    )


@pytest.mark.skipif(shutil.which("bash") is None, reason="a script for bash")
@pytest.mark.usefixtures("small")
def test_the_job_array_of_the_guide(place, program):
    script, submit, again, loop = indented("A job array of SLURM")
    for text in (script, submit, again, loop):
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    count = int(re.search(r"--array=1-(\d+)\n", script)[1])
    line = next(line for line in script.splitlines() if line.startswith("lrcli sweep"))
    expand = ["bash", "-c", line.replace("lrcli", "echo", 1)]
    for k in range(1, count + 1):
        words = subprocess.run(
            expand, env={"SLURM_ARRAY_TASK_ID": str(k)}, capture_output=True, text=True, check=True
        )
        assert words.stdout == f"sweep rates.yaml --shard {k}/{count} --run-dir shares/{k} --quiet\n"
    assert "lrcli merge shares/* --run-dir whole" in submit
    assert max(map(int, re.search(r"--array=([\d,]+) ", again)[1].split(","))) <= count


@pytest.mark.usefixtures("small")
def test_the_workflow_of_the_guide(place, program):
    """Its own commands, with artifacts as that service hands them from job to job."""
    (workflow,) = indented("The jobs of a CI service")
    share, merge = yaml.safe_load(workflow)["jobs"].values()
    matrix = share["strategy"]["matrix"]["share"]
    shutil.rmtree("shares")
    artifacts = {}

    def done(job, k):
        for step in yaml.safe_load(json.dumps(job["steps"]).replace("${{ matrix.share }}", str(k))):
            words, given = step.get("run", "").split(), step.get("with", {})
            if words[:1] == ["lrcli"]:
                program(
                    *(path for word in words[1:] for path in (sorted(map(str, Path().glob(word))) or [word]))
                )
            elif step.get("uses", "").startswith("actions/upload-artifact@"):
                artifacts[given["name"]] = shutil.move(given["path"], f"artifact-{given['name']}")
            elif step.get("uses", "").startswith("actions/download-artifact@"):
                for name in [name for name in artifacts if Path(name).match(given["pattern"])]:
                    shutil.move(artifacts[name], Path(given["path"]) / name)

    for k in reversed(matrix):
        done(share, k)
    program("sweep", "rates.yaml", "-q", "--run-dir", "kept")
    shutil.rmtree("whole")
    Path("shares").mkdir(exist_ok=True)
    done(merge, "")
    assert (merge["needs"], len(artifacts)) == ("share", len(matrix) + 1)
    assert_same(artifacts["sweep"], "kept")
