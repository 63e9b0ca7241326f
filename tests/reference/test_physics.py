"""The physics files recover their constants to the accuracy that the noise allows: the Cramer-Rao bound.

With J the derivatives of the rule by its constants at every example, no estimator without bias has a
covariance below sigma^2 (J'J)^-1 (Cramer 1946, Rao 1945), and least squares under normal noise reaches it
for many examples.
"""

from pathlib import Path

import numpy as np
import pytest
from builders import component, records_of

from lrcli.experiment.loading import load
from lrcli.running.engine_choice import build_engine
from lrcli.training.loop import Plan, TrainingLoop
from lrcli.training.population import build_population
from lrcli.training.problem import build_problem

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SEEDS = 100
CONSTANTS = {
    "ohm": {"R": "R"},
    "planck": {"T": "temperature"},
    "exponential_decay": {"amplitude": "amplitude", "rate": "rate"},
}


def trained(experiment, seeds):
    """The problem of many seeds, and what was learned of it: from parameter name to (S, *shape)."""
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, range(seeds))
    population = build_population(experiment.optimizer, experiment.training, range(seeds))
    engine = build_engine(experiment, problem, population)
    engine.compile()
    plan = Plan(experiment.logging.every, experiment.logging.evaluate_train, experiment.best)
    return problem, records_of(TrainingLoop(engine, problem, population, plan))[-1].parameters


def bound(dataset, inputs, keys):
    """The smallest covariance (P, P), the derivatives taken by differences of the dataset's own rule."""
    columns = []
    for key in keys:
        value = getattr(dataset, key)
        step = 1e-5 * value
        up, down = (dataset.model_copy(update={key: value + s}).rule(inputs) for s in (step, -step))
        columns.append((up - down)[:, 0] / (2 * step))
    jacobian = np.stack(columns, axis=1)
    return dataset.noise**2 * np.linalg.inv(jacobian.T @ jacobian)


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_recovered_to_the_bound(name):
    """Over S seeds a root mean square has a relative standard error of 1 / sqrt(2 S): four are allowed."""
    words = ["dtype=float64", "dataset.num_val=1", *(["training.epochs=400"] if name == "planck" else [])]
    experiment = load(EXPERIMENTS / f"{name}.yaml", words).experiment  # planck has settled by then
    dataset, keys = experiment.dataset, CONSTANTS[name]
    problem, learned = trained(experiment, SEEDS)
    covariance = bound(dataset, problem.splits["train"].inputs[0], keys.values())
    errors = np.stack([learned[p] - getattr(dataset, key) for p, key in keys.items()], axis=1)
    deviations = np.sqrt(np.diag(covariance))
    ratios = np.sqrt(np.mean(errors**2, axis=0)) / deviations
    np.testing.assert_allclose(ratios, 1, atol=4 / np.sqrt(2 * SEEDS))
    assert np.all(np.abs(errors.mean(axis=0)) < 4 * deviations / np.sqrt(SEEDS)), "there is no bias"
    distances = np.einsum("sp,pq,sq->s", errors, np.linalg.inv(covariance), errors)
    size = len(keys)  # each distance is chi-squared with as many degrees of freedom
    assert distances.mean() == pytest.approx(size, abs=4 * np.sqrt(2 * size / SEEDS))


@pytest.mark.parametrize("name", CONSTANTS)
def test_training_leads_to_least_squares(name):
    """In the precision of the file: what is left of the way is a hundredth of what the noise hides."""
    experiment = load(EXPERIMENTS / f"{name}.yaml", ["dataset.num_val=1"]).experiment
    problem, learned = trained(experiment, 3)
    train = problem.splits["train"]
    for seed in range(3):
        covariance = bound(experiment.dataset, train.inputs[seed], CONSTANTS[name].values())
        best = experiment.model.best_fit(train.inputs[seed], train.targets[seed])
        for deviation, (parameter, value) in zip(np.sqrt(np.diag(covariance)), best.items(), strict=True):
            assert abs(learned[parameter][seed] - value) < 0.01 * deviation


@pytest.mark.parametrize(
    ("name", "said"),
    [("ohm", [0.0024]), ("planck", [1.8]), ("exponential_decay", [0.0070, 0.0017])],
)
def test_the_bound_is_as_the_file_says(name, said):
    experiment = load(EXPERIMENTS / f"{name}.yaml").experiment
    inputs, _ = experiment.dataset.draw(0, "train")
    covariance = bound(experiment.dataset, inputs, CONSTANTS[name].values())
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), said, rtol=0.03)
    text = (EXPERIMENTS / f"{name}.yaml").read_text(encoding="utf-8")
    assert all(f"{number:.2g}" in text for number in said)


def test_a_line_pays_for_its_offset():
    """The closed form of least squares with two columns; the bound of w is twice that without b."""
    experiment = load(EXPERIMENTS / "ohm_linear.yaml", ["dtype=float64", "dataset.num_val=1"]).experiment
    problem, learned = trained(experiment, SEEDS)
    x = problem.splits["train"].inputs[0][:, 0]
    columns = np.stack([x, np.ones_like(x)], axis=1)
    deviations = 0.02 * np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)))
    errors = np.stack([learned["w"][:, 0, 0] - 1 / 4.7, learned["b"][:, 0]], axis=1)
    ratios = np.sqrt(np.mean(errors**2, axis=0)) / deviations
    np.testing.assert_allclose(ratios, 1, atol=4 / np.sqrt(2 * SEEDS))
    alone = 0.02 / np.sqrt(np.sum(x**2))
    assert deviations[0] / alone == pytest.approx(2, rel=0.01)


def test_the_radiance_of_the_sun_has_its_top_where_wien_says():
    x = np.linspace(0.4, 0.6, 200_001)
    spectrum = component("dataset", kind="planck", temperature=5772.0).rule(x[:, None])[:, 0]
    assert x[np.argmax(spectrum)] * 5772 == pytest.approx(2897.771955, abs=0.01)  # um K, CODATA 2018


def test_the_radiance_of_all_wavelengths_is_that_of_stefan_and_boltzmann():
    x = np.geomspace(0.05, 1000, 200_001)
    spectrum = component("dataset", kind="planck", temperature=5772.0).rule(x[:, None])[:, 0]
    power = np.pi * np.trapezoid(spectrum, x) * 1e6  # from kW / (m^2 sr nm) times um to W / m^2
    assert power == pytest.approx(5.670374419e-8 * 5772**4, rel=1e-6)  # CODATA 2018
