"""The numbers of explanations once more, by NumPy alone."""

import numpy as np
from texts import told

from lrcli.training.problem import build_problem

DIGITS = 0.006  # three digits are told


def check(run, text):
    """Hold every sentence about errors and levels to what the data and the learned parameters say.

    Args:
        run: a `TrainedRun`.
        text: of its explanation, in one line.

    Returns:
        How many numbers were held to others.
    """
    experiment = run.experiment
    inputs, targets = experiment.dataset.draw(experiment.seed, "train")
    learned = {name: np.asarray(values[-1]) for name, values in run.path.parameters.items()}
    checked = _levels(run, text, inputs, targets, learned)
    if experiment.loss.kind in {"mse", "half_mse"} and experiment.model.kind in {"linear", "polynomial"}:
        checked += _errors(run, text, _columns(experiment, inputs), targets[:, 0], learned)
    return checked


def _columns(experiment, inputs):
    """The design matrix, in the order of the parameters' names."""
    if experiment.model.kind == "polynomial":
        return inputs ** np.arange(experiment.model.degree + 1)
    return np.column_stack([inputs, np.ones(len(inputs))])


def _errors(run, text, columns, targets, learned):
    best, _, _, _ = np.linalg.lstsq(columns, targets)
    count, size = columns.shape
    rest = targets - columns @ best
    spread = np.sqrt(rest @ rest / (count - size) * np.diag(np.linalg.inv(columns.T @ columns)))
    values = np.concatenate([np.ravel(each) for each in learned.values()])
    start = np.concatenate([np.ravel(each[0]) for each in run.path.parameters.values()])
    names = list(run.experiment.elements)
    truth = np.array([row.true for row in run.result.recovery], dtype=np.float64)
    sentences = {
        r"(\S+) is off by #": lambda k: [abs(truth - values)[k]],
        r"(\S+) is off by \S+\. The data could tell it to #": lambda k: [spread[k]],
        r"(\S+) is # from (?:its best|the best)": lambda k: [abs(best - values)[k]],
        r"(\S+) is off by \S+, # standard errors": lambda k: [abs(truth - values)[k] / spread[k]],
        r"() leave #% of the way": lambda _: [
            100 * np.linalg.norm(best - values) / np.linalg.norm(best - start)
        ],
        r"()it owes at most # of a standard": lambda _: [np.max(np.abs(best - values) / spread)],
    }
    checked = 0
    for pattern, oracle in sentences.items():
        found = told(pattern, text)
        if found is not None:
            name, *said = found
            np.testing.assert_allclose(
                said, oracle(names.index(name) if name else 0), rtol=0.06 if not name else DIGITS
            )
            checked += len(said)
    return checked


def _levels(run, text, inputs, targets, learned):
    """The loss of the learned parameters, and of the best constant."""
    checked = 0
    found = told(r"constant prediction,? (?:has |has a loss of )?#", text)
    if found is not None:
        np.testing.assert_allclose(found, [constant(run.experiment.loss.kind, targets)], rtol=DIGITS)
        checked += 1
    found = told(r"train/loss is #", text)
    if found is not None and run.experiment.model.kind in {"linear", "mlp"}:
        outputs = forward(inputs, learned, run.experiment.model)
        np.testing.assert_allclose(found, [loss(run.experiment.loss.kind, outputs, targets)], rtol=DIGITS)
        checked += 1
    return checked


def constant(kind, targets):
    """The loss of the best answer that is the same for all."""
    if kind in {"mse", "half_mse"}:
        return np.mean((targets - targets.mean(axis=0)) ** 2) / (2 if kind == "half_mse" else 1)
    if kind == "bce":
        shares = np.array([targets.mean(), 1 - targets.mean()])
    elif targets.shape[1] > 1:
        shares = targets.mean(axis=0)
    else:
        shares = np.unique(targets, return_counts=True)[1] / len(targets)
    return -np.sum(shares * np.log(shares))


def loss(kind, outputs, targets):
    if kind in {"mse", "half_mse"}:
        return np.mean((outputs - targets) ** 2) / (2 if kind == "half_mse" else 1)
    if kind == "bce":
        return np.mean(np.logaddexp(0, outputs) - targets * outputs)
    classes = targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0].astype(int)
    return np.mean(np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(len(outputs)), classes])


def forward(inputs, learned, model):
    if model.kind == "linear":
        return inputs @ learned["w"] + learned["b"]
    bend = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh, "sigmoid": lambda v: 1 / (1 + np.exp(-v))}
    values, layers = inputs, len(learned) // 2
    for k in range(1, layers + 1):
        values = values @ learned[f"w{k}"] + learned[f"b{k}"]
        if k < layers:
            values = bend[model.activation](values)
    return values


def check_file(experiment, text):
    """Hold what is foreseen of a file to gradient descent step by step, in NumPy.

    Args:
        experiment: what would be trained.
        text: of its explanation, in one line.

    Returns:
        How many numbers were held to others.
    """
    inputs, targets = experiment.dataset.draw(experiment.seed, "train")
    checked = 0
    found = told(r"constant prediction has a loss of #", text)
    simple = experiment.loss.kind in {"mse", "half_mse", "bce", "cross_entropy"}
    if found is not None and simple and experiment.loss.reduction == "mean":
        np.testing.assert_allclose(found, [constant(experiment.loss.kind, targets)], rtol=DIGITS)
        checked += 1
    if experiment.training.batch_size != "full" or experiment.model.kind not in {"linear", "polynomial"}:
        return checked
    if experiment.loss.kind not in {"mse", "half_mse"} or experiment.optimizer.kind != "sgd":
        return checked
    return checked + _foreseen(experiment, text, _columns(experiment, inputs), targets[:, 0])


def _foreseen(experiment, text, columns, targets):
    scale = (1 if experiment.loss.kind == "mse" else 0.5) * (
        1 / len(columns) if experiment.loss.reduction == "mean" else 1
    )
    slope, momentum = 2 * scale, experiment.optimizer.momentum
    limit = 2 * (1 + momentum) / np.linalg.eigvalsh(slope * columns.T @ columns)[-1]
    rate, steps = experiment.optimizer.lr, experiment.training.epochs
    said = told(r"largest stable learning rate is #\. The file's, #, is #% of it", text)
    np.testing.assert_allclose(said[:2], [limit, rate], rtol=DIGITS)
    np.testing.assert_allclose(said[2], 100 * rate / limit, rtol=0.06)

    theta, velocity = _start(experiment), 0.0
    best = np.linalg.lstsq(columns, targets)[0]

    def level(at):
        return scale * np.sum((columns @ at - targets) ** 2)

    begun, first = np.linalg.norm(theta - best), level(theta)
    for _ in range(steps):
        velocity = momentum * velocity + slope * columns.T @ (columns @ theta - targets)
        theta = theta - rate * velocity
    said = told(r"falls from # to #, where the least possible is #;", text)
    np.testing.assert_allclose(said, [first, level(theta), level(best)], rtol=DIGITS)
    left = told(r"leave #% of the way", text)
    if left is not None:
        np.testing.assert_allclose(left, [100 * np.linalg.norm(theta - best) / begun], rtol=0.06)
    return 6


def _start(experiment):
    """Where training begins, as the model draws it."""
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [experiment.seed])
    return problem.starts(np.array([0]))[0]
