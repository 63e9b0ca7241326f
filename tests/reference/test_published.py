"""The textbook experiments against the numbers their authors printed.

A number that depends on random draws must lie inside the central 99% of what lrcli gives over many
seeds; a deterministic one must be met to the digits that float32 allows.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lrcli.analysis.recovery import find_recovery
from lrcli.experiment.expectations import compare
from lrcli.experiment.loading import load
from lrcli.training.loop import Plan, Record, TrainingLoop
from lrcli.training.population import build_population
from lrcli.training.problem import build_problem
from lrcli.training.torch_engine import TorchEngine

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SEEDS = 240
MANY = {"linear_scratch", "linear_concise", "sine_polynomial", "sine_linear_layer", "sine_rmsprop"}


def replicates(name, seeds=SEEDS, *overrides):
    """An experiment trained with many seeds as one population, once: its loop and its records."""
    return _trained(name, seeds, overrides)


@cache
def _trained(name, seeds, overrides):
    experiment = load(EXPERIMENTS / f"{name}.yaml", overrides).experiment
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, range(seeds))
    population = build_population(experiment.optimizer, experiment.training, range(seeds))
    engine = TorchEngine(problem, population, "cpu", experiment.dtype)
    plan = Plan(experiment.logging.every, experiment.logging.evaluate_train, experiment.best)
    loop = TrainingLoop(engine, problem, population, plan)
    return loop, [event for event in loop if isinstance(event, Record)]


def assert_central(values, published, what, printed_to=0.0):
    """`printed_to` is half a unit of the last digit that the author printed."""
    low, high = np.quantile(values, [0.005, 0.995])
    inside = low - printed_to <= published <= high + printed_to
    assert inside, f"{what}: {published} is outside {low:.6g} to {high:.6g}"


def errors(record, w=(2.0, -3.4), b=4.2):
    """True minus learned, (R, 3)."""
    parameters = record.parameters
    return np.array([*w, b]) - np.column_stack([parameters["w"][:, :, 0], parameters["b"]])


def test_every_experiment_is_sound():
    files = sorted(EXPERIMENTS.glob("*.yaml"))
    assert len(files) >= 19
    for file in files:
        assert load(file).experiment.name == file.stem


@pytest.mark.parametrize("name", [file.stem for file in sorted(EXPERIMENTS.glob("*.yaml"))])
def test_expectations_hold_for_every_seed(name):
    seeds = 1 if name == "sine_legendre" else 240 if name in MANY else 60
    loop, records = replicates(name, seeds)
    experiment = load(EXPERIMENTS / f"{name}.yaml").experiment
    assert experiment.expect
    problem, last = loop.problem, records[-1]
    split = problem.splits["train"]
    shapes = {p.name: p.shape for p in problem.parameters}
    recovery = find_recovery(
        [problem.dataset] * len(problem.sources), problem.model, shapes, split.inputs, split.targets
    )
    metrics = dict(last.metrics)
    if recovery is not None:
        members = np.arange(seeds)
        metrics |= recovery.metrics(last.parameters, members)
        errors = recovery.errors(last.parameters, members)
        metrics |= {f"recovery/{k}": v for k, v in errors.items() if v.ndim == 1}
    for member in range(seeds):
        of_member = {key: float(values[member]) for key, values in metrics.items()}
        failed = [row for row in compare(experiment.expect, of_member, []) if not row["passed"]]
        assert not failed


def test_linear_scratch():
    _, records = replicates("linear_scratch")
    for column, published in zip(errors(records[-1]).T, [0.1408, -0.1493, 0.2130], strict=True):
        assert_central(column, published, "error")


def test_linear_scratch_leaves_what_the_closed_form_says():
    """E[error] = distance (1 - lr)^steps to first order: E[x x'] is the identity for these features.

    The minibatches' own spread makes the mean error smaller by nothing and its scatter larger, so the
    mean over seeds is compared within four of its standard errors and the first order's own error.
    """
    _, records = replicates("linear_scratch", 2000)
    left = errors(records[-1])
    expected = np.array([2.0, -3.4, 4.2]) * (1 - 0.03) ** 96
    standard_error = left.std(0) / np.sqrt(len(left))
    assert np.all(np.abs(left.mean(0) - expected) < 4 * standard_error + 0.01 * np.abs(expected))
    assert np.all(4 * standard_error < 0.05 * np.abs(expected)), "the comparison means something"


def test_linear_concise():
    _, records = replicates("linear_concise")
    for record, published in zip(records, [0.040482, 0.000155, 0.000050], strict=True):
        assert_central(record.metrics["train/loss"], published, f"loss after epoch {record.epoch}")
    for column, published in zip(errors(records[-1]).T, [0.0004977, -0.00045133, 0.00023174], strict=True):
        assert_central(column, published, "error")


@pytest.mark.parametrize(
    ("name", "loss", "coefficients"),
    [
        ("sine_polynomial", 10.4112, [0.038, 0.8736, -0.0066, -0.0957]),
        ("sine_linear_layer", 9.2228, [-0.0068, 0.8382, 0.0012, -0.0907]),
        ("sine_rmsprop", 8.9195, [0.0005, 0.8563, 0.0005, -0.0938]),
    ],
)
def test_cubic_fits_of_a_sine(name, loss, coefficients):
    _, records = replicates(name)
    last = records[-1]
    assert_central(last.metrics["train/running_loss"], loss, "loss")
    for power, published in enumerate(coefficients):
        assert_central(last.parameters["coef"][:, power], published, f"coefficient {power}", printed_to=5e-5)


def test_sine_legendre_digit_for_digit():
    loop, records = replicates("sine_legendre", 1)
    printed = {100: 209.95834350585938, 1000: 14.877889633178711, 2000: 8.943639755249023}
    seen = {record.epoch: record.metrics["train/running_loss"][0] for record in records}
    for epoch, loss in printed.items():
        assert seen[epoch] == pytest.approx(loss, rel=1e-5)
    learned = {name: values[0] for name, values in records[-1].parameters.items()}
    assert learned["b"] == pytest.approx(-2.208526849746704, rel=1e-6)
    assert learned["d"] == pytest.approx(0.2554861009120941, rel=1e-6)
    assert learned["a"] == pytest.approx(0, abs=1e-6)
    assert learned["c"] == pytest.approx(0, abs=1e-6)
    assert loop.members.status.tolist() == ["completed"]


def test_xor_cannot_be_solved_by_a_line():
    _, records = replicates("xor_linear", 60)
    accuracy = records[-1].metrics["val/accuracy"]
    assert 0.45 < np.median(accuracy) < 0.6
    assert records[-1].metrics["val/loss"].min() > 0.6


@pytest.mark.parametrize("name", ["xor_mlp", "xor_noisy"])
def test_xor_is_solved_with_enough_hidden_units(name):
    _, small = replicates(name, 60)
    _, large = replicates(name, 60, "model.hidden=[16, 16]")
    best = [
        np.max([record.metrics["val/accuracy"] for record in records], axis=0) for records in (small, large)
    ]
    assert np.median(best[0]) < np.median(best[1])
    assert np.median(best[1]) >= 0.95


def test_a_start_far_away_ends_far_away():
    _, near = replicates("linear_zero_init", 60)
    _, far = replicates("linear_wide_init", 60)
    left = [np.abs(errors(records[-1])).mean() for records in (near, far)]
    assert left[1] > 50 * left[0]


def test_one_outlier_ruins_the_squared_error_only():
    largest = {}
    for loss in ("mse", "l1", "huber"):
        _, records = replicates(f"linear_outlier_{loss}", 60)
        largest[loss] = np.median(np.abs(errors(records[-1])).max(1))
    assert largest["mse"] > 1
    assert largest["l1"] < 0.05
    assert largest["huber"] < 0.02


def test_the_smaller_last_batch_counts():
    loop, _ = replicates("linear_indivisible", 1)
    assert loop.members.steps.tolist() == [3 * 32]
    dropped, _ = replicates("linear_indivisible", 1, "training.drop_last=true")
    assert dropped.members.steps.tolist() == [3 * 31]


def test_sorted_data_swing():
    """Without shuffling every epoch ends displaced towards the last stretch of the curve."""
    _, swinging = replicates("sine_sorted", 40)
    _, settled = replicates("sine_sorted", 40, "training.shuffle=true")
    losses = [np.median(records[-1].metrics["train/loss"]) for records in (swinging, settled)]
    assert losses[0] > 1.03 * losses[1]


def test_rate_times_steps_counts():
    _, slow = replicates("linear_more_epochs", 60)
    _, book = replicates("linear_scratch")
    _, fast = replicates("linear_larger_rate", 60)
    left = {name: np.abs(errors(r[-1]).mean(0)) for name, r in (("slow", slow), ("book", book))}
    np.testing.assert_allclose(left["slow"], left["book"], rtol=0.1)
    assert np.abs(errors(fast[-1])).max() < 0.02
