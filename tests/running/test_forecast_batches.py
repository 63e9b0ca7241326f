"""What is foreseen of shuffled batches, held to the mean of a thousand trainings at every record."""

import numpy as np
import pytest
from forecast_oracles import Trained, made

from lrcli.running.forecast import forecast

SEEDS = 1000
CASES = {
    "plain": {},
    "a sum of squares": {"loss": {"kind": "mse", "reduction": "sum"}, "optimizer": {"lr": 0.004}},
    "a large rate": {"optimizer": {"lr": 0.5}},
    "near the limit": {"optimizer": {"lr": 0.9}},
    "batches of one": {"training": {"batch_size": 1, "epochs": 10}, "optimizer": {"lr": 0.02}},
    "momentum": {"optimizer": {"momentum": 0.9, "lr": 0.01}},
    "nesterov": {"optimizer": {"momentum": 0.9, "nesterov": True, "lr": 0.01}},
    "dampening": {"optimizer": {"momentum": 0.9, "dampening": 0.5, "lr": 0.01}},
    "decay": {"optimizer": {"weight_decay": 0.1}},
    "decay of the weights": {"optimizer": {"weight_decay": 0.1, "decay": "weights"}},
    "a rest": {"training": {"batch_size": 16}},
    "a rest of one": {"training": {"batch_size": 59}},
    "dropped": {"training": {"batch_size": 16, "drop_last": True}},
    "half dropped": {"training": {"batch_size": 31, "drop_last": True}},
    "no noise": {"dataset": {"noise": 0.0}},
    "as many parameters": {"dataset": {"w": [1.0] * 9, "num_train": 10}, "training": {"batch_size": 5}},
    "more parameters": {"dataset": {"w": [1.0] * 12, "num_train": 10}, "training": {"batch_size": 5}},
    "condition 1e12": {"dataset": {"feature_std": [1.0, 1e-6]}},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_mean_loss_at_every_record(case):
    """Within 4 Monte Carlo errors, a twentieth of what is left and 15% of the noise floor."""
    experiment, problem = made(**case)
    foreseen, trained = forecast(experiment, problem), Trained(experiment, problem, SEEDS)
    assert not foreseen.exact
    least = trained.loss(trained.best)
    assert foreseen.least == pytest.approx(least, rel=1e-9, abs=1e-12)
    mean, error = trained.losses.mean(axis=1), trained.losses.std(axis=1) / np.sqrt(SEEDS)
    allowed = 4 * error + 0.05 * np.abs(mean - least) + 0.15 * foreseen.floor
    assert np.all(np.abs(foreseen.loss - mean) <= allowed + 1e-12)
