"""What learned parameters are held against is where training ends, whatever is decayed."""

import numpy as np
import pytest
from builders import parameters

from lrcli.experiment.experiment import Experiment
from lrcli.running.preparation import prepare
from lrcli.training.population import build_population
from lrcli.training.problem import Draw

XOR = {"kind": "xor", "num_train": 60, "num_val": 0, "label_noise": 0.2}
SINE = {"kind": "sine", "offset": 2.0, "num_train": 50, "num_val": 0}
CASES = {
    "line on classes": (XOR, {"kind": "linear"}, "mse", 0.5),
    "logistic regression": (XOR, {"kind": "linear"}, "bce", 2.0),
    "line on a sine": (SINE, {"kind": "linear"}, "half_mse", 0.1),
    "parabola on a sine": (SINE, {"kind": "polynomial", "degree": 2}, "mse", 0.01),
}


@pytest.mark.parametrize("decay", ["all", "weights"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_training_ends_at_the_reference(case, decay):
    dataset, model, loss, rate = case
    experiment = Experiment(
        name="a",
        dtype="float64",
        dataset=dataset,
        model=model,
        loss={"kind": loss},
        optimizer={"kind": "sgd", "lr": rate, "weight_decay": 0.3, "decay": decay},
        training={"epochs": 4000, "batch_size": "full"},
        logging={"every": 4000},
    )
    population = build_population(experiment.optimizer, experiment.training, [0])
    prepared = prepare(experiment, [Draw(0, experiment.dataset, experiment.model)], population)
    prepared.engine.compile()
    for _ in prepared.loop:
        pass
    errors = prepared.recovery.errors(parameters(prepared.engine), prepared.rows)
    for values in errors.values():
        np.testing.assert_allclose(values, 0, atol=1e-7)


def test_what_is_decayed_moves_the_reference():
    """A constant far from zero is pulled towards it, unless biases are spared."""
    constants = {}
    for decay in ("all", "weights"):
        experiment = Experiment(
            name="a",
            dataset=SINE,
            model={"kind": "linear"},
            loss={"kind": "half_mse"},
            optimizer={"kind": "sgd", "weight_decay": 1.0, "decay": decay},
        )
        population = build_population(experiment.optimizer, experiment.training, [0])
        prepared = prepare(experiment, [Draw(0, experiment.dataset, experiment.model)], population)
        constants[decay] = float(prepared.recovery.values["b"][0, 0])
    assert constants["weights"] == pytest.approx(2.0, abs=1e-9)
    assert constants["all"] == pytest.approx(1.0, abs=1e-9)  # (1 + 1) b = 2 about a line without a mean
