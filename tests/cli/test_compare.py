"""`lrcli compare`: of runs and of sweeps, in every form, at every width; mistakes; what it costs."""

import csv
import io
import json
import shutil
import subprocess
import sys

import pytest
from builders import EXPERIMENTS
from made_results import rewrite

import lrcli
from lrcli.storage.locking import locked

LINEAR = str(EXPERIMENTS / "linear.yaml")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run, one of another rate, one that repeats the first, one that diverged; and a sweep."""
    folder = tmp_path_factory.mktemp("compared")
    fixed = {"dataset.num_train": 40, "dataset.num_val": 20, "training.batch_size": 10}
    fixed |= {"logging.figures": False, "logging.tensorboard": False, "expect": {}}
    for rate in (0.03, 0.1, 0.03, 100):
        lrcli.train(LINEAR, {**fixed, "optimizer.lr": rate}, runs_dir=folder / "runs")
    lrcli.sweep(LINEAR, fixed, lr=[0.03, 0.1], seeds=2, runs_dir=folder / "runs")
    return folder


@pytest.fixture
def said(runs, lrcli_in):
    """What the command writes to standard output."""

    def run(*words):
        return lrcli_in(runs, "compare", *words).stdout

    return run


TWO = ("linear/train-0001", "linear/train-0002")


def test_what_differs_and_what_came_of_it(said):
    text = said(*TWO)
    assert "optimizer.lr  0.03" in text
    assert "settings equal" in text
    assert "better" in text
    assert "one run each says nothing about chance" in text
    assert "dataset" not in text
    assert "the same bits in all 4 records" in said("linear/train-0001", "linear/train-0003")


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("several", [False, True])
def test_it_fits_and_nothing_is_cut(said, monkeypatch, width, several):
    """Every number in it has all the digits that it has in the widest."""
    words = [*TWO, "linear/train-0004"] if several else TWO
    monkeypatch.setenv("COLUMNS", "1000")
    whole = said(*words)
    monkeypatch.setenv("COLUMNS", str(width))
    text = said(*words)
    tables = text.partition("\n\n- ")[0]
    assert max(map(len, tables.splitlines())) <= width
    numbers = {word.rstrip(",*") for word in whole.split() if word[:1].isdigit()}
    assert numbers <= {word.rstrip(",*") for word in text.split()}


def test_json_has_every_number_in_full(said, runs):
    data = json.loads(said(*TWO, "--json"))
    results = [json.loads((runs / "runs" / name / "result.json").read_text()) for name in TWO]
    rows = {row["name"]: row for row in data["results"]}
    for name in results[0]["metrics"]:
        assert rows[name]["values"] == [result["metrics"][name] for result in results]
    assert data["settings"] == [{"key": "optimizer.lr", "values": [0.03, 0.1]}]
    assert data == lrcli.compare(*TWO, runs_dir=runs / "runs").as_data() | {
        "runs": data["runs"]
    }  # whose directories are absolute


def test_a_run_that_diverged_has_null_where_it_has_no_number(said):
    data = json.loads(said("linear/train-0001", "linear/train-0004", "--json"))
    assert data["runs"][1]["status"] == "diverged"
    assert "NaN" not in said("linear/train-0001", "linear/train-0004", "--csv")
    assert {row["name"]: row["values"] for row in data["results"]}["status"] == ["completed", "diverged"]


def test_csv_has_a_row_for_each_result(said):
    header, *rows = csv.reader(io.StringIO(said(*TWO, "--csv")))
    assert header == ["section", "name", *TWO, "ratio", "difference", "verdict"]
    assert rows[0] == ["setting", "optimizer.lr", "0.03", "0.1", "", "", ""]
    data = json.loads(said(*TWO, "--json"))
    assert [row[1] for row in rows if row[0] == "result"] == [row["name"] for row in data["results"]]
    ratios = {row[1]: row[4] for row in rows}
    assert float(ratios["val/loss"]) == next(r["ratio"] for r in data["results"] if r["name"] == "val/loss")


def test_markdown_has_tables(said):
    lines = said(*TWO, "--markdown").splitlines()
    assert "| optimizer.lr | 0.03 | 0.1 |" in lines
    assert len({line.count("|") for line in lines if line.startswith("| --- ")}) == 2


def test_a_name_that_a_terminal_would_obey_is_shown(runs, lrcli_in, tmp_path):
    text = (runs / "runs/linear/train-0001/experiment.yaml").read_text()
    (tmp_path / "a.yaml").write_text(
        text.replace("Linear regression, three epochs of minibatch SGD", r'"\u001b[31mred\nline | cell"')
    )
    lrcli_in(tmp_path, "train", "a.yaml", "--quiet")
    for form in ([], ["--csv"], ["--markdown"]):
        out = lrcli_in(tmp_path, "compare", "last", runs / "runs/linear/train-0001", *form).stdout
        assert "\x1b" not in out
        assert "red" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["linear/train-0001"], "name another"),
        (["linear/train-0001", "linear/train-0001"], "is named twice"),
        (["linear/train-0001", "./runs/linear/train-0001"], "is named twice"),
        (["linear/train-0001", "linear/sweep-0001"], "runs can be compared with runs"),
        (["linear/train-0001", "linear/train-0009"], "is no run"),
        ([*TWO, "--json", "--csv"], "choose one of --json, --csv and --markdown"),
    ],
)
def test_mistakes(runs, lrcli_in, words, message):
    done = lrcli_in(runs, "compare", *words, code=2)
    assert done.stdout == ""
    assert message in done.stderr


def test_who_types_diff_is_told(program):
    assert "write lrcli compare RUN RUN" in program("diff", "a", "b", code=2)[2]


def test_python_has_the_same(runs):
    run = lrcli.load(runs / "runs/linear/train-0001")
    found = lrcli.compare(run, "linear/train-0002", runs_dir=runs / "runs")
    assert found.names == TWO
    assert str(found).startswith("linear/train-0001 | linear/train-0002\noptimizer.lr: 0.03 | 0.1\n")
    with pytest.raises(lrcli.UsageError, match="name another"):
        lrcli.compare(run)
    with pytest.raises(lrcli.UsageError, match="not a int"):
        lrcli.compare(run, 3)


def test_two_runs_need_nothing_heavy(runs):
    program = (
        f"import sys\nfrom lrcli.cli.app import app\napp(['compare', *{TWO!r}], standalone_mode=False)\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=runs, capture_output=True, text=True, check=True
    )
    assert set(done.stderr.split()).isdisjoint({"torch", "numba", "scipy", "matplotlib", "polars", "numpy"})


SWEEPS = ("linear/sweep-0001", "linear/sweep-0002")


@pytest.fixture(scope="module")
def sweeps(runs):
    """Two sweeps of 25 rates, of which the second makes fewer steps."""
    fixed = {"dataset.num_train": 40, "dataset.num_val": 20, "training.epochs": 1, "expect": {}}
    fixed |= {"logging.figures": False, "logging.tensorboard": False}
    for size in (5, 40):
        changes = {**fixed, "training.batch_size": size}
        lrcli.sweep(LINEAR, changes, lr="1e-3:1:25", seeds=5, runs_dir=runs / "swept")
    return runs / "swept"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_two_sweeps_fit_and_show_what_differs_most(runs, sweeps, lrcli_in, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    text = lrcli_in(runs, "compare", *SWEEPS, "--runs-dir", sweeps).stdout
    tables = text.partition("\ndifferences and ratios")[0]  # sentences are broken on a terminal alone
    assert max(map(len, tables.splitlines())) <= width
    assert "training.batch_size" in text
    assert "5 more, which differ less" in " ".join(text.split())
    assert "of 25 configurations in both, over 5 seeds" in text
    assert "one in twenty is told apart by chance alone" in " ".join(text.split())
    assert "the second is worse" in text


def test_sweeps_in_other_forms_are_whole(runs, sweeps, lrcli_in):
    out = lrcli_in(runs, "compare", *SWEEPS, "--runs-dir", sweeps, "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(out)))
    data = json.loads(lrcli_in(runs, "compare", *SWEEPS, "--runs-dir", sweeps, "--json").stdout)
    assert [float(row["difference"]) for row in rows] == [c["difference"] for c in data["configurations"]]
    assert len(rows) == 25
    assert {row["in"] for row in rows} == {"both"}
    lines = lrcli_in(runs, "compare", *SWEEPS, "--runs-dir", sweeps, "--markdown").stdout.splitlines()
    assert sum(line.startswith("| ") for line in lines) == 27 + 4  # with headings and lines below them


def test_three_sweeps_are_too_many(runs, sweeps, lrcli_in):
    words = [*(sweeps / name for name in SWEEPS), "linear/sweep-0001"]
    assert "two sweeps can be compared at a time" in lrcli_in(runs, "compare", *words, code=2).stderr


def test_two_sweeps_need_no_engine(runs, sweeps):
    line = ["compare", *(str(sweeps / name) for name in SWEEPS)]
    program = (
        f"import sys\nfrom lrcli.cli.app import app\napp({line!r}, standalone_mode=False)\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=runs, capture_output=True, text=True, check=True
    )
    assert set(done.stderr.split()).isdisjoint({"torch", "numba", "scipy", "matplotlib", "polars"})


def test_a_run_that_was_killed_is_not_running(runs, said):
    killed = runs / "killed"
    shutil.copytree(runs / "runs/linear/train-0001", killed)
    rewrite(killed / "result.json", status="running")
    assert "/killed  failed" in said("killed", TWO[1])
    with locked(killed):
        assert "/killed  running" in said("killed", TWO[1])
