"""The figures of sweeps: what is on their axes, and the files of them."""

import os
import subprocess
import sys

import numpy as np
import pytest
from valleys import RATES, cases, product, valley

from lrcli.analysis.statistics import scores
from lrcli.reporting.figure_files import figure_bytes, figure_of, save_figures
from lrcli.reporting.sweeps import figures
from lrcli.reporting.sweeps.figures import drawings

CASES = cases()


def final_metric(results):
    return figure_of(figures.final_metric(results))


def metric_map(results):
    return drawn(figures.metric_map(results))


def recovery_error(results):
    return drawn(figures.recovery_error(results))


def training_loss(results):
    return drawn(figures.training_loss(results))


def drawn(drawing):
    return None if drawing is None else figure_of(drawing)


def write_figures(results, directory):
    save_figures(drawings(results), directory)
    return sorted(directory.iterdir())


DRAWN = {
    "one_configuration": ["final_metric"],
    "categories": ["final_metric"],
    "categories_diverged": ["final_metric"],
    "many_rows": ["final_metric"],
    "all_diverged": ["final_metric", "training_loss"],
    "two_keys": ["final_metric", "training_loss", "recovery_error", "metric_map"],
    "many_lines": ["final_metric", "training_loss", "recovery_error", "metric_map"],
}


@pytest.mark.parametrize("case", CASES)
def test_the_figures_that_make_sense_whole_and_without_warnings(case):
    expected = DRAWN.get(case, ["final_metric", "training_loss", "recovery_error"])
    found = drawings(CASES[case])
    assert list(found) == expected
    for figure in map(figure_of, found.values()):
        assert figure_bytes(figure, "png").startswith(b"\x89PNG")
        assert_nothing_is_cut_off(figure)


def assert_nothing_is_cut_off(figure):
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    assert min(min(box.x0, box.y0) for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.width
    assert max(box.y1 for box in boxes) <= figure.bbox.height


def test_files_in_both_formats(tmp_path):
    paths = write_figures(CASES["rate"], tmp_path / "figures")
    assert {path.name for path in paths} == {
        f"{name}.{form}"
        for name in ("final_metric", "training_loss", "recovery_error")
        for form in ("png", "svg")
    }
    svg = (tmp_path / "figures" / "final_metric.svg").read_text(encoding="utf-8")
    for text in (
        "learning rate (optimizer.lr)",
        "val/loss",
        "median of 40 seeds",
        "diverged, %",
        "best: lr=0.1",
    ):
        assert text in svg
    heatmap = (tmp_path / "figures" / "training_loss.svg").read_text(encoding="utf-8")
    for text in ("epoch", "train/loss", "most members diverged"):
        assert text in heatmap


def test_the_same_results_are_the_same_bytes(tmp_path):
    first, second = (write_figures(CASES["mixed"], tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_pngs_are_as_wide_as_a_page_at_150_dots_per_inch():
    png = figure_bytes(final_metric(CASES["rate"]), "png")
    assert int.from_bytes(png[16:20], "big") == 945  # 16 cm


def test_matplotlib_is_imported_when_something_is_drawn():
    code = (
        "import sys, lrcli.reporting.sweeps.figures\n"
        "from lrcli.reporting.figure_files import figure_of\n"
        "assert not {'matplotlib', 'tensorboard', 'torch'} & set(sys.modules)\n"
        "from valleys import product, valley\n"
        "results = valley(product(optimizer__lr=[0.1, 0.2]))\n"
        "[figure_of(each) for each in lrcli.reporting.sweeps.figures.drawings(results).values()]\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": "tests"})


def lines_of(axes):
    return {line.get_label(): line.get_xydata() for line in axes.lines}


def test_the_lines_are_numpys_medians_and_shares():
    results = CASES["rate"]
    top, bottom = final_metric(results).axes
    x, y = lines_of(top)["median"].T
    assert x == pytest.approx(RATES)
    with np.errstate(invalid="ignore"):
        median = np.quantile(scores(results), 0.5, axis=0)
    finite = np.isfinite(median)
    assert y[finite] == pytest.approx(median[finite])
    assert np.isnan(y[~finite]).all()
    assert bottom.lines[0].get_ydata() == pytest.approx(100 * np.mean(results.status == "diverged", axis=0))
    (best,) = lines_of(top)["best: lr=0.1"]
    assert best == pytest.approx([0.1, np.nanmin(median)])


def test_the_bands_are_numpys_quantiles():
    results = CASES["one_configuration"]
    many = valley(product(optimizer__lr=RATES[:10]))  # none diverges
    outer, inner = final_metric(many).axes[0].collections
    for band, bounds in ((outer, (0.1, 0.9)), (inner, (0.25, 0.75))):
        drawn = band.get_paths()[0].vertices
        for y in np.quantile(scores(many), bounds, axis=0):
            points = np.column_stack([RATES[:10], y])
            assert np.abs(drawn[:, None] - points).max(axis=2).min(axis=0).max() < 1e-12
    outer, inner = final_metric(results).axes[0].collections
    for band, bounds in ((outer, (0.1, 0.9)), (inner, (0.25, 0.75))):
        drawn = band.get_segments()[0][:, 0]
        assert drawn == pytest.approx(np.quantile(scores(results), bounds, axis=0)[:, 0])


def test_axes_are_logarithmic_where_they_should_be():
    def scales(axes):
        return axes.get_xscale(), axes.get_yscale()

    assert scales(final_metric(CASES["rate"]).axes[0]) == ("log", "log")
    assert scales(recovery_error(CASES["rate"]).axes[0]) == ("log", "log")
    assert scales(training_loss(CASES["rate"]).axes[0]) == ("linear", "log")
    assert scales(final_metric(CASES["accuracy"]).axes[0]) == ("log", "linear")
    assert scales(final_metric(CASES["zero"]).axes[0])[0] == "symlog"
    assert scales(metric_map(CASES["two_keys"]).axes[0]) == ("log", "linear")
    evenly = valley(product(optimizer__lr=[0.01, 0.02, 0.03, 0.04]))
    assert final_metric(evenly).axes[0].get_xscale() == "linear"


def test_a_line_for_each_optimizer():
    axes = final_metric(CASES["optimizers"]).axes[0]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[:3] == ["optimizer=sgd, momentum=0", "optimizer=sgd, momentum=0.9", "optimizer=adam"]
    assert len(lines_of(axes)["optimizer=adam"]) == 20


def test_eight_lines_at_most():
    axes = final_metric(CASES["many_lines"]).axes[0]
    assert len([name for name in lines_of(axes) if name.startswith("batch_size")]) == 8
    assert axes.get_title(loc="left").endswith("the 8 best of 12 lines")


def test_the_heatmap_is_the_median_curves():
    results = CASES["rate"]
    mesh = training_loss(results).axes[0].collections[-1]
    drawn = mesh.get_array().filled(np.nan)
    assert drawn.shape == (25, 30)
    slow = RATES[:10]
    expected = np.median(results.curves["train/loss"][:, : len(slow)], axis=0)
    assert drawn[: len(slow)] == pytest.approx(expected)
    assert np.isnan(drawn[-1, -1])  # diverged: the hatch shows


def test_records_at_other_epochs_are_held():
    results = valley(product(optimizer__lr=RATES[:3]), records=4)
    epoch = results.epoch.copy()
    epoch[1] = [2, 4, -1, -1]
    changed = {**vars(results), "epoch": epoch}
    mesh = training_loss(type(results)(**changed)).axes[0].collections[-1]
    row = mesh.get_array().filled(np.nan)[1]
    first, second = np.median(results.curves["train/loss"][:, 1, :2], axis=0)
    assert row == pytest.approx([np.nan, first, first, second], nan_ok=True)


def test_the_map_has_each_median_in_its_cell():
    results = CASES["two_keys"]
    mesh = metric_map(results).axes[0].collections[-1]
    drawn = mesh.get_array().filled(np.nan)
    assert drawn.shape == (4, 25)
    with np.errstate(invalid="ignore"):
        median = np.quantile(scores(results), 0.5, axis=0).reshape(25, 4).T
    finite = np.isfinite(median)
    assert drawn[finite] == pytest.approx(median[finite])
    assert np.isnan(drawn[~finite]).all()


def test_what_is_about_to_diverge_leaves_room_for_the_rest():
    results = valley(product(optimizer__lr=RATES), seeds=5)
    results.final["val/loss"][:, 20] = 1e30
    status = np.full_like(results.status, "completed")
    status[:, 21:] = "diverged"
    axes = final_metric(type(results)(**{**vars(results), "status": status})).axes[0]
    assert axes.get_ylim()[1] < 1e8


def test_zeros_and_equal_values_have_axes():
    for value in (0.0, 2.5):
        results = valley(product(optimizer__lr=RATES[:5]), seeds=3)
        results.final["val/loss"][:] = value
        axes = final_metric(results).axes[0]
        low, high = axes.get_ylim()
        assert low < value < high


def test_long_and_strange_values_stay_inside():
    name = "$x_1^{$ " + "a long name " * 12
    lines = valley(product(optimizer__lr=RATES[:4], model__init=[name, name + "2"]), seeds=2)
    rows = valley(product(model__init=[name, name + "2"]), seeds=2)
    for figure in map(figure_of, (*drawings(lines).values(), *drawings(rows).values())):
        assert figure_bytes(figure, "png")
        assert_nothing_is_cut_off(figure)


def test_values_that_look_alike_are_different_lines():
    results = valley(product(optimizer__lr=RATES[:4], optimizer__eps=[1e-8, 1.000001e-8]), seeds=2)
    assert sum(len(line.get_xdata()) == 4 for line in final_metric(results).axes[0].lines) == 2
