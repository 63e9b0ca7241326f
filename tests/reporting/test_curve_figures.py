"""The figure of the best configurations while they train: which are shown, and NumPy's quantiles of them."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from valleys import RATES, cases, product, valley

from lrcli.reporting.figure_files import figure_of
from lrcli.reporting.sweeps.figures import best_curves, final_metric

CASES = cases()


def drawn(results):
    figure = figure_of(best_curves(results))
    figure.draw_without_rendering()
    return figure.axes[0]


def curves_of(axes):
    """From name to the points of a line."""
    return {
        line.get_label(): line.get_xydata() for line in axes.lines if not line.get_label().startswith("_")
    }


def numpys(results, number, probabilities=(0.25, 0.5, 0.75), metric="val/loss"):
    """Quantiles over seeds, (Q, T), of members of which none stops early."""
    curves = results.curves[metric][:, number]
    with np.errstate(invalid="ignore"):  # infinity minus infinity, where most have diverged
        return np.quantile(np.where(np.isnan(curves), np.inf, curves), probabilities, axis=0)


def number_of(results, **values):
    (number,) = (i for i, point in enumerate(results.configurations) if point == product(**values)[0])
    return number


def test_the_best_of_each_group():
    results = CASES["optimizers"]
    axes = drawn(results)
    with np.errstate(invalid="ignore"):
        final = np.quantile(
            np.where(results.status == "diverged", np.inf, results.final["val/loss"]), 0.5, axis=0
        )
    expected = {}
    for kind, momentum in (("sgd", 0.0), ("sgd", 0.9), ("adam", None)):
        group = [
            i
            for i, point in enumerate(results.configurations)
            if point["optimizer.kind"] == kind and point.get("optimizer.momentum") == momentum
        ]
        expected[group[np.nanargmin(final[group])]] = len(expected)
    found = curves_of(axes)
    assert len(found) == 3
    for number, points in zip(expected, found.values(), strict=True):
        assert points[:, 0].tolist() == list(range(1, 31))
        assert points[:, 1] == pytest.approx(numpys(results, number)[1])
    names = list(found)
    assert names[0] == "optimizer=sgd, lr=0.1, momentum=0"
    assert axes.get_title(loc="left").endswith("\neach combination at its best lr, middle half shaded")
    assert axes.get_yscale() == "log"


def test_the_bands_are_the_middle_half():
    results = CASES["categories"]
    axes = drawn(results)
    for number, band in enumerate(axes.collections):
        vertices = band.get_paths()[0].vertices
        for values in numpys(results, number, (0.25, 0.75)):
            points = np.column_stack([np.arange(1, 31), values])
            assert np.abs(vertices[:, None] - points).max(axis=2).min(axis=0).max() < 1e-12


def test_the_best_has_the_star_at_its_end():
    axes = drawn(CASES["categories"])
    (star,) = (line for line in axes.lines if line.get_marker() == "*")
    assert star.get_xydata()[0] == pytest.approx(curves_of(axes)["activation=relu"][-1])
    assert any(text.get_text() == "activation=relu\nbest" for text in axes.texts)


def test_rates_around_the_best_and_the_first_that_diverges():
    results = CASES["rate"]
    axes = drawn(results)
    rates = [float(name.removeprefix("lr=")) for name in curves_of(axes)]
    lost = np.mean(results.status == "diverged", axis=0) > 0.5
    trained = np.array(RATES)[~lost]
    assert rates == sorted(rates)
    assert len(rates) == 6
    assert (rates[0], rates[4]) == pytest.approx((trained[0], trained[-1]), rel=1e-3)
    assert rates[5] == pytest.approx(np.array(RATES)[lost][0], rel=1e-3)
    assert 0.1 in rates  # the best, as in the other tests of this sweep


def test_few_rates_are_all_shown():
    results = valley(product(optimizer__lr=[0.1, 0.01]), seeds=3)
    assert list(curves_of(drawn(results))) == ["lr=0.01", "lr=0.1"]


@pytest.mark.parametrize("every", [1, 5])
def test_a_line_ends_where_most_members_have_diverged(every):
    """By counting: before the record at which half are left, with so many epochs between records."""
    results = CASES["rate"]
    kept = slice(every - 1, None, every)
    curves = {name: values[..., kept] for name, values in results.curves.items()}
    results = replace(results, epoch=results.epoch[:, kept], step=results.step[:, kept], curves=curves)
    axes = drawn(results)
    name, points = list(curves_of(axes).items())[-1]
    number = int(np.argmin(np.abs(np.array(RATES) - float(name.removeprefix("lr=")))))
    epochs = results.epoch[number]
    broken = np.where(results.diverged_step > 0, (results.diverged_step + 31) // 32, 1000)[:, number]
    alive = np.array([np.mean(broken > epoch) for epoch in epochs])
    finite = points[np.isfinite(points[:, 1])]
    assert finite[:, 0].tolist() == epochs[alive > 0.5].tolist()
    assert len(finite) < len(epochs)
    (cross,) = (line for line in axes.lines if line.get_marker() == "x")
    assert cross.get_xdata() == [finite[-1, 0]]
    assert 0 < cross.get_ydata()[0] < 1  # of the axes, although the line has left them
    assert any(text.get_text() == f"{name}\nmost diverged" for text in axes.texts)


def test_all_members_diverge_in_one_epoch():
    results = valley(product(optimizer__lr=[0.01, 0.02]), seeds=3)
    curve = results.curves["val/loss"].copy()
    curve[:, 1, 4:] = np.nan
    lost = np.array([[False, True]] * 3)
    fields = {
        "status": np.where(lost, "diverged", "completed"),
        "diverged_step": np.where(lost, 4 * 32 + 1, 0),
    }
    ended = {"epochs": np.where(lost, 4, 30), "curves": {"val/loss": curve}}
    axes = drawn(replace(results, **fields, **ended))
    points = curves_of(axes)["lr=0.02"]
    assert points[np.isfinite(points[:, 1]), 0].tolist() == [1, 2, 3, 4]
    assert [text.get_text() for text in axes.texts] == ["lr=0.01\nbest", "lr=0.02\nmost diverged"]


def test_members_that_stop_early_keep_their_last_value_up_to_the_last_that_trains():
    results = valley(product(optimizer__lr=[0.01, 0.02]), seeds=5)
    stopped = np.array([7, 9, 12, 12, 10])  # epochs of the first configuration
    curve = results.curves["val/loss"].copy()
    for seed, last in enumerate(stopped):
        curve[seed, 0, last:] = np.nan
    epochs = np.column_stack([stopped, np.full(5, 30)])
    axes = drawn(replace(results, curves={"val/loss": curve}, epochs=epochs))
    points = curves_of(axes)["lr=0.01"]
    held = [curve[seed, 0, np.minimum(np.arange(12), last - 1)] for seed, last in enumerate(stopped)]
    assert points[:, 0].tolist() == list(range(1, 13))
    assert points[:, 1] == pytest.approx(np.median(held, axis=0))


def test_a_metric_without_a_curve_leaves_the_training_loss():
    results = valley(product(optimizer__lr=[0.01, 0.02]), seeds=5)
    results = replace(
        results, metric="test/loss", final={**results.final, "test/loss": results.final["val/loss"]}
    )
    axes = drawn(results)
    assert axes.get_ylabel() == "train/loss"
    assert curves_of(axes)["lr=0.02"][:, 1] == pytest.approx(numpys(results, 1, metric="train/loss")[1])


def test_there_is_no_figure_of_nothing():
    results = valley(product(optimizer__lr=[0.01, 0.02]), seeds=3, records=1)
    assert best_curves(results) is None
    nothing = {name: np.full_like(values, np.nan) for name, values in CASES["rate"].curves.items()}
    assert best_curves(replace(CASES["rate"], curves=nothing)) is None


def test_what_diverges_leaves_room_for_what_trains():
    axes = drawn(CASES["rate"])
    first = max(values[0, 1] for values in curves_of(axes).values())
    assert axes.get_ylim()[1] < 100 * first


@pytest.mark.parametrize("case", ["optimizers", "many_lines", "many_rows", "rate", "all_diverged"])
def test_names_stand_apart_and_beside_the_axes(case):
    axes = drawn(CASES[case])
    boxes = sorted((text.get_window_extent() for text in axes.texts), key=lambda box: box.y0)
    assert len(boxes) == len(curves_of(axes))
    for below, above in itertools.pairwise(boxes):
        assert below.y1 <= above.y0 + 0.5
    frame = axes.get_window_extent()
    assert all(box.x0 > frame.x1 and frame.y0 - 2 < box.y0 and box.y1 < frame.y1 + 2 for box in boxes)


@pytest.mark.parametrize("case", ["optimizers", "many_lines", "rate"])
def test_lines_differ_without_their_colours(case):
    axes = drawn(CASES[case])
    lines = [line for line in axes.lines if not line.get_label().startswith("_")]
    assert (
        len({line.get_marker() for line in lines}) == len({line.get_color() for line in lines}) == len(lines)
    )


def test_a_group_looks_the_same_in_both_figures():
    """By the order of the file: blue circles are the first of them."""
    after = figure_of(final_metric(CASES["optimizers"])).axes[0]
    groups = [line for line in after.lines if line.get_label().startswith("optimizer=")]
    curves = [line for line in drawn(CASES["optimizers"]).lines if line.get_label().startswith("optimizer=")]
    assert [line.get_color() for line in groups] == [line.get_color() for line in curves]


def test_every_name_is_whole_or_says_that_it_is_cut():
    results = valley(product(optimizer__lr=[0.1, 0.2], model__init=["a very long name " * 9, "b"]), seeds=2)
    texts = [text.get_text() for text in drawn(results).texts]
    assert "lr=0.1, init=b\nbest" in texts
    assert any("…" in text for text in texts)
    assert all(len(line) <= 26 for text in texts for line in text.split("\n"))


# Words ----------------------------------------------------------------------------------------------


def test_the_description_says_where_lines_begin_and_end():
    results = CASES["rate"]
    number = RATES.index(next(rate for rate in RATES if np.isclose(rate, 0.1)))
    median = numpys(results, number)[1]
    words = best_curves(results).description
    assert words.startswith("val/loss over epochs 1 to 30, median of 40 seeds.")
    assert f"lr=0.1 (the best) goes from {median[0]:.4g} to {median[-1]:.4g}" in words
    assert "lr=0.4642 goes from" in words
    assert "most members have diverged by epoch" in words
    assert "\n" not in words
