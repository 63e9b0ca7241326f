"""The worked examples of experiments/ with code of their own come to what the built-in files come to."""

import doctest
import sys
from pathlib import Path

import numpy as np
import pytest
from builders import experiments_with_data

from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.single import train

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
BARE = ["logging.tensorboard=false", "logging.figures=false", "dtype=float64"]
# The built-in file, and what is changed in it.
TWINS = {
    "linear_module": ("linear_scratch", []),
    "mlp_module": (
        "xor_mlp",
        ["seed=16", "optimizer.lr=0.15", "training.epochs=60", "training.batch_size=10"],
    ),
    "legendre_module": ("sine_legendre", []),
}
EXAMPLES = [*TWINS, "noisy_linear"]


def result(tmp_path, name, *words):
    experiment = load(EXPERIMENTS / f"{name}.yaml", words).experiment
    *_, finished = train(experiment, OutputLocation(tmp_path / name), Interruption())
    return finished.result


def test_every_example_with_code_is_here():
    experiments = {file.stem: load(file).experiment for file in experiments_with_data()}
    assert set(EXAMPLES) == {name for name, each in experiments.items() if Experiment.needs_code.fget(each)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_meets_its_expectations_by_learning(tmp_path, name):
    assert result(tmp_path / "trained", name, *BARE[:2]).met_expectations
    assert not result(
        tmp_path / "not", name, *BARE[:2], "optimizer.lr=1e-12", "training.epochs=1"
    ).met_expectations


@pytest.mark.parametrize("name", TWINS)
def test_an_example_is_its_built_in_twin(tmp_path, name):
    twin, words = TWINS[name]
    got, expected = result(tmp_path, name, *BARE), result(tmp_path, twin, *BARE, *words)
    for metric, value in expected.metrics.items():
        if not metric.startswith("recovery"):  # which are held to other parameters
            assert got.metrics[metric] == pytest.approx(value, rel=1e-9, abs=1e-12)
    numbers = [np.sort(np.concatenate([np.ravel(v) for v in r.parameters.values()])) for r in (got, expected)]
    np.testing.assert_allclose(*numbers, rtol=0, atol=1e-9)


def test_the_second_derivative(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import second_derivative

    tested = doctest.testmod(second_derivative)
    for name in ("second_derivative", "legendre_module"):
        del sys.modules[name]
    assert tested.attempted == 4
    assert tested.failed == 0
