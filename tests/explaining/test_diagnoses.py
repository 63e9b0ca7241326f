"""Findings of runs and of files: what is broken is found, and numbers are those of other computations."""

import copy
import shlex

import numpy as np
import pytest
from builders import EXPERIMENTS
from cases import BROKEN

import lrcli

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
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def findings(content, **overrides):
    run = lrcli.train(content, {key.replace("__", "."): value for key, value in overrides.items()})
    return run, {finding.kind: finding for finding in run.explain().findings}


def design(run):
    """X with a column of ones, and y, of the training set as the file's generator draws it."""
    from lrcli.experiment.loading import load

    experiment = load(run.directory / "experiment.yaml").experiment
    inputs, targets = experiment.dataset.draw(experiment.seed, "train")
    return np.column_stack([inputs, np.ones(len(inputs))]), targets[:, 0]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_and_what_is_advised_can_be_typed(name, program):
    run = lrcli.train(BROKEN[name])
    found = {finding.kind: finding for finding in run.explain().findings}
    assert KINDS[name] in found
    assert found[KINDS[name]].text in str(run.explain())
    for command in [command for finding in found.values() for command in finding.commands][:2]:
        program_name, verb, *words = shlex.split(command)
        assert (program_name, verb) == ("lrcli", "train")
        code, _, err = program(verb, *words, "training.epochs=2", "--quiet", code=None)
        assert code in {0, 1}, err  # it may diverge, but it is no mistake


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
