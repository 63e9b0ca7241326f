"""The figures of sweeps: what is on their axes, and the files of them."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from valleys import RATES, cases, product, valley

from lrcli.analysis.statistics import scores
from lrcli.reporting.figure_files import figure_bytes, figure_of, save_figures
from lrcli.reporting.sweeps import figures
from lrcli.reporting.sweeps.axes import sweep_lines
from lrcli.reporting.sweeps.figures import drawings

CASES = cases()


@cache
def figures_of(case):
    """The figures of a case, from name to figure; drawing takes most of a test's time."""
    return {name: figure_of(drawing) for name, drawing in drawings(CASES[case]).items()}


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


EVERY = ["final_metric", "best_curves", "training_loss", "recovery_error", "metric_map"]
DRAWN = {
    "one_configuration": EVERY[:2],
    "categories": EVERY[:2],
    "categories_diverged": EVERY[:2],
    "many_rows": EVERY[:2],
    "all_diverged": EVERY[:3],
    "two_keys": EVERY,
    "many_lines": EVERY,
    "holes": EVERY,
}


@pytest.mark.parametrize("case", CASES)
def test_the_figures_that_make_sense_whole_and_without_warnings(case):
    expected = DRAWN.get(case, EVERY[:4])
    found = figures_of(case)
    assert list(found) == expected
    for figure in found.values():
        assert_shows_something(figure_bytes(figure, "png"))
        assert_nothing_is_cut_off(figure)


def assert_shows_something(png):
    """Not all of one colour."""
    from matplotlib.image import imread

    assert png.startswith(b"\x89PNG")
    pixels = imread(io.BytesIO(png))[..., :3]
    assert 0.01 < np.mean(np.any(pixels != pixels[0, 0], axis=2)) < 0.98


def assert_nothing_is_cut_off(figure):
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    assert min(min(box.x0, box.y0) for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.width
    assert max(box.y1 for box in boxes) <= figure.bbox.height


def test_files_in_both_formats(tmp_path):
    paths = write_figures(CASES["rate"], tmp_path / "figures")
    assert {path.name for path in paths} == {
        f"{name}.{form}" for name in EVERY[:4] for form in ("png", "svg")
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
    mesh = training_loss(replace(results, epoch=epoch)).axes[0].collections[-1]
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
    axes = final_metric(replace(results, status=status)).axes[0]
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


# Values that nobody tried ---------------------------------------------------------------------------


def test_no_line_goes_through_values_that_were_not_tried():
    axes = final_metric(CASES["holes"]).axes[0]
    lines = lines_of(axes)
    assert np.isfinite(lines["momentum=0"][:, 0]).all()
    apart = lines["momentum=0.5"][:, 0]  # three values far apart: a marker each
    assert np.isnan(apart).tolist() == [False, True, False, True, False]
    coarse = lines["momentum=0.9"][:, 0]  # a grid of its own
    assert coarse == pytest.approx(RATES[8::4])
    bands = [
        segment
        for each in axes.collections
        if hasattr(each, "get_segments")
        for segment in each.get_segments()
    ]
    assert any(np.allclose(segment[:, 0], RATES[12]) for segment in bands)


def swept(*grids):
    """The lines of a sweep whose grids have rates, and a width each."""
    points = [
        point for i, rates in enumerate(grids) for point in product(optimizer__lr=rates, model__degree=[i])
    ]
    return sweep_lines(valley(points, seeds=2))


@pytest.mark.parametrize(
    ("rates", "broken"),
    [
        (RATES, []),  # as the other
        (RATES[3:9], []),
        ([RATES[0], RATES[-1]], [0]),  # the first and the last
        ([RATES[0], RATES[1], RATES[2], RATES[20]], [2]),
        ([RATES[0], RATES[12], RATES[13], RATES[24]], [0, 2]),
        (RATES[::6], []),  # a coarser grid
        (RATES[::12], []),
        ([RATES[0], RATES[4], RATES[8], RATES[20]], [2]),  # and one with a hole
        ([1e-5, *RATES], []),  # where nobody else was
        ([1e-9, 1e-5], []),
    ],
)
def test_where_a_line_is_broken(rates, broken):
    lines = swept(RATES, rates)
    assert np.flatnonzero(lines.gaps(lines.lines[1])).tolist() == broken
    assert not lines.gaps(lines.lines[0]).any()


def test_zero_is_a_value_like_others():
    lines = swept([0.0, *RATES], [0.0, 1.0], [0.0, RATES[0]])
    assert [lines.gaps(line).any() for line in lines.lines] == [False, True, False]


def test_a_map_tells_what_was_not_trained_from_what_diverged():
    axes = metric_map(CASES["holes"]).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "most members diverged",
        "not trained",
    ]
    cover, colors = (mesh.get_array().filled(np.nan) for mesh in axes.collections)
    tried = np.array([[True] * 17, [i in (0, 4, 16) for i in range(17)], [i % 4 == 0 for i in range(17)]])
    assert np.isnan(colors[~tried]).all()
    assert np.isfinite(cover[~tried]).all()  # white lies on the hatch
    diverged = np.isnan(cover)  # there the hatch shows
    assert diverged.any()
    assert not (diverged & ~tried).any()
    assert (np.isfinite(colors) == (tried & ~diverged)).all()
    whole = metric_map(valley(product(optimizer__lr=RATES[:3], model__degree=[1, 2]), seeds=2)).axes[0]
    assert whole.get_legend() is None


# One kind of labels for one axis --------------------------------------------------------------------


def labels(axis):
    """From position to label, of those on the axis."""
    axis.axes.figure.draw_without_rendering()
    low, high = sorted(axis.get_view_interval())
    ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return {float(f"{at:.6g}"): label.get_text() for at, label in ticks if low <= at <= high}


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES
        if case not in ("categories", "categories_diverged", "many_rows", "one_configuration")
    ],
)
def test_a_key_is_labelled_in_one_way_in_all_figures(case):
    found = figures_of(case)
    after = found["final_metric"].axes[-1].xaxis
    maps = [found["training_loss"].axes[0].yaxis]
    if "metric_map" in found:
        maps.append(found["metric_map"].axes[0].xaxis)
    if case == "zero":  # a cell for each value, at no distance
        assert list(labels(maps[0]).values()) == list(labels(after).values())
        return
    assert len(labels(after)) > 1
    for other in maps:
        assert labels(other).items() <= labels(after).items()
    tried = [line.get_xdata() for line in found["final_metric"].axes[0].lines]
    for at in labels(after):
        assert (
            np.nanmin(np.concatenate(tried)) * (1 - 1e-9)
            <= at
            <= np.nanmax(np.concatenate(tried)) * (1 + 1e-9)
        )


@pytest.mark.parametrize("case", CASES)
def test_the_same_number_of_a_metric_has_the_same_label_in_all_figures(case):
    known = {}
    for figure in figures_of(case).values():
        for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
            name = axis.get_label_text()
            for at, text in labels(axis).items() if name.startswith(("val/", "train/")) else ():
                if "." in text:
                    text = text.rstrip("0")  # of a linear axis all have as many digits
                assert known.setdefault((name, at), text) == text
                assert "e+" not in text
                assert "e-" not in text


# Words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_every_description_is_a_few_sentences_in_one_line(case):
    for drawing in drawings(CASES[case]).values():
        words = drawing.description
        assert words.endswith(".")
        assert "\n" not in words
        assert "nan" not in words
        assert "  " not in words
        assert 2 <= words.count(". ") + 1 <= 5


def test_the_descriptions_say_what_numpy_finds():
    results = CASES["rate"]
    with np.errstate(invalid="ignore"):
        low, median, high = np.quantile(scores(results), (0.25, 0.5, 0.75), axis=0)
    best = int(np.nanargmin(median))
    good = np.array(RATES)[median <= 2 * median[best]]
    count = np.count_nonzero(results.status == "diverged")
    words = drawings(results)["final_metric"].description
    for said in (
        "learning rate (optimizer.lr), 25 values from 0.0001 to 1",
        "median of 40 seeds",
        f"val/loss is smallest at lr=0.1: {median[best]:.4g}, ",
        f"the middle half of its seeds from {low[best]:.4g} to {high[best]:.4g}.",
        f"From lr={good.min():.4g} to {good.max():.4g} it is about as good",
        f"{count} of 1,000 members diverged; in 3 of 25 configurations at least half did.",
    ):
        assert said in words
    assert (
        "None of the 40 members diverged." in drawings(CASES["one_configuration"])["final_metric"].description
    )
    every = drawings(CASES["all_diverged"])["final_metric"].description
    assert "Most members of every configuration diverged. 1,000 of 1,000 members diverged." in every
    assert "largest at lr=0.1: 0.9952" in drawings(CASES["accuracy"])["final_metric"].description
    assert "26 of 51 combinations were not trained." in drawings(CASES["holes"])["metric_map"].description
    loss = drawings(results)["training_loss"].description
    last = np.median(
        np.where(results.status == "diverged", np.inf, results.curves["train/loss"][:, :, -1]), axis=0
    )
    assert f"smallest at lr={RATES[int(np.argmin(last))]:.4g}: {last.min():.4g}." in loss
    assert "Most members had diverged at 3 values, from 0.4642 on." in loss


def test_a_file_holds_its_description(tmp_path):
    write_figures(CASES["one_seed"], tmp_path / "figures")
    svg = (tmp_path / "figures" / "final_metric.svg").read_text(encoding="utf-8")
    assert "2 of 25 members diverged" in svg
