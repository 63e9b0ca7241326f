"""`lrcli export`: the numbers are those of the run's own files, and no text of them loses a bit."""

import csv
import io
import json
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from made_results import rewrite

from lrcli.storage.exporting import text

EXPERIMENT = """\
name: {name}
dataset: {{kind: linear, w: [2.0], b: 1.0, noise: 0.1, num_train: 20, num_val: 8, num_test: 8}}
model: {{kind: linear}}
loss: {{kind: mse}}
optimizer: {{kind: sgd, lr: 0.1}}
training: {{epochs: 6, batch_size: 5, early_stopping: {{metric: val/loss, patience: 2}}}}
logging: {{figures: false, tensorboard: false, report: false}}
"""
LONG = ["run", "member", "configuration", "seed", "epoch", "step", "metric", "value"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A directory with a run, and a sweep in which members stop early and diverge."""
    import lrcli

    directory = tmp_path_factory.mktemp("export")
    for name in ("line", "grid"):
        (directory / f"{name}.yaml").write_text(EXPERIMENT.format(name=name))
    lrcli.train(directory / "line.yaml", runs_dir=directory / "runs")
    grid = {"model.init.kind": ["default", "zeros"]}
    lrcli.sweep(
        directory / "grid.yaml", lr="1e-3,0.1,0.3,1e30", grid=grid, seeds=2, runs_dir=directory / "runs"
    )
    return directory


@pytest.fixture
def export(runs, lrcli_in):
    """Runs ``lrcli export`` beside the runs: the rows that it wrote to standard output, the header first."""

    def run(*words, code=0):
        done = lrcli_in(runs, "export", *words, code=code)
        return list(csv.reader(io.StringIO(done.stdout))) if code == 0 else done.stderr

    return run


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_has_the_records_of_its_metrics(runs, export):
    header, *rows = export("line")
    assert header == LONG
    expected = [
        ["line/train-0001", "0", "", "0", record["epoch"], record["step"], name, value]
        for record in read(runs / "runs/line/train-0001/metrics.csv")
        for name, value in list(record.items())[2:]
        if value != ""
    ]
    assert rows == expected


def test_a_wide_run_is_its_metrics(runs, export):
    header, *rows = export("line", "--wide")
    with (runs / "runs/line/train-0001/metrics.csv").open(newline="") as file:
        names, *records = csv.reader(file)
    assert header == ["run", "member", "seed", *names]
    assert rows == [["line/train-0001", "0", "0", *record] for record in records]


def test_a_member_has_the_records_of_its_replay(runs, export, lrcli_in):
    """Training alone is another way to the same records: which there are, and each bit of them."""
    whole = export("grid")
    statuses = [row["status"] for row in read(runs / "runs/grid/sweep-0001/results.csv")]
    assert {"diverged", "stopped_early", "completed"} <= set(statuses)
    for status in set(statuses):
        member = len(statuses) - 1 - statuses[::-1].index(status)
        lrcli_in(runs, "replay", "grid/sweep-0001", member, "--quiet", code=None)
        header, *alone = export("grid/train-0001", "--what", "curves")
        mine = [row for row in whole[1:] if row[1] == str(member)]
        assert whole[0] == header
        assert [row[3:] for row in mine] == [row[3:] for row in alone]
        shutil.rmtree(runs / "runs/grid/train-0001")


def test_configurations_are_words_of_a_command_line(runs, export):
    _, *rows = export("grid")
    found = {row[1]: row[2] for row in rows}
    assert found["0"] == "optimizer.lr=0.001 model.init.kind=default"
    assert found["3"] == "optimizer.lr=0.1 model.init.kind=zeros"
    members = read(runs / "runs/grid/sweep-0001/results.csv")
    for member in members:
        lr, kind = member["optimizer.lr"], member["model.init.kind"]
        assert found[member["member"]] == f"optimizer.lr={lr} model.init.kind={kind}"


def test_curves_of_a_sweep_read_back_to_the_same_bits(runs, export):
    header, *rows = export("grid", "--wide")
    assert header[:6] == ["run", "member", "optimizer.lr", "model.init.kind", "seed", "epoch"]
    curves = np.load(runs / "runs/grid/sweep-0001/curves.npz")
    epochs = curves["epoch"].tolist()
    assert set(header[7:]) == set(curves.files) - {"epoch", "step"}
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        at = int(cells["member"]), epochs.index(int(cells["epoch"]))
        for name in header[7:]:
            number = float(cells[name] or "nan")
            assert np.array_equal(number, curves[name][at], equal_nan=True)
    there = ~np.isnan([curves[name] for name in header[7:]]).all(axis=0)
    assert len(rows) == there.sum()


def test_results_are_those_of_the_sweep_and_of_the_run(runs, export):
    header, *rows = export("line", "grid", "--what", "results", "--wide")
    run, *members = [dict(zip(header, row, strict=True)) for row in rows]
    for found, member in zip(members, read(runs / "runs/grid/sweep-0001/results.csv"), strict=True):
        assert {**found, "epochs": found["epoch"]} == found | {**member, "run": "grid/sweep-0001"}
        diverged = member["status"] == "diverged"
        steps = int(member["diverged_step"]) - 1 if diverged else 4 * int(member["epochs"])
        assert int(found["step"]) == steps
    result = json.loads((runs / "runs/line/train-0001/result.json").read_text())
    assert (run["status"], run["epoch"], run["step"]) == (
        result["status"],
        str(result["epochs"]),
        str(result["steps"]),
    )
    assert {name: float(run[name]) for name in result["metrics"]} == result["metrics"]
    assert "test/loss" in result["metrics"]
    assert [float(run[f"error/{row['name']}"]) for row in result["recovery"]] == [
        row["error"] for row in result["recovery"]
    ]
    assert float(run["best/val/loss"]) == result["best"]["value"]
    assert run["optimizer.lr"] == ""


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("content", ["curves", "results"])
def test_parquet_holds_the_same_table(runs, export, lrcli_in, tmp_path, content, wide):
    words = ("line", "grid", "--what", content, *["--wide"][: int(wide)])
    header, *rows = export(*words)
    done = lrcli_in(runs, "export", *words, "-o", tmp_path / "new" / "table.parquet")
    assert done.stdout == f"{tmp_path / 'new' / 'table.parquet'}\n"
    frame = pl.read_parquet(tmp_path / "new" / "table.parquet")
    assert frame.columns == header
    for name, column in zip(header, zip(*rows, strict=True), strict=True):
        values = frame[name].to_list()
        if frame[name].dtype == pl.String:
            assert [value or "" for value in values] == list(column)
        else:
            assert values == [None if cell == "" else float(cell) for cell in column], name


def test_a_few_rows_at_a_time_are_the_same_rows(export, monkeypatch):
    whole = [export("line", "grid"), export("line", "grid", "--wide")]
    monkeypatch.setattr(text, "_CELLS", 40)
    assert [export("line", "grid"), export("line", "grid", "--wide")] == whole


def test_a_file_appears_whole_and_replaces_none(runs, lrcli_in, tmp_path):
    out = tmp_path / "curves.csv"
    printed = lrcli_in(runs, "export", "line").stdout
    lrcli_in(runs, "export", "line", "-o", out)
    assert out.read_text() == printed
    done = lrcli_in(runs, "export", "grid", "-o", out, code=2)
    assert "is there already" in done.stderr
    assert out.read_text() == printed
    assert [path.name for path in tmp_path.iterdir()] == ["curves.csv"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "nothing: is no run"),
        (["line", "line/train-0001"], "is named twice"),
        (["line", "--what", "curve"], "--what curve: must be curves or results"),
        (["line", "--format", "xml"], "--format xml: must be csv or parquet"),
        (["line", "--format", "parquet"], "name one with --out"),
        (["line", "-o", "a.xlsx"], "--out a.xlsx: must end in .csv or .parquet"),
        (["line", "-o", "a.csv", "--format", "parquet"], "the file ends in .csv"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(runs, export, words, told):
    assert told in export(*words, code=2)
    assert not (runs / "a.csv").exists()


def test_without_polars_there_is_no_parquet(runs, export, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    assert "pip install polars" in export("line", "-o", "a.parquet", code=2)
    assert export("line")


def test_a_sweep_whose_table_is_gone_says_how_to_get_it(runs, export):
    results = runs / "runs/grid/sweep-0001/results.csv"
    results.rename(results.with_suffix(".away"))
    try:
        assert "put it back, or have it made again by lrcli resume" in export("grid/sweep-0001", code=2)
    finally:
        results.with_suffix(".away").rename(results)


def test_curves_of_other_members_are_refused(runs, export):
    results = runs / "runs/grid/sweep-0001/results.csv"
    whole = results.read_text()
    results.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    result = results.with_name("result.json")
    sealed = result.read_bytes()
    try:
        assert "results.csv: has been damaged or changed" in export("grid/sweep-0001", code=2)
        rewrite(result, files={})
        assert "do not belong together" in export("grid/sweep-0001", code=2)
    finally:
        result.write_bytes(sealed)
        results.write_text(whole)


def test_it_needs_neither_torch_nor_what_draws(runs):
    line = ["export", "line", "--wide", "--runs-dir", str(runs / "runs")]
    code = (
        f"import sys\nfrom lrcli.cli.app import app\napp({line!r}, standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("run,member,")
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert loaded.isdisjoint({"torch", "numba", "scipy", "matplotlib", "polars", "tensorboard"})


@pytest.mark.skipif(sys.platform == "win32", reason="a reader that leaves is told by a signal")
def test_a_reader_may_leave_after_the_first_lines(runs):
    words = [sys.executable, "-m", "lrcli", "export", "line", "grid", "--runs-dir", str(runs / "runs")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == ",".join(LONG) + "\n"
        program.stdout.close()
        assert program.stderr.read() == ""
        assert program.wait() == 0


def test_a_run_that_was_killed_has_no_results(export, runs):
    run = runs / "killed"
    shutil.copytree(runs / "runs/line/train-0001", run)
    rewrite(run / "result.json", status="running", metrics={}, best=None, recovery=[], epochs=0, steps=0)
    assert export("killed", "--what", "results") == [LONG]
    assert len(export("killed")) > 1
