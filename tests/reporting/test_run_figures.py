"""The figures of a run: the data behind each, and the files of all."""

import csv
import io
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from builders import EXPERIMENTS, trained_run

from lrcli.reporting import figure_style
from lrcli.reporting.drawing import Drawing, made_of, side_by_side
from lrcli.reporting.figure_files import FILE_TYPES, figure_bytes, figure_of, save_figures
from lrcli.reporting.runs.curves import curve_of, over_time
from lrcli.reporting.runs.figure_fit import fit, fitted
from lrcli.reporting.runs.figure_histograms import histograms, spreads
from lrcli.reporting.runs.figure_loss import loss, loss_curves, losses
from lrcli.reporting.runs.figure_path import loss_path
from lrcli.reporting.runs.figure_predictions import predicted
from lrcli.reporting.runs.figure_recovery import recovery_curves
from lrcli.reporting.runs.figure_regions import class_regions
from lrcli.reporting.runs.figures import KINDS, drawings, drawings_of_runs
from lrcli.reporting.runs.naming import labels_of

RUNS = {  # name of the experiment, other values, and the figures that it is to have
    "linear": ("linear", [], ["loss", "predictions", "path", "recovery"]),
    "polynomial": ("sine_polynomial", [], ["loss", "fit", "recovery"]),
    "single": ("sine_polynomial", ["dataset.num_train=1", "training.epochs=1"], ["loss", "fit"]),
    "line": ("sine_sorted", [], ["loss", "fit", "path", "recovery"]),
    "legendre": ("sine_legendre", ["training.epochs=200"], ["loss", "fit", "recovery"]),
    "sinusoid": (
        "sine_polynomial",
        ["model={kind: sinusoid}", "optimizer={kind: adam, lr: 0.01}"],
        ["loss", "fit", "recovery"],
    ),
    "xor": ("xor_mlp", ["training.epochs=80"], ["loss", "regions"]),
    "logistic": ("xor_linear", ["training.epochs=20"], ["loss", "regions", "path", "recovery"]),
    "two_logits": ("xor_mlp", ["training.epochs=40", "loss={kind: cross_entropy}"], ["loss", "regions"]),
    "classes_as_numbers": ("xor_mlp", ["training.epochs=40", "loss={kind: mse}"], ["loss", "regions"]),
    "network_of_numbers": (
        "linear",
        ["model={kind: mlp, hidden: [3]}", "logging.histograms=true", "logging.curvature=true"],
        ["loss", "predictions", "curvature", "histograms"],
    ),
    "diverged": ("linear", ["optimizer.lr=1e20"], ["loss", "predictions", "path", "recovery"]),
    "exploded": ("linear", ["optimizer.lr=2.5"], ["loss", "predictions", "path", "recovery"]),
    "one_epoch": ("linear", ["training.epochs=1"], ["loss", "predictions", "path", "recovery"]),
    "alone": (
        "linear",
        ["dataset.num_train=1", "dataset.num_val=0", "logging.evaluate_train=false"],
        ["loss", "predictions", "path"],
    ),
    "six_features": (
        "linear",
        ["dataset.w=[1, 2, 3, 4, 5, 6]", "loss={kind: l1, reduction: sum}", "optimizer.lr=0.001"],
        ["loss", "predictions", "recovery"],
    ),
    "still": ("linear", ["optimizer.lr=1e-30"], ["loss", "predictions", "path", "recovery"]),
    "huge": ("linear", ["dataset.b=1e30"], ["loss", "predictions", "path", "recovery"]),
    "perfect": (
        "linear",
        ["dataset.noise=0", "dtype=float64", "training.epochs=200", "optimizer.lr=0.5"],
        ["loss", "predictions", "path", "recovery"],
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Trained runs by name, each trained once."""
    known = {}

    def found(name):
        if name not in known:
            experiment, words, _ = RUNS[name]
            known[name] = trained_run(tmp_path_factory.mktemp(name) / "run", experiment, *words)
        return known[name]

    return found


# Files ------------------------------------------------------------------------------------------------


@pytest.fixture
def coarse(monkeypatch):
    """A third of the dots."""
    monkeypatch.setitem(figure_style._STYLE, "figure.dpi", 50)


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("name", RUNS)
def test_each_run_has_the_figures_that_make_sense(run, name):
    found = drawings(run(name))
    assert list(found) == RUNS[name][2]
    for drawing in found.values():
        assert_shows_something(figure_bytes(figure_of(drawing), "png", drawing=drawing))
        assert drawing.title
        assert drawing.description.endswith(".")
        assert "nan" not in drawing.description


def test_each_figure_has_two_files(run, tmp_path):
    found = drawings(run("xor"))
    save_figures(found, tmp_path / "figures")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        f"{kind}.{form}" for kind in found for form in ("png", "svg")
    }
    for kind in found:
        svg = (tmp_path / "figures" / f"{kind}.svg").read_text(encoding="utf-8")
        assert svg.count("<path") > 5


def assert_shows_something(png):
    pixels = matplotlib.image.imread(io.BytesIO(png))[:, :, :3]
    assert pixels.shape[1] > 200
    assert pixels.std() > 0.02
    colours = (pixels * 255).astype(np.int64) @ [1 << 16, 1 << 8, 1]
    assert len(np.unique(colours)) > 20


def test_every_kind_is_drawn_of_some_run():
    assert {kind for _, _, kinds in RUNS.values() for kind in kinds} == set(KINDS)


def test_the_same_run_is_the_same_bytes(run):
    drawing = drawings(run("xor"))["regions"]
    figures = [figure_of(drawing) for _ in range(2)]
    for file_type in FILE_TYPES:
        first, second = (figure_bytes(figure, file_type, drawing=drawing) for figure in figures)
        assert first == second
        for figure in figures:
            figure.set_layout_engine("none")  # where it lies is where it lay


@pytest.mark.usefixtures("coarse")
def test_nothing_reaches_beyond_the_figure(run):
    for name, sizes in {"linear": (None, (3.2, 2.6)), "logistic": ((3.2, 2.6),)}.items():
        for drawing in drawings(run(name)).values():
            for size in sizes:
                figure = figure_of(drawing, size=size)
                figure_bytes(figure, "png")
                box = figure.get_tightbbox()
                assert box.x0 >= -0.05
                assert box.y0 >= -0.05
                assert box.x1 <= figure.get_figwidth() + 0.05
                assert box.y1 <= figure.get_figheight() + 0.05


def test_one_that_cannot_be_drawn_takes_nothing_from_the_others(run, tmp_path):
    found = drawings(run("linear"))

    def broken(figure):
        raise ZeroDivisionError

    found["path"] = type(found["path"])("", "", broken)
    with pytest.warns(UserWarning, match="path: could not be drawn: ZeroDivisionError"):
        drawn = save_figures(found, tmp_path / "figures")
    assert list(drawn) == ["loss", "predictions", "recovery"]


def test_fonts_are_in_the_files_for_print(run):
    drawing = drawings(run("linear"))["loss"]
    screen = figure_bytes(figure_of(drawing), "svg")
    paper = figure_bytes(figure_of(drawing, "paper"), "svg", "paper")
    assert b"<text" in screen
    assert b"<text" not in paper  # outlines
    pdf = figure_bytes(figure_of(drawing, "paper"), "pdf", "paper")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf


def test_nothing_is_imported_before_something_is_drawn():
    code = (
        "import sys, lrcli.reporting.runs.figures, lrcli.reporting.runs.presentation\n"
        "assert not {'matplotlib', 'tensorboard', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Data -------------------------------------------------------------------------------------------------


def test_the_curves_of_loss_are_the_columns_of_metrics(run):
    xor = run("xor")
    with (Path(xor.result.run_dir) / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    curves = {curve.metric: curve for curve in loss_curves(xor)}
    assert list(curves) == ["train/loss", "val/loss", "train/accuracy", "val/accuracy"]
    for name, curve in curves.items():
        assert curve.x.tolist() == [float(row["epoch"]) for row in rows] == list(range(81))
        assert curve.y.tolist() == [float(row[name]) for row in rows]


def test_a_loss_of_batches_where_no_other_is_known(run):
    (curve,) = loss_curves(run("alone"))
    assert (curve.metric, curve.label) == ("train/running_loss", "training, in batches")
    assert curve.x.tolist() == [1, 2, 3]  # before training there is no batch


def test_a_curve_ends_where_it_is_no_number(run):
    diverged = run("diverged")
    assert diverged.result.status == "diverged"
    for curve in loss_curves(diverged):
        assert np.isfinite(curve.y).all()
        assert len(curve.x) == len(curve.y) < len(diverged.history.epoch)
    figure = figure_of(loss(diverged))
    assert f"diverged at step {diverged.result.diverged_step}" in figure.axes[0].get_title(loc="left")


def test_the_best_record_is_marked(run):
    xor = run("two_logits")
    best = replace(xor.result.best, epoch=17, value=0.625)
    figure = figure_of(loss(replace(xor, result=replace(xor.result, best=best))))
    (mark,) = (line for line in figure.axes[0].lines if line.get_label() == "best: epoch 17")
    assert (*mark.get_xdata(), *mark.get_ydata()) == (17, 0.625)


def test_the_fit_is_the_polynomial_and_the_truth_is_the_sine(run):
    polynomial = run("polynomial")
    found = fitted(polynomial)
    coef = polynomial.result.parameters["coef"]
    powers = sum(c * found.x**i for i, c in enumerate(coef))
    np.testing.assert_allclose(found.fitted, powers, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.truth, np.sin(found.x), atol=1e-15)
    assert found.epoch == 2000
    first, *_, last = found.earlier
    assert (first, last < 2000, len(found.earlier) > 2) == (0, True, True)
    start = polynomial.problem.initial["coef"][0]
    by_hand = sum(c * found.x**i for i, c in enumerate(start))
    np.testing.assert_allclose(found.earlier[0], by_hand, rtol=1e-6, atol=1e-6)
    x, y = found.examples["train"]
    np.testing.assert_allclose(y, np.sin(x), atol=1e-12)
    assert (x.min(), x.max()) == pytest.approx((-math.pi, math.pi))
    assert found.x[0] < x.min() < x.max() < found.x[-1]


def test_what_the_words_say_of_a_fit(run):
    found = fitted(run("polynomial"))
    inside = np.abs(found.x) <= math.pi
    gap = np.abs(found.fitted - found.truth)[inside].max()
    assert f"at most {gap:.3g} from the truth" in drawings(run("polynomial"))["fit"].description


def test_a_curve_is_said_to_be_fitted_to_the_training_examples_all_of_them(run):
    found = fitted(run("polynomial"))
    assert (found.count, found.examples["train"].shape) == (2000, (2, 500))
    assert (
        "fitted to 2,000 training examples in 2,000 epochs" in drawings(run("polynomial"))["fit"].description
    )


def test_a_fit_that_is_no_number_is_said_to_be_none(run):
    polynomial = run("line")
    broken = {name: np.full_like(values, np.inf) for name, values in polynomial.path.parameters.items()}
    path = replace(polynomial.path, parameters=broken)
    assert fit(replace(polynomial, path=path)).description.endswith(" It is not finite everywhere.")


def test_the_best_of_a_long_curve_is_among_its_points_and_in_its_words():
    values = np.full(100_000, 2.0)
    values[0], values[31_337], values[-1] = 5.0, 0.5, 1.0
    for metric, y in (("val/loss", values), ("val/accuracy", -values)):
        curve = curve_of(metric, "validation", np.arange(100_000), y)
        assert 31_337 in curve.x
        assert len(curve.x) < 1000
        assert "0.5 at epoch 31,337 as its best" in over_time([curve], "epoch", "").description


@pytest.mark.parametrize("name", ["linear", "xor"])
def test_there_is_no_curve_over_two_features(run, name):
    assert fitted(run(name)) is None


def test_examples_that_are_taken_for_another_class_are_crossed_out(run):
    xor = run("xor")
    crosses = {
        line.get_label(): line.get_xydata()
        for line in figure_of(drawings(xor)["regions"]).axes[0].lines
        if line.get_marker() == "x"
    }
    expected = [each.inputs[each.wrong] for each in class_regions(xor).examples.values()]
    assert list(crosses) == ["taken for another class"]
    assert crosses["taken for another class"].tolist() == np.concatenate(expected).tolist()


def test_more_classes_than_colours_are_named_where_they_are(tmp_path):
    words = ["dataset={kind: blobs, classes: 12}", "loss={kind: cross_entropy}", "training.epochs=2"]
    many = trained_run(tmp_path / "run", "xor_mlp", *words)
    axes = figure_of(drawings(many)["regions"]).axes[0]
    examples = class_regions(many).examples["train"]
    medians = {str(k): np.median(examples.inputs[examples.classes == k], axis=0).tolist() for k in range(12)}
    assert {text.get_text(): list(text.get_position()) for text in axes.texts} == medians
    labels = {text.get_text() for text in axes.get_legend().get_texts()}
    assert labels == {"training examples", "validation examples", "taken for another class"}


@pytest.mark.parametrize("name", ["xor", "two_logits", "classes_as_numbers"])
def test_regions_are_what_the_network_says(run, name):
    xor = run(name)
    found = class_regions(xor)
    metrics = xor.result.metrics
    for split in ("train", "val"):
        assert found.examples[split].share_wrong == pytest.approx(1 - metrics[f"{split}/accuracy"], abs=1e-9)
    w = {key: np.array(value) for key, value in xor.result.parameters.items()}
    for row, column in ((0, 0), (3, 200), (110, 111), (219, 219)):
        h = np.array([found.x[column], found.y[row]])
        for layer in (1, 2):
            h = np.maximum(h @ w[f"w{layer}"] + w[f"b{layer}"], 0)
        o = h @ w["w3"] + w["b3"]
        if name == "xor":
            expected = 1 / (1 + math.exp(-o[0]))
        elif name == "two_logits":
            expected = math.exp(o[1]) / (math.exp(o[0]) + math.exp(o[1]))
        else:
            expected = min(max(o[0], 0), 1)
        assert found.probabilities[row, column] == pytest.approx([1 - expected, expected], abs=1e-9)


def test_a_line_between_two_classes_is_where_both_are_as_likely(run):
    logistic = run("logistic")
    figure = figure_of(drawings(logistic)["regions"])
    (border,) = figure.axes[0].collections
    (w0, w1), b = np.ravel(logistic.result.parameters["w"]), logistic.result.parameters["b"][0]
    points = np.concatenate([path.vertices for path in border.get_paths()])
    assert len(points) > 10
    assert np.abs(points @ [w0, w1] + b).max() < 1e-3


def test_predictions_have_the_error_that_the_loss_says(run):
    linear = run("linear")
    found = predicted(linear)
    for split in ("train", "val"):
        assert found.rmse[split] ** 2 / 2 == pytest.approx(linear.result.metrics[f"{split}/loss"], rel=1e-5)
        true, outputs = found.pairs[split]
        examples = linear.problem.splits[split]
        shown = np.round(np.linspace(0, 999, 500)).astype(int)
        w, b = (np.array(linear.result.parameters[name]) for name in "wb")
        assert true.tolist() == examples.targets[0][shown, 0].tolist()
        assert outputs == pytest.approx((examples.inputs[0][shown] @ w + b)[:, 0])


def test_the_path_lies_over_the_loss(run):
    linear = run("linear")
    found = loss_path(linear)
    assert found.names == ("w[0]", "w[1]")
    assert found.held == {"b": linear.result.parameters["b"][0]}
    assert found.points[-1].tolist() == np.ravel(linear.result.parameters["w"]).tolist()
    assert found.target.tolist() == [2.0, -3.4]
    train, b = linear.problem.splits["train"], linear.result.parameters["b"][0]
    for row, column in ((0, 0), (60, 3), (17, 44)):
        errors = train.inputs[0] @ [found.x[column], found.y[row]] + b - train.targets[0][:, 0]
        assert found.loss[row, column] == pytest.approx(np.mean(errors**2) / 2)
    for point in (*found.points, found.target):
        assert found.x[0] <= point[0] <= found.x[-1]
        assert found.y[0] <= point[1] <= found.y[-1]


def test_the_path_of_a_line_is_that_of_its_two_numbers(run):
    found = loss_path(run("line"))
    assert (found.names, found.held) == (("w[0]", "b"), {})


def test_a_path_that_flies_off_leaves_the_target_in_sight(run):
    found = loss_path(run("diverged"))
    assert np.abs(found.points).max() > 100
    assert found.x[-1] - found.x[0] < 50
    assert found.x[0] < 2 < found.x[-1]


@pytest.mark.parametrize("name", ["linear", "polynomial", "sinusoid", "legendre"])
def test_errors_end_where_the_result_says(run, name):
    trained = run(name)
    curves = {curve.label: curve for curve in recovery_curves(trained)}
    rows = {row.name: abs(row.error) for row in trained.result.recovery}
    assert set(curves) == {"largest", "norm", *rows}
    for label, error in rows.items():
        assert curves[label].y[-1] == pytest.approx(error, rel=1e-9)
    assert curves["largest"].y[-1] == pytest.approx(max(rows.values()))
    errors = np.array([curves[label].y for label in rows])
    assert curves["largest"].y[0] == pytest.approx(errors[:, 0].max())
    assert curves["norm"].y[0] == pytest.approx(np.linalg.norm(errors[:, 0]))


def test_histograms_count_every_number(run):
    network = run("network_of_numbers")
    found = {spread.name: spread for spread in spreads(network)}
    assert list(found) == ["w1", "b1", "w2"]  # b2 is one number
    for name, spread in found.items():
        assert list(spread.counts) == [0, 1, 3]
        for epoch, counts in spread.counts.items():
            (index,) = np.flatnonzero(network.path.epoch == epoch)
            values = network.path.parameters[name][index].ravel()
            assert counts.sum() == values.size
            assert counts.tolist() == np.histogram(values, spread.edges)[0].tolist()
            assert spread.ranges[epoch] == (values.min(), values.max())


def test_what_the_words_say_of_numbers_that_have_gone_far(run):
    network = run("network_of_numbers")
    far = {name: values.copy() for name, values in network.path.parameters.items()}
    far["w1"][-1] *= 1e20
    far["w2"][-1] = np.nan
    said = histograms(replace(network, path=replace(network.path, parameters=far))).description
    first, last = far["w1"][0], far["w1"][-1]
    begin, end = (f"from {values.min():.3g} to {values.max():.3g}" for values in (first, last))
    assert f"The numbers of w1 lie {begin} at epoch 0, {end} at epoch 3." in said
    assert "nowhere, as none is finite, at epoch 3." in said


# Several runs -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rates(tmp_path_factory):
    place = tmp_path_factory.mktemp("rates")
    return [trained_run(place / rate, "linear", f"optimizer.lr={rate}") for rate in ("0.01", "0.03", "0.1")]


def test_runs_are_called_by_what_they_differ_in(rates, run):
    assert labels_of(rates) == ["lr=0.01", "lr=0.03", "lr=0.1"]
    assert len(set(labels_of([rates[0], rates[0]]))) == 2
    names = labels_of([rates[0], run("xor")])
    assert [name.rpartition("/")[2] for name in names] == ["0.01", "run"]


@pytest.mark.usefixtures("coarse")
def test_several_runs_share_their_axes(rates):
    runs = dict(zip(labels_of(rates), rates, strict=True))
    found = drawings_of_runs(rates)
    assert list(found) == ["loss", "predictions", "path", "recovery"]
    lines = {line.get_label(): line for line in figure_of(found["loss"]).axes[0].lines}
    assert list(lines) == list(runs)
    for label, each in runs.items():
        assert lines[label].get_ydata().tolist() == each.history.metrics["val/loss"][0].tolist()
    for drawing in found.values():
        assert_shows_something(figure_bytes(figure_of(drawing), "png"))


@pytest.mark.usefixtures("coarse")
def test_runs_that_have_little_in_common(run):
    found = drawings_of_runs([run("polynomial"), run("xor"), run("line")])
    assert list(found) == ["loss", "fit", "regions", "path", "recovery"]
    for drawing in found.values():
        assert_shows_something(figure_bytes(figure_of(drawing), "png"))


def test_panels_stand_in_rows_of_three(run):
    one = drawings(run("linear"))["loss"]
    drawn = side_by_side({str(number): one for number in range(7)})
    figure = figure_of(drawn)
    assert len(figure.subfigs) == 9
    assert sum(len(panel.axes) for panel in figure.subfigs) == 7
    assert drawn.description.count("train/loss") == 7


# The command ------------------------------------------------------------------------------------------


def test_figures_lie_beside_a_run_and_in_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from lrcli import api
    from lrcli.experiment.loading import load
    from lrcli.running.location import OutputLocation

    words = ["training.epochs=20", "logging.figures_every=10"]
    api.train(load(EXPERIMENTS / "xor_mlp.yaml", words), OutputLocation(run_dir=tmp_path / "run"))
    files = sorted(path.name for path in (tmp_path / "run" / "figures").iterdir())
    assert files == ["loss.png", "loss.svg", "regions.png", "regions.svg"]
    events = EventAccumulator(str(tmp_path / "run"), size_guidance={"images": 0}).Reload()
    images = events.Images("figures/regions")
    assert [image.step for image in images] == [500, 1000]
    assert len({image.encoded_image_string for image in images}) == 2
    last = (tmp_path / "run" / "figures" / "regions.png").read_bytes()
    assert images[-1].encoded_image_string == last
    assert json.loads((tmp_path / "run" / "result.json").read_text())["status"] == "completed"


def test_a_figure_that_cannot_be_made_is_missing():
    def broken(subject):
        raise ZeroDivisionError

    drawing = Drawing("", "", lambda figure: None)
    with pytest.warns(UserWarning, match="figure b: could not be made: ZeroDivisionError"):
        found = made_of(3, {"a": lambda subject: drawing, "b": broken, "c": lambda subject: None})
    assert found == {"a": drawing}


def test_thirty_runs_are_thirty_looks(rates):
    axes = figure_of(losses({str(i): rates[0] for i in range(30)})).axes[0]
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines}
    assert len(looks) == 30


@pytest.mark.parametrize("backend", ["nonsense", "module://matplotlib_inline.backend_inline", "agg", ""])
def test_a_backend_of_somebody_else_does_not_matter(backend, tmp_path):
    """A notebook hands its own on to what it starts."""
    known = ["agg"] if backend == "agg" else [None, backend]
    program = (
        "from lrcli.reporting.drawing import Drawing\n"
        "from lrcli.reporting.figure_files import save_figures\n"
        "from pathlib import Path\n"
        "assert save_figures({'a': Drawing('', '', lambda figure: figure.text(0, 0, 'a'))}, Path('out'))\n"
        "import matplotlib, os, sys\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        f"assert os.environ['MPLBACKEND'] == {backend!r}\n"
        f"assert matplotlib.get_backend(auto_select=False) in {known}\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    subprocess.run(command, check=True, cwd=tmp_path, env=os.environ | {"MPLBACKEND": backend})
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.png", "a.svg"}


# Odd runs ---------------------------------------------------------------------------------------------


def test_a_single_example_of_one_feature_has_a_fit(tmp_path):
    alone = ["dataset={kind: linear, w: [2], b: 1, num_train: 1, num_val: 0}", "training.epochs=1"]
    drawing = drawings(trained_run(tmp_path / "run", "linear", *alone))["fit"]
    assert "it is at most" in drawing.description


TINY = "dataset={kind: linear, w: [2, -3.4], b: 4.2, noise: 0, num_val: 0}"
ODD_SCALES = {  # of numbers along the side, from very small to very large
    "loss": [TINY, "optimizer.lr=0.1", "training.epochs=10", "logging={every: 1000, evaluate_train: false}"],
    "fit": ["dataset={kind: linear, w: [2e9], b: 0}", "training.epochs=1"],
    "path": ["dataset={kind: linear, w: [2, 1e9], b: 0}", "training.epochs=1"],
    "regions": [
        "dataset={kind: xor, low: -1e7, high: 1e7}",
        "model={kind: mlp, hidden: [2]}",
        "loss={kind: bce}",
        "training.epochs=1",
    ],
}


@pytest.mark.parametrize("kind", ODD_SCALES)
def test_no_power_of_ten_stands_where_the_legend_is(tmp_path, kind):
    figure = figure_of(drawings(trained_run(tmp_path / "run", "linear", *ODD_SCALES[kind]))[kind])
    figure_bytes(figure, "png")
    axis = figure.axes[0].yaxis
    assert axis.get_offset_text().get_text() == ""
    labels = [label.get_text() for label in axis.get_ticklabels()]
    assert len(set(labels)) == len(labels) > 1
    assert max(map(len, labels)) < 13


def test_a_loss_that_never_was_a_number_is_said_to_be_none(tmp_path):
    words = ["model={kind: polynomial, degree: 50}", "training.epochs=2"]
    figure = figure_of(drawings(trained_run(tmp_path / "run", "sine_polynomial", *words))["loss"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["no finite value"]
    assert not len(figure.axes[0].get_yticks())


def test_a_fit_is_in_its_picture_and_outliers_are_told_of(tmp_path):
    one = trained_run(tmp_path / "one", "sine_sorted", "dataset.num_train=1", "dataset.num_val=0")
    axes = figure_of(fit(one)).axes[0]
    low, high = axes.get_ylim()
    fitted_line = next(line for line in axes.lines if line.get_label().startswith("fitted"))
    assert low <= np.median(fitted_line.get_ydata()) <= high
    far = trained_run(tmp_path / "far", "sine_sorted", "dataset.outliers={0: 1000, 7: -1000000}")
    assert "2 examples lie far above or below" in fit(far).description
    axes = figure_of(fit(far)).axes[0]
    assert axes.get_ylim()[1] < 50
    assert "2 examples beyond the picture" in axes.get_title(loc="left")


def test_a_picture_that_cannot_be_drawn_is_told_of(tmp_path, monkeypatch, capsys):
    from lrcli.cli import figure as command
    from lrcli.errors import RunError

    def broken(figure):
        raise ZeroDivisionError

    with pytest.raises(RunError, match="could not be drawn: ZeroDivisionError"):
        command.write_figure(Drawing("", "", broken), tmp_path / "a.png", None, "screen")
    assert not (tmp_path / "a.png").exists()


def test_nothing_is_said_of_letters_that_the_font_lacks():
    """Warnings are errors in tests; those of other things still come through."""
    import warnings

    from lrcli.reporting.figure_style import quiet_about_glyphs

    def draw(figure):
        axes = figure.subplots()
        axes.set_title("\U0001f600 수치 தமிழ் العربية")
        axes.plot([1, 2])

    for look in ("screen", "paper"):
        figure = figure_of(Drawing("letters", "of all kinds", draw), look)
        for file_type in FILE_TYPES:
            assert figure_bytes(figure, file_type, look)
            figure.set_layout_engine("none")
    filters = list(warnings.filters)
    for message in ("Glyph 1 (A) missing", "constrained layout not applied"):
        with quiet_about_glyphs(), pytest.raises(UserWarning, match=message.partition(" (")[0]):
            warnings.warn(message, UserWarning, stacklevel=1)
    assert list(warnings.filters) == filters
