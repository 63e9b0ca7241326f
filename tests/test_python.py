"""lrcli as a library: what comes back, what is refused, and what is left as it was."""

import contextlib
import csv
import doctest
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from pages import ReadPage

import lrcli
from lrcli.api import calls, run_object, sweep_object, tables

REPOSITORY = Path(__file__).parents[1]
LINE = {
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "num_train": 40, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.1},
    "training": {"epochs": 4, "batch_size": 10},
    "logging": {"figures": False, "tensorboard": False},
}
FILE = "{dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, num_train: 40, num_val: 20}, model: {kind: linear}, \
loss: {kind: half_mse}, optimizer: {kind: sgd, lr: 0.1}, training: {epochs: 4, batch_size: 10}, \
logging: {figures: false, tensorboard: false}}"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("line.yaml").write_text(FILE)


def fresh(code):
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


# The import ---------------------------------------------------------------------------------------------


def test_the_import_loads_nothing():
    ours = "{name for name in sys.modules if name.startswith('lrcli')}"
    code = f"import sys; before = set(sys.modules); import lrcli; print(set(sys.modules) - before, {ours})"
    assert fresh(code) == "{'lrcli'} {'lrcli'}\n"


def test_every_name_is_there_and_described():
    code = "import lrcli; print(sorted(set(lrcli.__all__) - set(dir(lrcli))))"
    assert fresh(code) == "[]\n"
    for name in lrcli.__all__:
        assert getattr(lrcli, name)
        assert name.startswith("__") or getattr(lrcli, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        lrcli.trian  # noqa: B018


def test_names_stay_what_they_are_whatever_has_been_imported():
    """A part of the package that is called as one of them would take its place."""
    code = (
        "import importlib, pkgutil, lrcli, types\n"
        "for each in pkgutil.iter_modules(lrcli.__path__, 'lrcli.'):\n"
        "    if each.name != 'lrcli.__main__': importlib.import_module(each.name)\n"
        "print([n for n in lrcli.__all__ if isinstance(getattr(lrcli, n), types.ModuleType)])"
    )
    assert fresh(code) == "[]\n"


# A run --------------------------------------------------------------------------------------------------


def test_a_run_is_what_its_files_say():
    run = lrcli.train("line.yaml", {"optimizer.lr": 0.05}, seed=3)
    result = json.loads((run.directory / "result.json").read_text())
    assert run.directory == Path("runs/line/train-0001").absolute()
    assert (run.name, run.status, run.seed) == ("line", "completed", 3)
    assert run.metrics == result["metrics"]
    assert {name: values.tolist() for name, values in run.parameters.items()} == result["parameters"]
    assert run.experiment["optimizer"]["lr"] == 0.05
    assert run.best.value == result["best"]["value"]
    unknown = ("standard_error", "z")  # which are no numbers here: there is no noise
    columns = run.recovery | {name: [None] * 3 for name in unknown}
    assert all(np.isnan(run.recovery[name]).all() for name in unknown)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert [row | {"interval": None} for row in rows] == result["recovery"]
    with (run.directory / "metrics.csv").open() as file:
        header, *lines = csv.reader(file)
    assert list(run.curves) == header
    for name, cells in zip(header, zip(*lines, strict=True), strict=True):
        np.testing.assert_array_equal(run.curves[name], [float(cell or "nan") for cell in cells])
    assert run.path["w[0]"][-1] == run.parameters["w"][0, 0]
    again = lrcli.load("last")
    assert again.result == run.result
    assert repr(again) == f"<Run 'line': completed, seed 3, in {run.directory}>"
    with pytest.raises(AttributeError):
        run.directory = Path()


def test_a_mapping_is_as_good_as_a_file():
    other = LINE | {
        "name": "line",
        "dataset": LINE["dataset"] | {"w": np.array([2.0, -3.4]), "num_train": np.int64(40)},
        "optimizer": {"kind": "sgd", "lr": np.float64(0.1)},
        "training": {"epochs": 4, "batch_size": 10, "best": None},
    }
    every = ("line.yaml", Path("line.yaml"), other, json.loads(json.dumps(LINE)))
    runs = [lrcli.train(each) for each in every]
    for run in runs[1:]:
        assert run.parameters["w"].tobytes() == runs[0].parameters["w"].tobytes()
        assert run.metrics == runs[0].metrics
    assert [run.name for run in runs] == ["line", "line", "line", "experiment"]
    assert runs[2].result.source is None
    assert lrcli.train(runs[0].experiment).metrics == runs[0].metrics


@pytest.mark.parametrize(
    "overrides",
    [
        {"optimizer.lr": np.float32(0.5), "optimizer.kind": "rmsprop"},
        {"optimizer.lr": 0.5, "optimizer": {"kind": "rmsprop"}},
        ["optimizer.kind=rmsprop", "optimizer.lr=0.5"],
        {"optimizer": {"kind": "rmsprop", "lr": 0.5}},
    ],
    ids=str,
)
def test_overrides_in_every_form(overrides):
    optimizer = lrcli.train("line.yaml", overrides).experiment["optimizer"]
    assert (optimizer["kind"], optimizer["lr"]) == ("rmsprop", 0.5)


def test_paths_of_a_mapping_are_relative_to_the_current_directory():
    run = lrcli.train({"extends": "line.yaml", "optimizer": {"lr": 0.01}})
    assert run.experiment["optimizer"]["lr"] == 0.01


def test_what_diverged_comes_back():
    run = lrcli.train(LINE, {"optimizer.lr": 1e30})
    assert run.status == "diverged"
    assert "diverged" in run._repr_html_()


# Mistakes -----------------------------------------------------------------------------------------------


def circle():
    mapping = dict(LINE)
    mapping["expect"] = mapping
    return mapping


@pytest.mark.parametrize(
    ("experiment", "overrides", "told"),
    [
        (
            "line.yaml",
            {"optimizer.lr": -1, "training.epoch": 3},
            ["training.epoch: unknown", "optimizer.lr: must"],
        ),
        (
            LINE | {"seed": -1, "modle": 1, "loss": {"kind": "mze"}},
            None,
            ["loss.kind: unknown kind mze", "experiment: seed: must", "experiment: modle: unknown key"],
        ),
        (
            LINE | {"seed": {1, 2}, "device": object()},
            None,
            ["experiment.seed: a set", "experiment.device: a"],
        ),
        (LINE | {"dataset": {1.5: 2}}, None, ["experiment.dataset: a key must be text, not 1.5"]),
        (LINE | {"dataset": {1: 2, "1": 3}}, None, ["the key 1 is given twice"]),
        (LINE, {"optimizer.lr": float("nan")}, ["optimizer.lr"]),
        (LINE | {"optimizer": {"kind": "sgd", "lr": float("inf")}}, None, ["must be a finite number"]),
        ({}, None, ["the key dataset is missing"]),
        ("none.yaml", None, ["none.yaml"]),
        (circle(), None, ["is nested more than 40 levels deep"]),
        (LINE | {"description": "a\x00b\ud800"}, None, ["experiment"]),
    ],
    ids=range(11),
)
def test_all_mistakes_at_once(experiment, overrides, told):
    with pytest.raises(lrcli.ExperimentError) as caught:
        lrcli.train(experiment, overrides)
    mistakes = caught.value.mistakes
    assert len(mistakes) == len(told)
    for mistake, part in zip(mistakes, told, strict=True):
        assert part in mistake
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "call",
    [
        lambda: lrcli.train(3),
        lambda: lrcli.train("line.yaml", "optimizer.lr=1"),
        lambda: lrcli.train("line.yaml", [1]),
        lambda: lrcli.train("line.yaml", ["optimizer.lr"]),
        lambda: lrcli.load("nothing"),
        lambda: lrcli.sweep("line.yaml", lr="1:2"),
        lambda: lrcli.sweep("line.yaml", seeds=0),
        lambda: lrcli.sweep("line.yaml", grid={"optimizer.lrr": [1]}),
        lambda: lrcli.resume("line.yaml"),
        lambda: lrcli.train(LINE).figure("fitt"),
    ],
    ids=range(10),
)
def test_mistakes_of_a_call(call):
    with pytest.raises(lrcli.UsageError):
        call()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: lrcli.load(3), "a run is a Run or a Sweep, its directory or its name, not a int"),
        (lambda: lrcli.load(None), "not a NoneType"),
        (lambda: lrcli.resume(LINE), "a run is a Run or a Sweep, its directory or its name, not a dict"),
        (lambda: lrcli.replay(3), "a sweep is a Sweep, its directory or its name, not a int"),
        (lambda: lrcli.replay(b"runs", 0), "not a bytes"),
        (lambda: lrcli.runs(3), "a pattern is a text such as 'linear*', not a int"),
        (
            lambda: lrcli.resume(lrcli.train(LINE), {"training.epochs": 1}),
            "training.epochs=1: the run trains for 4 already, and none are taken back",
        ),
        (lambda: lrcli.replay(lrcli.train(LINE)), "train-0001: holds a run of lrcli train, not a sweep"),
        (lambda: lrcli.replay(lrcli.train(LINE), 0), "train-0001: holds a run of lrcli train, not a sweep"),
    ],
    ids=range(9),
)
def test_what_is_no_run_is_told_in_a_sentence(call, said):
    with pytest.raises(lrcli.UsageError) as caught:
        call()
    assert str(caught.value).endswith(said)


def test_a_run_is_given_by_itself_its_directory_or_its_name():
    run, sweep = lrcli.train(LINE), lrcli.sweep(LINE, lr=[0.01, 0.1], seeds=2)
    for given in (run, run.directory, str(run.directory), "experiment/train-0001"):
        assert lrcli.load(given).result == run.result
    for given in (sweep, sweep.directory, "experiment/sweep-0001", "experiment"):
        assert lrcli.load(sweep).result == sweep.result
        assert lrcli.replay(given, 1).metrics["val/loss"] == sweep.members["val/loss"][1]
    for given in (run, sweep, sweep.directory, "experiment/sweep-0001"):
        assert lrcli.resume(given).result == lrcli.load(given).result


# Sweeps -------------------------------------------------------------------------------------------------

GRID = {"optimizer.momentum": [0, 0.9], "model.init.kind": ("default", "zeros")}


def test_a_sweep_is_what_its_files_say():
    sweep = lrcli.sweep(LINE, lr=np.array([0.01, 0.1]), grid=GRID, seeds=[3, 5])
    assert (sweep.status, sweep.seeds) == ("completed", (3, 5))
    for table, file in ((sweep.members, "results.csv"), (sweep.summary, "summary.csv")):
        with (sweep.directory / file).open() as lines:
            header, *rows = csv.reader(lines)
        assert list(table) == header
        assert {len(column) for column in table.values()} == {len(rows)}
        assert {column.ndim for column in table.values()} == {1}
    assert sweep.summary["model.init.kind"].tolist() == ["default", "zeros"] * 4
    assert sweep.members["optimizer.lr"].tolist() == [0.01] * 4 + [0.1] * 4 + [0.01] * 4 + [0.1] * 4
    best = np.argmin(sweep.summary["median"])
    assert sweep.best.values["optimizer.lr"] == sweep.summary["optimizer.lr"][best]
    assert sweep.ranking["median"].tolist() == sorted(sweep.summary["median"])
    assert sweep.curves["val/loss"].shape == (16, 5)
    np.testing.assert_array_equal(sweep.curves["val/loss"][:, -1], sweep.members["val/loss"])
    alone = lrcli.replay(sweep, 3)
    assert alone.metrics["val/loss"] == sweep.members["val/loss"][3]
    again = lrcli.load(sweep.directory)
    assert again.result == sweep.result
    assert lrcli.resume(again).result == sweep.result
    assert repr(again) == f"<Sweep 'experiment': completed, 16 members, in {sweep.directory}>"


def test_values_in_every_form():
    forms = ("0.01:1:3", [0.01, 0.1, 1.0], {"log_range": [0.01, 1, 3]}, "0.01,0.1,1")
    for rates in forms:
        sweep = lrcli.sweep("line.yaml", lr=rates, seeds=1)
        np.testing.assert_allclose(sweep.summary["optimizer.lr"], [0.01, 0.1, 1], rtol=1e-12)


def test_frames_take_the_tables_as_they_are():
    sweep = lrcli.sweep(LINE, lr=[0.01, 1e30], grid=GRID, seeds=2)
    run = lrcli.replay(sweep, 0)
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    for table in (sweep.members, sweep.summary, sweep.ranking, run.curves, run.recovery, run.path):
        for make in (pandas.DataFrame, polars.DataFrame):
            frame = make(table)
            assert list(frame.columns) == list(table)
            assert len(frame) == len(next(iter(table.values())))
    assert polars.DataFrame(run.recovery)["name"].to_list() == ["w[0]", "w[1]", "b"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "i"),
        ([1, None], "f"),
        ([True, False], "b"),
        ([1, True], "O"),
        (["a", 1], "O"),
        ([[1], [2]], "O"),
        ([], "O"),
    ],
    ids=str,
)
def test_columns(values, kind):
    made = tables.column(values)
    assert (made.dtype.kind, made.shape) == (kind, (len(values),))


# Finding ------------------------------------------------------------------------------------------------


def test_runs_are_listed_in_the_order_of_their_beginning():
    assert lrcli.runs() == []
    made = [lrcli.train("line.yaml", seed=1), lrcli.train(LINE), lrcli.sweep("line.yaml", lr=[0.1], seeds=1)]
    for number, each in enumerate(made):
        os.utime(each.directory / "experiment.yaml", (1e9 + number, 1e9 + number))
    assert [each.directory for each in lrcli.runs()] == [each.directory for each in made]
    assert [each.directory for each in lrcli.runs("line")] == [made[0].directory, made[2].directory]
    assert [each.directory for each in lrcli.runs("*/train-*")] == [made[0].directory, made[1].directory]
    assert [each.directory for each in lrcli.runs(runs_dir=Path("runs/line"))] != []
    (made[1].directory / "result.json").write_text('{"command": "train"}')
    with pytest.warns(UserWarning, match="has been damaged"):
        assert len(lrcli.runs()) == 2


def test_a_run_without_files_is_still_shown():
    run = lrcli.train(LINE)
    (run.directory / "metrics.csv").unlink()
    assert "<img" not in run._repr_html_()
    with pytest.raises(lrcli.RunDirectoryError):
        run.curves  # noqa: B018


# What is left as it was ---------------------------------------------------------------------------------


def state():
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    tiny = (np.float64(1e-310) * 1).tobytes()  # zero where denormal numbers are flushed, also to compare
    hooks = signal.getsignal(signal.SIGINT), sys.unraisablehook, sys.excepthook
    return hooks, dict(mpl.rcParams), threads, gc.isenabled(), tiny, np.geterr()


@pytest.mark.parametrize(("engine", "figures"), [("auto", True), ("torch", False)])
def test_runs_in_threads_are_those_of_one_after_the_other(engine, figures):
    import torch

    torch.set_num_threads(2)
    words = {"engine": engine, "logging.figures": figures, "training.epochs": 30}
    torch.set_flush_denormal(False)
    before, found = state(), {}
    alone = [lrcli.train(LINE, words, seed=seed) for seed in range(2)]
    assert state() == before

    def train(seed):
        found[seed] = lrcli.train(LINE, words, seed=seed)

    threads = [threading.Thread(target=train, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, run in enumerate(alone):
        assert found[seed].metrics == run.metrics
        assert found[seed].parameters["w"].tobytes() == run.parameters["w"].tobytes()
        assert bool(list(found[seed].directory.glob("figures/*.png"))) == figures
    assert state() == before


def test_it_is_quiet_unless_asked(capfd):
    lrcli.sweep(LINE, lr=[0.1], seeds=1)
    lrcli.train(LINE)
    assert capfd.readouterr() == ("", "")
    lrcli.train(LINE, progress=True)
    lrcli.sweep(LINE, seeds=1, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch 4/4" in err
    assert "no grid was asked for" in err


@contextlib.contextmanager
def pressed_when(file):
    """Ctrl-C, once some file is there."""

    def press():
        while not ended.wait(0.05):
            if any(Path().glob(file)):
                signal.raise_signal(signal.SIGINT)
                return

    ended = threading.Event()
    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_ctrl_c_leaves_a_saved_run():
    before = state()
    long = {"training.epochs": 10**7, "logging.every": 1000}
    with pressed_when("runs/*/*/metrics.csv"), pytest.raises(KeyboardInterrupt, match=r"lrcli\.resume"):
        lrcli.train(LINE, long)
    run = lrcli.load("last")
    assert run.status == "interrupted"
    assert run.parameters["w"].shape == (2, 1)
    assert len(run.curves["epoch"]) > 0
    assert state() == before


# In a notebook ------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, html):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_a_run_shows_itself_safely():
    run = lrcli.train(LINE, run_dir="<script>alert('x')<b>")
    page = Elements(run._repr_html_())
    tags = {tag for tag, _ in page.found}
    assert tags <= {"div", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td", "img"}
    assert "<script>alert('x')<b>" in page.text
    assert "completed (4 epochs, 16 steps" in page.text
    assert "w[1]" in page.text
    pictures = [each for tag, each in page.found if tag == "img"]
    assert [each["src"][:30] for each in pictures] == ["data:image/png;base64,iVBORw0K"]
    assert all(each["alt"] for each in pictures)


def test_a_run_shows_standard_errors_and_sets_numbers_to_the_right():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(3, 2, 30), rng.normal(0, 1, 30)
    rows = [f"{a!r},{b!r}" for a, b in zip(x.tolist(), (2 * x + 1 + noise).tolist(), strict=True)]
    Path("t.csv").write_text("\n".join(["x,y", *rows]))
    data = {"kind": "csv", "path": "t.csv", "target": "y", "split": {"train": 1}}
    run = lrcli.train(LINE | {"dataset": data, "loss": {"kind": "mse"}, "dtype": "float64"})
    design = np.column_stack([x, np.ones(30)])
    fitted, (squares,), *_ = np.linalg.lstsq(design, 2 * x + 1 + noise, rcond=None)
    errors = np.sqrt(squares / 28 * np.diag(np.linalg.inv(design.T @ design)))
    page = ReadPage(run._repr_html_())
    parameters = page.tables["Parameters"]
    assert parameters.headings == ["parameter", "best possible", "std. error", "learned", "error"]
    assert [float(cell) for cell in parameters.column("std. error")] == pytest.approx(errors, rel=1e-5)
    assert [float(cell) for cell in parameters.column("best possible")] == pytest.approx(fitted, rel=1e-5)
    sides = [found["style"] for tag, found in page.elements if tag in {"th", "td"}]
    of_parameters, of_metrics = sides[:15], sides[15:]
    assert of_parameters == ["text-align: left", *["text-align: right"] * 4] * 3
    assert of_metrics == ["text-align: left", "text-align: right"] * (1 + len(run.metrics))


def test_a_sweep_shows_itself():
    page = Elements(lrcli.sweep(LINE, lr=[0.01, 0.1], seeds=2)._repr_html_())
    assert "completed (4 members, 0 diverged)" in page.text
    assert "optimizer.lr" in page.text
    assert sum(tag == "img" for tag, _ in page.found) == 2


def test_figures_are_those_of_matplotlib():
    run = lrcli.train(LINE)
    before = state()
    assert run.figures[0] == "loss"
    figure = run.figure("loss", style="paper", size=(4, 3))
    assert isinstance(figure, Figure)
    assert figure.get_size_inches().tolist() == [4, 3]
    figure.savefig("loss.pdf")
    assert Path("loss.pdf").read_bytes().startswith(b"%PDF")
    assert run.figure()._repr_png_().startswith(b"\x89PNG")
    assert state() == before


# Examples -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in lrcli.__all__ if not name.startswith("_")])
def test_the_examples_of_the_reference_run(name, capsys):
    Path("experiments").mkdir()
    text = (REPOSITORY / "experiments" / "linear.yaml").read_text(encoding="utf-8")
    quick = "\nlogging: {figures: false, tensorboard: false, report: false}\n"
    Path("experiments/linear.yaml").write_text(text + quick, encoding="utf-8")
    described = getattr(lrcli, name)
    if described.__module__ not in {calls.__name__, run_object.__name__, sweep_object.__name__}:
        return  # an error
    tests = doctest.DocTestFinder(recurse=False).find(described, name)
    results = [doctest.DocTestRunner().run(test) for test in tests]
    assert sum(result.attempted for result in results) > 1
    assert not any(result.failed for result in results), capsys.readouterr().out
