"""Training written out in NumPy, many seeds side by side: what forecasts are held to."""

from itertools import pairwise

import numpy as np

from lrcli.components.optimizers import SGD
from lrcli.experiment.loading import load
from lrcli.training.problem import build_problem

__all__ = ["Trained", "made"]

DATA = {"kind": "linear", "w": [2.0, -1.0], "b": 0.5, "noise": 0.5, "num_train": 60, "num_val": 0}
BLOCKS = {
    "dataset": DATA,
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.05},
    "training": {"epochs": 20, "batch_size": 6},
}


def made(**blocks):
    """An experiment and its problem."""
    whole = {name: block | blocks.get(name, {}) for name, block in BLOCKS.items()}
    experiment = load({"name": "made", "dtype": "float64"} | whole).experiment
    return experiment, build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])


class Trained:
    """SGD on the first row of a problem, from its start, with other orders of the examples for each seed.

    Attributes:
        parameters: (epochs + 1, seeds, P).
        losses: (epochs + 1, seeds) of the whole training set.
    """

    def __init__(self, experiment, problem, seeds, *, epochs=None, lr=None):
        split, optimizer, training = problem.splits["train"], experiment.optimizer, experiment.training
        assert isinstance(optimizer, SGD)
        self.x = np.column_stack([split.features[0], np.ones(split.size)])
        self.y = split.targets[0, :, 0]
        self._factor = 2.0 if experiment.loss.kind == "mse" else 1.0
        self._mean = experiment.loss.reduction == "mean"
        epochs, lr = epochs or training.epochs, lr or optimizer.lr
        sizes = training.batch_sizes(split.size)
        rates = optimizer.schedule.rates(np.array([lr]), np.arange(epochs * len(sizes)), epochs * len(sizes))
        rates = np.broadcast_to(rates, (epochs * len(sizes), 1))[:, 0]
        self._decay = optimizer.weight_decay * np.append(
            np.ones(self.x.shape[1] - 1), optimizer.decay == "all"
        )
        rng = np.random.default_rng(11)
        theta = np.tile(problem.starts(np.array([0]))[0], (seeds, 1))
        velocity, step, self.parameters = None, 0, [theta]
        for _ in range(epochs):
            order = np.argsort(rng.random((seeds, split.size)), axis=1)
            if not training.shuffle:
                order = np.tile(np.arange(split.size), (seeds, 1))
            for low, high in pairwise(np.cumsum([0, *sizes]).tolist()):
                slope = self._slope(theta, order[:, low:high]) + self._decay * theta
                intake = 1.0 if velocity is None else 1 - optimizer.dampening
                velocity = slope if velocity is None else optimizer.momentum * velocity + intake * slope
                theta = theta - rates[step] * (
                    slope + optimizer.momentum * velocity if optimizer.nesterov else velocity
                )
                step += 1
            self.parameters.append(theta)
        self.parameters = np.stack(self.parameters)
        self.losses = self.loss(self.parameters)

    def _slope(self, theta, chosen):
        errors = np.einsum("sbp,sp->sb", self.x[chosen], theta) - self.y[chosen]
        share = chosen.shape[1] if self._mean else 1
        return self._factor / share * np.einsum("sb,sbp->sp", errors, self.x[chosen])

    def loss(self, theta):
        """Of the whole training set."""
        share = len(self.y) if self._mean else 1
        return self._factor / 2 * np.sum((theta @ self.x.T - self.y) ** 2, axis=-1) / share

    @property
    def best(self):
        """(P,) what makes the loss of the whole set, and the decay, smallest; the shortest of several."""
        share = self._factor / (len(self.y) if self._mean else 1)
        rows = np.vstack([np.sqrt(share) * self.x, np.diag(np.sqrt(self._decay))])
        goal = np.append(np.sqrt(share) * self.y, np.zeros(len(self._decay)))
        return np.linalg.lstsq(rows, goal, rcond=1e-15)[0]
