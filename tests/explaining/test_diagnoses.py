"""Findings of runs and of files: what is broken is found, and numbers are those of other computations."""

import copy
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from builders import EXPERIMENTS
from cases import BROKEN
from texts import held, told

import lrcli
from lrcli.analysis.forecast import Forecast
from lrcli.experiment.loading import load
from lrcli.explaining.runs.learning_rate import hardly_moved
from lrcli.reporting.explanation import explanation_lines
from lrcli.running.forecast import forecast

KINDS = {
    "rate_too_high": "diverged",
    "rate_too_low": "unfinished",
    "sum_instead_of_mean": "sum_of_losses",
    "sorted_without_shuffle": "sorted",
    "dead_units": "dead_units",
    "label_noise": "label_noise",
    "zero_init": "alike",
    "saturated": "saturated_units",
    "outlier": "outlier",
    "too_few_examples": "undetermined",
    "collinear": "undetermined",
    "adam_with_rate_of_sgd": "adaptive_rate",
    "too_short": "unfinished",
    "overfit": "overfit",
    "huge_batch": "unfinished",
    "tiny_batch_with_large_rate": "swings",
    "heavy_decay": "decay_bias",
    "schedule_to_zero": "schedule_ended",
    "early_stop": "stopped_too_early",
    "float32_floor": "float32",
    "linear_model_on_xor": "cannot",
    "momentum_too_large": "above_limit",
    "just_above_the_limit": "above_limit",
    "rate_of_nothing": "unfinished",
    "net_with_rate_of_nothing": "hardly_moved",
    "slow_net": "falling",
    "features_of_unlike_size": "condition",
    "one_class": "same_targets",
    "labels_by_chance": "label_noise",
    "huge_decay": "decay_bias",
    "decay_of_adamw": "decay_bias",
    "adam_does_not_settle": "unfinished",
    "l1_does_not_settle": "swings",
    "one_epoch": "unfinished",
    "as_many_as_parameters": "unfinished",
    "much_noise": "finished",
    "small_deep_start": "dead_units",
    "saturated_sigmoid": "saturated_units",
}
# What the first thing advised does to the distance from the reference, to train/loss or to an outcome.
HELPED = {
    "unfinished": lambda before, after: owed(after) < 0.2 * owed(before),
    "batch_noise": lambda before, after: owed(after) < 0.6 * owed(before),
    "decay_bias": lambda before, after: far(after) < 0.2 * far(before),
    "diverged": lambda before, after: after.result.status == "completed",
    "above_limit": lambda before, after: level(after) < 0.1 * level(before),
    "sum_of_losses": lambda before, after: after.result.status == "completed",
    "schedule_ended": lambda before, after: owed(after) < 0.01 * owed(before),
    "stopped_too_early": lambda before, after: level(after) < 0.5 * level(before),
    "swings": lambda before, after: after.result.outcome == "converged",
    "condition": lambda before, after: level(after) < 0.7 * level(before),
    "outlier": lambda before, after: far(after) < 0.01 * far(before),
    "sorted": lambda before, after: level(after) < 0.8 * level(before),
    "cannot": lambda before, after: level(after) < 0.5 * level(before),
    "hardly_moved": lambda before, after: level(after) < 0.5 * level(before),
    "alike": lambda before, after: level(after) < 0.5 * level(before),
    "dead_units": lambda _, after: "dead_units" not in {each.kind for each in after.explain().findings},
    "saturated_units": lambda before, after: level(after) < 0.1 * level(before),
    "adaptive_rate": lambda before, after: level(after) < 0.5 * level(before),
    "falling": lambda before, after: level(after) < level(before),
    "float32": lambda before, after: level(after) < 1e-6 * level(before),
    "overfit": lambda before, after: after.result.metrics["val/loss"] < before.result.metrics["val/loss"],
}


def owed(run):
    return float(run.result.metrics.get("recovery/optimization_error", np.nan))


def far(run):
    return float(run.result.metrics["recovery/error_norm"])


def level(run):
    return float(run.result.metrics["train/loss"])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def findings(content, **overrides):
    run = lrcli.train(content, {key.replace("__", "."): value for key, value in overrides.items()})
    return run, {finding.kind: finding for finding in run.explain().findings}


def design(run):
    """X with a column of ones, and y, of the training set as the file's generator draws it."""
    experiment = load(run.directory / "experiment.yaml").experiment
    inputs, targets = experiment.dataset.draw(experiment.seed, "train")
    return np.column_stack([inputs, np.ones(len(inputs))]), targets[:, 0]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_and_what_is_advised_helps(name):
    run = lrcli.train(BROKEN[name])
    explanation = run.explain()
    held(name, explanation)
    assert len(explanation_lines(explanation, 80)) <= 24  # a screen
    found = {finding.kind: finding for finding in explanation.findings}
    assert KINDS[name] in found
    for kind, finding in found.items():
        for command in finding.commands[:1]:
            program_name, verb, file, *words = shlex.split(command)
            assert (program_name, verb, file) == ("lrcli", "train", f"{run.result.run_dir}/experiment.yaml")
            epochs = [int(word.rpartition("=")[2]) for word in words if word.startswith("training.epochs=")]
            if max(epochs, default=0) < 2000:
                again = lrcli.train(file, dict(yaml_pair(word) for word in words))
                assert HELPED[kind](run, again), (kind, command)


def yaml_pair(word):
    key, _, value = word.partition("=")
    return key, yaml.safe_load(value)


@pytest.mark.usefixtures("here")
def test_the_limit_that_a_diverged_run_has_crossed():
    run, found = findings(BROKEN["rate_too_high"])
    x, _ = design(run)
    limit = 2 / np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    assert found["diverged"].numbers["limit"] == pytest.approx(limit, rel=1e-9)
    assert found["diverged"].numbers["ratio"] == pytest.approx(3 / limit, rel=1e-9)
    _, found = findings(BROKEN["sum_instead_of_mean"])
    assert found["sum_of_losses"].numbers["limit_of_mean"] == pytest.approx(limit, rel=1e-9)


@pytest.mark.usefixtures("here")
def test_the_two_parts_of_an_error_are_those_of_least_squares():
    run, found = findings(BROKEN["too_short"])
    x, y = design(run)
    best, rss, _, _ = np.linalg.lstsq(x, y)
    errors = np.sqrt(rss[0] / (len(x) - 3) * np.diag(np.linalg.inv(x.T @ x)))
    learned = np.append(np.ravel(run.parameters["w"]), run.parameters["b"])
    numbers = found["unfinished"].numbers
    at = ["w[0]", "w[1]", "b"].index(numbers["parameter"])
    assert numbers["optimization_error"] == pytest.approx((best - learned)[at], rel=1e-5)
    assert numbers["sampling_error"] == pytest.approx(([2.0, -3.4, 4.2] - best)[at], rel=1e-6)
    assert numbers["standard_error"] == pytest.approx(errors[at], rel=1e-6)
    table = run.path
    start = np.array([table[name][0] for name in ("w[0]", "w[1]", "b")])
    left = np.linalg.norm(best - learned) / np.linalg.norm(best - start)
    assert numbers["way_left"] == pytest.approx(left, rel=1e-4)


@pytest.mark.usefixtures("here")
def test_the_epochs_and_the_rate_that_are_advised_do():
    _, found = findings(BROKEN["huge_batch"])  # a full batch in disguise: the forecast is exact
    error = found["unfinished"].numbers["standard_error"]
    for command in found["unfinished"].commands:
        key, _, value = shlex.split(command)[-1].partition("=")
        again = lrcli.train(BROKEN["huge_batch"], {key: float(value) if "lr" in key else int(value)})
        owed = [abs(row.optimization_error) for row in again.result.recovery]
        assert max(owed) < 1.1 * error


@pytest.mark.usefixtures("here")
def test_the_best_line_on_xor_is_found_by_another_optimizer():
    run, found = findings(BROKEN["linear_model_on_xor"])
    x, y = design(run)
    theta = np.zeros(3)
    for _ in range(5000):
        theta -= x.T @ (1 / (1 + np.exp(-x @ theta)) - y) / len(x)
    logits = x @ theta
    numbers = found["cannot"].numbers
    assert numbers["least"] == pytest.approx(np.mean(np.logaddexp(0, logits) - y * logits), rel=1e-9)
    assert numbers["accuracy"] == pytest.approx(np.mean((logits >= 0) == (y > 0.5)))
    share = y.mean()
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert numbers["constant"] == pytest.approx(entropy)


@pytest.mark.usefixtures("here")
def test_units_are_counted():
    run, found = findings(BROKEN["dead_units"])
    x, _ = design(run)
    parameters = run.parameters
    sums = x[:, :2] @ parameters["w1"] + parameters["b1"]
    assert found["dead_units"].numbers["dead"] == np.count_nonzero((sums <= 0).all(axis=0)) == 8


@pytest.mark.usefixtures("here")
def test_of_a_run_in_which_all_is_well_the_report_has_no_advice(capsys):
    from lrcli.explaining.runs.explanation import what_matters_most
    from lrcli.running.trained import read_run

    content = copy.deepcopy(BROKEN["too_short"])
    content["training"]["epochs"], content["optimizer"]["lr"] = 100, 0.05
    run, found = findings(content)
    assert list(found) == ["finished"]
    assert abs(found["finished"].numbers["z"]) < 4
    assert what_matters_most(read_run(run.directory)) is None
    run, _ = findings(BROKEN["too_short"])
    assert what_matters_most(read_run(run.directory)).kind == "unfinished"


def test_a_file_is_explained_without_torch_or_anything_written(tmp_path, monkeypatch):
    import subprocess
    import sys

    monkeypatch.chdir(tmp_path)
    code = (
        "import lrcli, sys; print(len(lrcli.explain(sys.argv[1]).findings)); "
        "assert not {'torch', 'numba', 'scipy', 'matplotlib', 'tensorboard'} & set(sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(EXPERIMENTS / "linear.yaml")], capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("here")
def test_the_pull_of_weight_decay_is_that_of_ridge_regression():
    run, found = findings(BROKEN["heavy_decay"])
    x, y = design(run)
    plain = np.linalg.lstsq(x, y)[0]
    ridge = np.linalg.solve(x.T @ x / len(x) + 0.5 * np.eye(3), x.T @ y / len(x))
    at = int(np.abs(plain - ridge).argmax())
    assert found["decay_bias"].numbers["least_squares"] == pytest.approx(plain[at])
    assert found["decay_bias"].numbers["reference"] == pytest.approx(ridge[at])


@pytest.mark.usefixtures("here")
def test_a_limit_that_is_crossed_without_divergence_and_how_unlike_directions_are():
    run, found = findings(BROKEN["just_above_the_limit"])
    x, _ = design(run)
    assert found["above_limit"].numbers["limit"] == pytest.approx(
        2 / np.linalg.eigvalsh(x.T @ x / len(x))[-1], rel=1e-9
    )
    run, found = findings(BROKEN["features_of_unlike_size"])
    x, _ = design(run)
    assert found["condition"].numbers["condition"] == pytest.approx(np.linalg.cond(x) ** 2, rel=1e-6)


@pytest.mark.usefixtures("here")
def test_parameters_that_have_hardly_moved():
    content = copy.deepcopy(BROKEN["net_with_rate_of_nothing"])
    content["optimizer"]["lr"] = 1e-6
    run, found = findings(content)
    assert found["hardly_moved"].numbers["moved"] == pytest.approx(moved(run), rel=1e-3)


def moved(run):
    """How far all parameters have come, of their size."""
    numbers = [values for name, values in run.path.items() if name not in {"epoch", "step"}]
    first, last = (np.array([values[k] for values in numbers]) for k in (0, -1))
    return np.linalg.norm(last - first) / np.linalg.norm(first)


@pytest.mark.usefixtures("here")
def test_a_rate_near_the_largest_stable_one_is_not_called_too_small_for_few_steps():
    content = copy.deepcopy(BROKEN["net_with_rate_of_nothing"])
    content["training"] = {"epochs": 1, "batch_size": "full"}
    content["optimizer"] = {"kind": "sgd", "lr": 1e-4}
    content["model"]["init"] = {"kind": "normal", "std": 3.0}
    small, found = findings(content)
    assert "hardly_moved" in found
    limit = 2 / small.result.curvature.start.largest
    run, found = findings(content, optimizer__lr=limit / 15)
    assert moved(run) < 0.01
    assert "hardly_moved" not in found


def test_what_is_frozen_does_not_count_among_what_has_hardly_moved():
    """A large table that nothing moves, beside weights that move."""
    start = {"table": np.full(100, 50.0), "w": np.ones(2)}
    facts = SimpleNamespace(
        experiment=SimpleNamespace(
            model=SimpleNamespace(linear_in_parameters=False), optimizer=SimpleNamespace(adaptive=True)
        ),
        result=SimpleNamespace(status="completed", outcome="improving", steps=9),
        start=start,
        rate=1e-3,
        train=lambda **changes: str(changes),
    )
    facts.last = start | {"w": np.array([1.5, 0.5])}
    assert list(hardly_moved(facts)) == []
    facts.last = start | {"w": np.array([1.001, 0.999])}
    (finding,) = hardly_moved(facts)
    assert finding.numbers["moved"] == pytest.approx(1e-3)


TWO_POINTS = {
    "loss": {"kind": "mse"},
    "model": {"kind": "linear"},
    "optimizer": {"kind": "sgd", "lr": 0.1},
    "training": {"epochs": 20, "batch_size": "full"},
    "logging": {"tensorboard": False, "figures": False},
}


@pytest.mark.usefixtures("here")
def test_a_rate_that_is_advised_is_not_the_one_that_was_trained():
    Path("two.csv").write_text("x,y\n1,2\n2,3\n")
    table = {"kind": "csv", "path": "two.csv", "target": "y", "split": {"train": 1}}
    _, found = findings(TWO_POINTS | {"dataset": table})
    (rate,) = told(r"a rate near #", found["unfinished"].text)
    assert 0.1 < rate < 0.11
    assert [c.split()[-1] for c in found["unfinished"].commands][-1] == "optimizer.lr=0.11"


@pytest.mark.usefixtures("here")
def test_a_loss_beyond_float32_is_not_said_to_need_a_smaller_rate():
    line = {"kind": "linear", "w": [2.0], "b": 1.0, "noise": 1e25, "num_train": 100, "num_val": 0}
    run, found = findings(TWO_POINTS | {"dataset": line})
    assert run.status == "diverged"
    assert "no rate helps" in found["diverged"].text
    assert found["diverged"].commands[0].endswith("dtype=float64")
    run, _ = findings(TWO_POINTS | {"dataset": line, "dtype": "float64"})
    assert run.status == "completed"


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
@pytest.mark.usefixtures("here")
def test_steps_of_one_length_are_advised_for_as_long_as_they_take(optimizer):
    line = {"kind": "linear", "w": [2.0], "b": 1.0, "noise": 0.1, "num_train": 100, "num_val": 0}
    slow = TWO_POINTS | {"dataset": line, "optimizer": {"kind": optimizer, "lr": 1e-3}}
    _, found = findings(slow, training__epochs=50)
    left = found["unfinished"].numbers["way_left"]
    assert 0.8 < left < 1
    (command,) = found["unfinished"].commands
    epochs = int(command.rpartition("training.epochs=")[2])
    assert epochs == 50 * min(int(np.ceil(1 / (1 - left))), 100)
    (three_times, _), (longer, _) = (findings(slow, training__epochs=count) for count in (150, epochs))
    assert longer.metrics["recovery/error_norm"] < 0.75 * three_times.metrics["recovery/error_norm"]


@pytest.mark.parametrize(("dtype", "epochs"), [("float32", 200)])
@pytest.mark.usefixtures("here")
def test_no_loss_is_foreseen_that_rounding_does_not_allow(dtype, epochs):
    """Training without noise ends at a loss above the forecast: what is said is that rounding remains."""
    line = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0, "num_train": 1000, "num_val": 0}
    exact = TWO_POINTS | {"dataset": line, "dtype": dtype, "training": {"epochs": epochs, "batch_size": 32}}
    found = {finding.kind: finding for finding in lrcli.explain(exact).findings}
    assert "to about 0 but for rounding, where the least possible is 0" in found["expected"].text
    assert "best_rate" not in found
    first = found["expected"].numbers["first"]
    assert 0 < lrcli.train(exact).metrics["train/loss"] < 1e-6 * np.finfo(dtype).eps * first


@pytest.mark.usefixtures("here")
def test_a_wave_at_another_minimum_is_not_said_to_need_more_epochs():
    x = np.linspace(0, 6, 40)
    Path("wave.csv").write_text("\n".join(["x,y", *(f"{a},{2 * np.sin(3 * a + 0.5) + 1}" for a in x)]))
    wave = {
        "dataset": {"kind": "csv", "path": "wave.csv", "target": "y", "split": {"train": 1}},
        "model": {"kind": "sinusoid"},
        "optimizer": {"kind": "adam", "lr": 0.05},
    }
    run, found = findings(TWO_POINTS | wave, training__epochs=300)
    five_times_as_long, _ = findings(TWO_POINTS | wave, training__epochs=1500)
    assert five_times_as_long.metrics["train/loss"] > 0.9 * run.metrics["train/loss"] > 0.9
    assert "more epochs do not help" in found["other_minimum"].text
    assert not {"unfinished", "edge_of_stability"} & set(found)


@pytest.mark.usefixtures("here")
def test_training_is_finished_in_what_the_data_determine():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 40))
    rows = [f"{a},{2 * a},{2 * a + 1 + 0.1 * e}" for a, e in zip(x, noise, strict=True)]
    Path("dependent.csv").write_text("\n".join(["x,z,y", *rows]))
    table = {"kind": "csv", "path": "dependent.csv", "target": "y", "split": {"train": 1}}
    _, found = findings(TWO_POINTS | {"dataset": table, "training": {"epochs": 100, "batch_size": "full"}})
    assert found["finished"].text.endswith("of a standard error in every one that the data determine.")


@pytest.mark.usefixtures("here")
def test_the_noise_that_a_rate_is_said_to_leave_is_that_of_simulated_training():
    """By 400 orders of the examples, in NumPy, around least squares."""
    run, found = findings(BROKEN["too_short"])
    rate, said = told(
        r"a rate near # would, but for the noise of its batches, about #", found["unfinished"].text
    )
    x, y = design(run)
    best, rng = np.linalg.lstsq(x, y)[0], np.random.default_rng(0)
    theta = np.tile(best, (400, 1))
    for _ in range(20):
        orders = rng.permuted(np.tile(np.arange(len(x)), (400, 1)), axis=1).reshape(400, -1, 20)
        for k in range(orders.shape[1]):
            inputs, targets = x[orders[:, k]], y[orders[:, k]]
            rest = np.einsum("rnp,rp->rn", inputs, theta) - targets
            theta = theta - rate * np.einsum("rnp,rn->rp", inputs, rest) / 20
    assert said == pytest.approx(np.sqrt(np.mean((theta - best) ** 2)), rel=0.25)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("share", "grows"), [(0.99, True), (0.3, False)])
def test_a_rate_at_which_the_noise_of_batches_grows_is_not_advised(share, grows, monkeypatch):
    """The rate of training on average may be one that no order of the examples bears."""
    content = copy.deepcopy(BROKEN["too_short"])
    content["dataset"] |= {"num_train": 40, "noise": 1.0}
    content["seed"] = 1
    content["training"] = {"epochs": 1, "batch_size": 10}
    monkeypatch.setattr(Forecast, "rate_to_error", lambda self, _: share * self.largest_rate)
    run, found = findings(content, optimizer__lr=0.001)
    experiment = load(run.directory / "experiment.yaml").experiment
    rate = share * forecast(experiment).largest_rate
    changed = experiment.optimizer.model_copy(update={"lr": rate})
    floor = forecast(experiment.model_copy(update={"optimizer": changed})).floor
    assert np.isnan(floor) == grows
    assert ("a rate near" in found["unfinished"].text.lower()) != grows
    assert any("optimizer.lr" in command for command in found["unfinished"].commands) != grows


@pytest.mark.usefixtures("here")
def test_a_rise_that_so_few_validation_examples_leave_to_chance_is_no_overfitting():
    """Least squares on much data, of which a handful is for validation: val/loss rises a little by chance."""
    content = copy.deepcopy(BROKEN["too_short"])
    content["training"]["epochs"] = 40
    content["dataset"] |= {"num_val": 8, "noise": 1.0}
    rises = 0
    for seed in range(12):
        run, found = findings(content, seed=seed)
        val = run.curves["val/loss"]
        rises += val[-1] > 1.05 * val.min()
        assert "overfit" not in found
    assert rises > 0  # there is something to be taken for it
