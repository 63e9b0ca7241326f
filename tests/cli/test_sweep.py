"""`lrcli sweep` as a user runs it."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml

import lrcli.sweeps.running as running

SMALL = """\
name: small
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 40, num_val: 20, num_test: 30}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.03}
training: {epochs: 6, batch_size: 10}
logging: {figures: false, tensorboard: false}
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
sweep: {grid: {optimizer.lr: {values: [0.01, 0.1]}, optimizer.betas: {values: [[0.9, 0.99], [0, 0.9]]}}}
"""
GRIDS = """\
sweep:
  grid:
    - {optimizer.kind: {values: [sgd]}, optimizer.lr: {values: [0.01, 0.1, 0.5]}}
    - {optimizer.kind: {values: [adam]}, optimizer.lr: {values: [0.1]}, optimizer.eps: {values: [1e-9]}}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "mlp.yaml").write_text(MLP)
    (tmp_path / "grids.yaml").write_text(SMALL + GRIDS)
    return tmp_path


@pytest.fixture
def sweep(place, program):
    """Runs ``lrcli sweep`` where the files are: what it wrote to standard output and error."""
    return lambda *words, code=0: program("sweep", *words, code=code)[1:]


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def read_json(text):
    return json.loads(text, parse_constant=pytest.fail)


def tree(directory):
    """Every file below a directory; the name of an event file is cut to what does not change."""
    paths = (path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    return sorted(path.partition(".out.")[0] for path in paths)


def medians(directory, metric="val/loss"):
    """From each learning rate to the median over its seeds, by numpy from results.csv."""
    table = rows(directory / "results.csv")
    rates = dict.fromkeys(row["optimizer.lr"] for row in table)
    values = {
        rate: [
            float("inf") if row["status"] == "diverged" else float(row[metric])
            for row in table
            if row["optimizer.lr"] == rate
        ]
        for rate in rates
    }
    return {float(rate): float(np.median(column)) for rate, column in values.items()}


def test_a_sweep_from_file_to_directory(place, sweep):
    out, err = sweep("small.yaml", "--lr", "0.01,0.1", "logging.figures=true", "logging.tensorboard=true")
    run = place / "runs" / "small" / "sweep-0001"
    tables = {"experiment.yaml", "results.csv", "summary.csv", "result.json", "curves.npz", "reference.npz"}
    tables.add("recovery.csv")
    page = {"report.html"}
    configurations = ("lr=0.01", "lr=0.1", "best=1,lr=0.1", "best=2,lr=0.01")
    events = {f"{name}/events" for name in (*configurations, "summary")}
    files = set(tree(run)) - {".events.txt"}  # what a sweep that is trained again has to delete
    assert tables | page | events <= files
    figures = files - tables - page - events
    assert figures
    assert all(name.startswith("figures/") and name.endswith((".png", ".svg")) for name in figures)
    assert "run: runs/small/sweep-0001" in out
    assert re.search(r"step 24/24 .*10 members", err)

    table = rows(run / "results.csv")
    assert list(table[0])[:7] == [
        "member",
        "seed",
        "optimizer.lr",
        "status",
        "outcome",
        "diverged_step",
        "epochs",
    ]
    assert {"train/loss", "val/loss", "test/loss", "best/val/loss", "error/w[0]", "error/b"} <= set(table[0])
    assert [row["member"] for row in table] == [str(number) for number in range(10)]
    assert [row["seed"] for row in table] == [str(number // 2) for number in range(10)]
    assert [row["optimizer.lr"] for row in table] == ["0.01", "0.1"] * 5
    assert {(row["status"], row["diverged_step"], row["epochs"]) for row in table} == {("completed", "", "6")}

    summary = rows(run / "summary.csv")
    columns = ["optimizer.lr", "n", "diverged", "median", "q25", "q75", "mean", "std"]
    assert list(summary[0])[:8] == columns
    for row in summary:
        values = [float(r["val/loss"]) for r in table if r["optimizer.lr"] == row["optimizer.lr"]]
        assert (row["n"], row["diverged"]) == ("5", "0")
        assert float(row["median"]) == pytest.approx(np.median(values), rel=1e-12)
        assert float(row["mean"]) == pytest.approx(np.mean(values), rel=1e-12)
        assert float(row["std"]) == pytest.approx(np.std(values, ddof=1), rel=1e-12)

    with np.load(run / "curves.npz", allow_pickle=False) as curves:
        assert curves["val/loss"].shape == (10, 7)
        assert curves["val/loss"][:, -1].tolist() == [float(row["val/loss"]) for row in table]
        assert curves["step"].tolist() == [0, 4, 8, 12, 16, 20, 24]
        assert curves["epoch"].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_the_resolved_file_repeats_the_sweep_to_the_byte(place, sweep):
    sweep("small.yaml", "--lr", "0.01:1:3", "--seeds", "3", "optimizer.momentum=0.5", "-q")
    first = place / "runs" / "small" / "sweep-0001"
    sweep(first / "experiment.yaml", "-q")
    second = place / "runs" / "small" / "sweep-0002"
    for name in ("experiment.yaml", "results.csv", "summary.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_the_report(place, sweep):
    out, _ = sweep("small.yaml", "--lr", "0.001:0.5:6")
    run = place / "runs" / "small" / "sweep-0001"
    found = medians(run)
    best = min(found, key=found.get)
    assert out.startswith("small: completed (30 members: 6 configurations x 5 seeds, in ")

    table = out.partition("───")[2].partition("\n")[2].partition("val/loss, median")[0]
    cells = [line.split() for line in table.splitlines() if line.strip()]
    assert [row[0] for row in cells] == [f"{rate:.4g}" for rate in sorted(found, key=found.get)]
    assert [row[1] for row in cells] == [f"{value:.3g}" for value in sorted(found.values())]
    assert {next(word for word in reversed(row) if word.isalpha()) for row in cells} <= {
        "improving",
        "converged",
        "oscillating",
    }

    assert "val/loss, median of 5 seeds" in out
    assert "learning rate (optimizer.lr)" in out
    assert "◆" in out
    result = read_json((run / "result.json").read_text())["best"]
    line = next(line for line in out.splitlines() if line.startswith("best: "))
    assert f"optimizer.lr={best:.4g}: val/loss {found[best]:.4g}" in line
    assert f"95% interval {result['low']:.4g} to {result['high']:.4g}" in line
    assert result["low"] <= result["median"] <= result["high"]
    tested = medians(run, "test/loss")
    assert f"test/loss {tested[best]:.4g}" in line
    assert "test" not in sweep("small.yaml", "--lr", "0.1,0.2", "dataset.num_test=0")[0]


@pytest.mark.parametrize("rates", ["0.001:0.5:6", "0.1,0.11,0.12,0.5", "0.01,0.5,0.6,1e9", "0.4,0.5,5,0.6"])
def test_the_usable_band_is_contiguous_around_the_best(place, sweep, rates):
    """At most twice the best median, and so is every rate between."""
    out, _ = sweep("small.yaml", "--lr", rates)
    found = sorted(medians(place / "runs" / "small" / "sweep-0001").items())
    best = min(range(len(found)), key=lambda index: found[index][1])
    low = high = best
    while low > 0 and found[low - 1][1] <= 2 * found[best][1]:
        low -= 1
    while high < len(found) - 1 and found[high + 1][1] <= 2 * found[best][1]:
        high += 1
    ends = f"{found[low][0]:.4g} to {found[high][0]:.4g} " if low < high else f"{found[low][0]:.4g} alone"
    expected = f"usable learning rates: {ends}"
    line = next(line for line in out.splitlines() if line.startswith("usable"))
    assert line.startswith(expected)
    assert ("below" in line) == (low == 0)
    assert ("above" in line) == (high == len(found) - 1)


@pytest.mark.parametrize(
    ("rates", "edge", "low", "high"),
    [
        ("1e-4,1e-3", "highest", 1e-3, 1),
        ("0.5,5,50", "lowest", 0.0005, 0.5),
        ("1e10,1e9", "lowest", 1e6, 1e9),
        ("0.5", "only one", 0.5 / 1000**0.5, 0.5 * 1000**0.5),
        ("1e-3,0.5,1e9", None, None, None),
    ],
)
def test_the_best_at_an_edge(sweep, rates, edge, low, high):
    """The advice is a range that can be given to --lr as it stands."""
    out, _ = sweep("small.yaml", "--lr", rates, code=1 if rates == "1e10,1e9" else 0)
    advice = re.search(r"warning: .* is the (.*) of the grid; try (--lr (\S+):(\S+):13)", out)
    if edge is None:
        assert advice is None
        return
    assert advice[1].endswith(edge)
    assert (float(advice[3]), float(advice[4])) == (pytest.approx(low, rel=0.1), pytest.approx(high, rel=0.1))
    sweep("small.yaml", *advice[2].split(), "--dry-run")


def test_configurations_that_cannot_be_told_apart(sweep):
    alike, _ = sweep("small.yaml", "--grid", "model.init.kind=default,zeros")
    assert re.search(r"not distinguishable from it over 5 seeds: \((default|zeros)\)", alike)
    apart, _ = sweep("small.yaml", "--lr", "1e-4,0.5")
    assert "not distinguishable" not in apart
    few, _ = sweep("small.yaml", "--lr", "1e-4,0.5", "--seeds", "4")
    assert "with fewer than 5 seeds no configuration can be told from another" in few
    one, _ = sweep("small.yaml", "--lr", "1e-4,0.5", "--seeds", "1")
    assert "interval" not in one
    assert re.search(r"\bnan\b", one) is None


def test_optimizers_are_compared_by_seed_and_budget(place, sweep):
    out, _ = sweep("grids.yaml")
    assert re.search(r"^sgd: best \S+, usable \S+ (to|alone)", out, re.MULTILINE)
    assert re.search(r"^adam: best \S+, usable (with \S+: )?\S+ (to|alone)", out, re.MULTILINE)
    line = re.search(
        r"^adam minus sgd, paired by seed: (\S+) \(95% interval (\S+) to ([^;)]+)", out, re.MULTILINE
    )
    low, middle, high = (float(line[index]) for index in (2, 1, 3))
    assert 0 < low <= middle <= high
    assert "warning: the budgets differ (sgd 3, adam 1 configurations)" in out
    table = rows(place / "runs" / "small" / "sweep-0001" / "results.csv")
    assert [row["optimizer.eps"] for row in table[:4]] == ["", "", "", "1e-09"]
    assert [row["optimizer.kind"] for row in table[:4]] == ["sgd", "sgd", "sgd", "adam"]

    equal, _ = sweep("small.yaml", "--lr", "0.01,0.1", "--grid", "optimizer.kind=sgd,adam")
    assert "budgets" not in equal


def test_one_seed_has_no_interval_between_optimizers(sweep):
    out, _ = sweep("small.yaml", "--lr", "0.01,0.1", "--grid", "optimizer.kind=sgd,adam", "--seeds", "1")
    assert "adam" in out
    assert re.search(r"\bnan\b", out) is None


def test_all_diverged(place, sweep):
    out, _ = sweep("small.yaml", "--lr", "1e9,1e10", code=1)
    joined = " ".join(out.split())
    assert "every configuration diverged" in joined
    assert re.search(
        r"times the largest stable one in mean square, for random batches of \d+, 1\.\d+;", joined
    )
    assert "best: " not in out
    again, _ = sweep("small.yaml", "--lr", "1e9,1e10", "--grid", "optimizer.momentum=0,0.5", code=1)
    assert "diverged in at least half of its seeds; try smaller learning rates" in again
    table = rows(place / "runs" / "small" / "sweep-0001" / "results.csv")
    assert {(row["status"], row["outcome"]) for row in table} == {("diverged", "diverged")}
    assert all(1 <= int(row["diverged_step"]) <= 24 for row in table)
    out, _ = sweep("small.yaml", "--lr", "1e9,1e10", "--json", "-q", code=1)
    result = read_json(out)
    assert (result["status"], result["diverged"], result["members"]) == ("completed", 10, 10)
    assert (result["best"]["median"], result["best"]["low"]) == (None, None)


def test_one_that_did_not_diverge_is_enough(place, sweep):
    out, _ = sweep("small.yaml", "--lr", "1e9,0.5")
    assert "best: optimizer.lr=0.5" in out
    summary = rows(place / "runs" / "small" / "sweep-0001" / "summary.csv")
    assert [row["diverged"] for row in summary] == ["5", "0"]


def test_json_is_the_result_and_nothing_else(place, sweep):
    out, err = sweep("small.yaml", "--lr", "0.01,0.5,1e9", "--json", "--quiet", "--run-dir", "here/mine")
    assert err == ""
    result = read_json(out)
    written = read_json((place / "here" / "mine" / "result.json").read_text())
    assert list(written)[-1] == "sha256"  # of the file alone
    assert written == result | {"sha256": written["sha256"]}
    assert not (place / "runs").exists()
    expected = {"schema": 2, "command": "sweep", "name": "small", "status": "completed", "members": 15}
    assert {key: result[key] for key in expected} == expected
    assert result["run_dir"] == "here/mine"
    assert (result["seeds"], result["keys"]) == ([0, 1, 2, 3, 4], ["optimizer.lr"])
    assert (result["metric"], result["mode"], result["diverged"]) == ("val/loss", "min", 5)
    assert {"timing", "environment", "best", "configurations"} <= set(result)
    assert [row["values"]["optimizer.lr"] for row in result["configurations"]] == [0.5, 0.01, 1e9]
    for row in result["configurations"]:
        assert {"n", "diverged", "median", "q25", "q75", "mean", "std"} <= set(row)
    assert result["configurations"][-1]["median"] is None


def test_quiet_says_nothing(place, sweep):
    assert sweep("small.yaml", "--lr", "0.1,0.2", "-q") == ("", "")
    assert read_json((place / "runs/small/sweep-0001/result.json").read_text())["status"] == "completed"


def test_another_metric_ranks(sweep):
    select = "sweep.select={metric: recovery/max_abs_error}"
    result = read_json(sweep("small.yaml", select, "--lr", "0.01,0.1", "--json", "-q")[0])
    assert result["metric"] == "recovery/max_abs_error"
    result = read_json(sweep("mlp.yaml", "sweep.select={metric: val/accuracy}", "--json", "-q")[0])
    assert (result["metric"], result["mode"]) == ("val/accuracy", "max")
    ranked = [row["median"] for row in result["configurations"]]
    assert ranked == sorted(ranked, reverse=True)


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            ["small.yaml"],
            [
                "65 members: 13 configurations x 5 seeds, ranked by val/loss",
                "1 population, 24 steps",
                "1 more",
            ],
        ),
        (["small.yaml", "--lr", "0.1,0.2", "--seeds", "1"], ["2 members: 2 configurations x 1 seed,"]),
        (
            ["mlp.yaml", "--grid", "model.hidden=[4],[2, 2]"],
            ["40 members: 8 configurations x 5 seeds", "2 populations, 30 steps", "2x2"],
        ),
        (
            ["small.yaml", "--lr", "0.1,0.2", "--memory", "1KB"],
            ["1 population in 5 parts, 120 steps"],
        ),
    ],
)
def test_a_dry_run_writes_nothing(place, sweep, words, lines):
    before = sorted(place.rglob("*"))
    out, _ = sweep(*words, "--dry-run")
    assert all(line in out for line in lines)
    assert re.search(r"about [\d,]+ MB of memory and \d+ (s|minutes|hours) of training", out)
    assert sorted(place.rglob("*")) == before


def test_a_dry_run_needs_no_torch(place):
    program = (
        "import sys\nfrom lrcli.cli.app import app\n"
        "app(['sweep', 'mlp.yaml', '--dry-run'], standalone_mode=False)\n"
        "app(['sweep', 'small.yaml', '--dry-run'], standalone_mode=False)\n"
        "assert not {'torch', 'tensorboard', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=place)


@pytest.mark.parametrize(("figures", "tensorboard"), [(False, False), (True, False), (False, True)])
def test_what_is_switched_off_is_not_written(place, sweep, figures, tensorboard):
    words = [f"logging.figures={figures}".lower(), f"logging.tensorboard={tensorboard}".lower()]
    sweep("small.yaml", "--lr", "0.1,0.2", *words, "-q")
    files = tree(place / "runs" / "small" / "sweep-0001")
    assert any(name.startswith("figures/") for name in files) == figures
    assert any(name.endswith("events") for name in files) == tensorboard


@pytest.mark.parametrize(("count", "written"), [(0, 0), (3, 3), (1000, 10)])
def test_event_files_of_members(place, sweep, count, written):
    sweep("small.yaml", "--lr", "0.1,0.2", "logging.tensorboard=true", "--tb-members", count, "-q")
    files = tree(place / "runs" / "small" / "sweep-0001")
    assert sum(name.startswith("member=") for name in files) == written
    assert len(set(files)) == len(files)
    if written == 3:
        assert "member=2,lr=0.1,seed=1/events" in files


@pytest.mark.parametrize("file", ["small", "mlp"])
def test_the_numbers_do_not_depend_on_how_it_is_cut(place, sweep, file):
    """Bit for bit where the model is linear and the optimizer SGD; to 1e-10 in float64 elsewhere."""
    lr = ["--lr", "0.01,0.1,0.5"] if file == "small" else []
    sweep(f"{file}.yaml", *lr, "-q")
    sweep(f"{file}.yaml", *lr, "-q", "--memory", "2KB" if file == "small" else "20KB")
    first, second = (place / "runs" / file / f"sweep-000{number}" / "results.csv" for number in (1, 2))
    if file == "small":
        assert first.read_bytes() == second.read_bytes()
    for one, other in zip(rows(first), rows(second), strict=True):
        assert {key: one[key] for key in ("member", "seed", "status", "epochs")} == {
            key: other[key] for key in ("member", "seed", "status", "epochs")
        }
        assert float(one["val/loss"]) == pytest.approx(float(other["val/loss"]), rel=1e-10)


# Where it is written.


def test_each_sweep_takes_the_next_number(place, sweep):
    for _ in range(3):
        sweep("small.yaml", "--lr", "0.1,0.2", "-q")
    assert [path.name for path in sorted((place / "runs" / "small").iterdir())] == [
        "sweep-0001",
        "sweep-0002",
        "sweep-0003",
    ]
    sweep("small.yaml", "--lr", "0.1,0.2", "-q", "--runs-dir", "elsewhere")
    assert (place / "elsewhere" / "small" / "sweep-0001" / "results.csv").exists()


@pytest.mark.usefixtures("machine_code")
def test_sweeps_at_once_never_share_a_directory(place):
    words = [sys.executable, "-m", "lrcli", "sweep", "small.yaml", "-q", "--lr"]
    rates = ["0.1,0.2", "0.3,0.4"]
    processes = [subprocess.Popen([*words, rate], cwd=place, stderr=subprocess.PIPE) for rate in rates]
    for process in processes:
        assert process.communicate(timeout=60)[1] == b""
        assert process.returncode == 0
    runs = sorted((place / "runs" / "small").iterdir())
    assert [run.name for run in runs] == ["sweep-0001", "sweep-0002"]
    grids = [yaml.safe_load((run / "experiment.yaml").read_text())["sweep"]["grid"] for run in runs]
    assert sorted(grid["optimizer.lr"]["values"][0] for grid in grids) == [0.1, 0.3]
    for run, grid in zip(runs, grids, strict=True):
        assert list(medians(run)) == grid["optimizer.lr"]["values"]


def test_a_directory_that_is_not_empty(place, sweep):
    (place / "mine").mkdir()
    (place / "mine" / "thesis.txt").write_text("chapter 1")
    out, err = sweep("small.yaml", "--lr", "0.1,0.2", "--run-dir", "mine", code=2)
    assert (out, err) == ("", "error: mine: is not empty, and nothing is ever overwritten\n")
    assert tree(place / "mine") == ["thesis.txt"]


def contents(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--lr", "0.1,0.3"], ["sweep.grid.optimizer.lr.values: [0.1, 0.2] there, [0.1, 0.3] here"]),
        (["--lr", "0.1,0.2", "--seeds", "3"], ["sweep.seeds: 5 there, 3 here"]),
        (["--lr", "0.1,0.2", "--memory", "2KB"], ["memory: 1000000000 there, 2000 here"]),
        (
            ["--lr", "0.1,0.2", "training.epochs=7", "loss.kind=mse"],
            ['loss.kind: "half_mse" there, "mse" here', "training.epochs: 6 there, 7 here"],
        ),
    ],
)
def test_a_directory_of_another_sweep(place, sweep, words, shown):
    sweep("small.yaml", "--lr", "0.1,0.2", "-q", "--run-dir", "mine")
    before = contents(place / "mine")
    out, err = sweep("small.yaml", *words, "--run-dir", "mine", code=2)
    assert out == ""
    assert err.startswith("error: mine: holds another sweep:\n")
    assert all(line in err for line in shown)
    assert contents(place / "mine") == before


def test_a_sweep_that_is_complete_is_left_alone(place, sweep):
    words = ["small.yaml", "--lr", "0.1,0.2", "--run-dir", "mine"]
    first, _ = sweep(*words, "--json", "-q")
    before = contents(place / "mine")
    assert sweep(*words, "--json", "-q") == (first, "")
    assert "complete" in "".join(sweep(*words))
    assert contents(place / "mine") == before


def test_a_complete_sweep_in_which_all_diverged_still_fails(sweep):
    words = ["small.yaml", "--lr", "1e9,1e10", "--run-dir", "mine", "-q"]
    sweep(*words, code=1)
    sweep(*words, code=1)


def test_a_sweep_that_was_stopped_goes_on_where_it_is(place, sweep, monkeypatch):
    words = ["small.yaml", "--lr", "0.1,0.2", "-q", "--memory", "1KB", "--run-dir"]
    sweep(*words, "whole")
    save, saved = running.save_outcome, []

    def save_three(path, *outcome):
        if len(saved) == 3:
            raise KeyboardInterrupt
        saved.append(path)
        save(path, *outcome)

    monkeypatch.setattr(running, "save_outcome", save_three)
    sweep(*words, "cut", code=130)
    assert read_json((place / "cut" / "result.json").read_text())["status"] == "interrupted"
    assert len(list((place / "cut" / "checkpoint").iterdir())) == 3
    monkeypatch.setattr(running, "save_outcome", save)
    sweep(*words, "cut")
    assert (place / "cut" / "results.csv").read_bytes() == (place / "whole" / "results.csv").read_bytes()
    assert not (place / "cut" / "checkpoint").exists()


def test_the_usable_band_is_that_of_the_best_group(place, sweep):
    """Momentum 0.9 explodes where none is still fine: the band of the best is its own, and says so."""
    grid = ["--lr", "0.001,0.01,0.1,0.3,1,3", "--grid", "optimizer.momentum=0,0.9"]
    out, _ = sweep("small.yaml", *grid, "training.batch_size=full", "training.epochs=60", "dataset.noise=0.1")
    found = rows(place / "runs" / "small" / "sweep-0001" / "summary.csv")
    best = min(found, key=lambda row: float(row["median"] or "inf"))
    own = [row for row in found if row["optimizer.momentum"] == best["optimizer.momentum"]]
    medians = [float(row["median"] or "inf") for row in own]
    low = high = own.index(best)
    while low > 0 and medians[low - 1] <= 2 * float(best["median"]):
        low -= 1
    while high < len(own) - 1 and medians[high + 1] <= 2 * float(best["median"]):
        high += 1
    ends = f"{float(own[low]['optimizer.lr']):.4g} to {float(own[high]['optimizer.lr']):.4g}"
    assert f"usable learning rates with momentum={best['optimizer.momentum']}: {ends}" in out


def test_parameters_that_the_data_leave_open_are_named(place, sweep):
    out, _ = sweep("small.yaml", "dataset.feature_std=[1.0, 0.0]", "--lr", "0.1,0.2", "--memory", "1KB")
    assert "The data do not determine w[1]: columns of the training data are constant" in out
    result = read_json((place / "runs" / "small" / "sweep-0001" / "result.json").read_text())
    assert result["reference"]["undetermined"] == ["w[1]"]
    out, _ = sweep("small.yaml", "dataset.num_train=2", "--lr", "0.1,0.2")
    assert "do not determine w[0], w[1], b: there are fewer training examples (2) than parameters (3)" in out
    assert "determine" not in sweep("small.yaml", "--lr", "0.1,0.2")[0]


def test_few_records_are_judged_by_what_is_possible(place, sweep):
    """Three records and a closed form: members that reach the noise floor have converged, but for chance."""
    sweep("small.yaml", "--lr", "1e-6,0.5", "dataset.noise=0.1", "training.epochs=3", "--seeds", "10", "-q")
    table = rows(place / "runs" / "small" / "sweep-0001" / "results.csv")
    slow, quick = (
        [row["outcome"] for row in table if row["optimizer.lr"] == rate] for rate in ("1e-06", "0.5")
    )
    assert set(slow) == {"improving"}
    assert quick.count("converged") >= 7


def test_decay_of_all_or_of_weights(program, place):
    """Two populations; a member without decay is the same in both, a bias that is not decayed is larger."""
    grid = ["--grid", "optimizer.decay=all,weights", "--grid", "optimizer.weight_decay=0,0.5"]
    program("sweep", "small.yaml", *grid, "--lr", "0.1", "--seeds", "2", "-q", "--run-dir", "swept")
    table = rows(place / "swept" / "results.csv")
    found = {
        (row["seed"], row["optimizer.decay"], float(row["optimizer.weight_decay"])): row for row in table
    }
    assert len(found) == 8
    for seed in "01":
        of_all, of_weights = (found[seed, decay, 0.0] for decay in ("all", "weights"))
        assert [of_all[key] == of_weights[key] for key in ("error/b", "train/loss")] == [True, True]
        of_all, of_weights = (abs(float(found[seed, decay, 0.5]["error/b"])) for decay in ("all", "weights"))
        assert of_weights < of_all
