"""The torch engine against the textbook loop: nn.Module, torch.optim, the same batches, float64."""

import itertools

import numpy as np
import pytest
import torch
from builders import (
    LINEAR,
    SINE,
    XOR,
    advance,
    epoch_metrics,
    evaluate,
    flat,
    parameters,
    population,
    problem,
    trained,
)
from torch.nn import functional

from lrcli.engines.torch.engine import TorchEngine

LOSSES = {
    "half_mse": lambda o, y: functional.mse_loss(o, y) / 2,
    "mse_sum": lambda o, y: functional.mse_loss(o, y, reduction="sum"),
    "l1": functional.l1_loss,
    "huber": functional.huber_loss,
    "bce": functional.binary_cross_entropy_with_logits,
    "cross_entropy": lambda o, y: functional.cross_entropy(o, y.argmax(-1)),
}


def textbook(pb, optimizer, epochs, batch_size, loss, clip=None, seed_index=0, shuffle=True):
    """Train a stack of torch.nn.Linear layers, or a polynomial as one, the way a textbook does."""
    arrays = {name: torch.from_numpy(values[seed_index].copy()) for name, values in pb.initial.items()}
    layers = []
    if "coef" in arrays:
        layer = torch.nn.Linear(len(arrays["coef"]), 1, bias=False).double()
        layer.weight.data = arrays["coef"][None, :]
        layers.append(layer)
    for w, b in itertools.batched(arrays.values(), 2) if hasattr(itertools, "batched") else _pairs(arrays):
        layer = torch.nn.Linear(*w.shape).double()
        layer.weight.data, layer.bias.data = w.T.contiguous(), b
        layers += [layer, torch.nn.ReLU()]
    net = torch.nn.Sequential(*(layers if "coef" in arrays else layers[:-1]))
    optimizer = optimizer(net.parameters())
    split = pb.splits["train"]
    inputs, targets = (torch.from_numpy(a[seed_index]) for a in (split.features, split.targets))
    for epoch in range(1, epochs + 1):
        order = torch.from_numpy(pb.order(seed_index, epoch)) if shuffle else torch.arange(len(inputs))
        noise = pb.input_noise(seed_index, epoch)
        x = inputs if noise is None else inputs + torch.from_numpy(noise)
        for batch in order.split(batch_size):
            optimizer.zero_grad()
            value = loss(net(x[batch]), targets[batch])
            value.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimizer.step()
    if "coef" in arrays:
        return net[0].weight.detach().numpy().ravel()
    parts = [(m.weight.detach().T, m.bias.detach()) for m in net if isinstance(m, torch.nn.Linear)]
    return np.concatenate([part.numpy().ravel() for pair in parts for part in pair])


def _pairs(arrays):
    values = [v for name, v in arrays.items() if name != "coef"]
    return zip(values[::2], values[1::2], strict=True)


SGD = {"kind": "sgd", "lr": 0.05}
CASES = {
    "linear": (LINEAR, {"kind": "linear"}, "half_mse", {}),
    "linear-l1": (LINEAR, {"kind": "linear"}, "l1", {}),
    "linear-huber": (LINEAR, {"kind": "linear"}, "huber", {}),
    "linear-clip": (LINEAR, {"kind": "linear"}, "half_mse", {"clip_grad_norm": 0.5}),
    "mlp": (XOR, {"kind": "mlp", "hidden": [4, 4]}, "bce", {}),
    "mlp-clip": (XOR, {"kind": "mlp", "hidden": [4, 4]}, "bce", {"clip_grad_norm": 0.05}),
    "mlp-noise": (XOR, {"kind": "mlp", "hidden": [4], "input_noise": 0.3}, "bce", {}),
    "mlp-classes": (XOR, {"kind": "mlp", "hidden": [5]}, "cross_entropy", {}),
    "mlp-deep": (XOR, {"kind": "mlp", "hidden": [3, 4, 3]}, "half_mse", {}),
}


@pytest.mark.parametrize("batch_size", [7, 10, 1000])
@pytest.mark.parametrize("case", list(CASES))
def test_training_is_that_of_the_textbook_loop(case, batch_size):
    """7 does not divide the number of examples: the smaller last batch is trained too."""
    dataset, model, loss, training = CASES[case]
    pb = problem(dataset, model, {"kind": loss})
    plan = {"epochs": 10, "batch_size": batch_size, **training}
    engine = trained(pb, population(SGD, plan))
    shuffled = batch_size < dataset["num_train"]
    expected = textbook(
        pb,
        lambda p: torch.optim.SGD(p, lr=0.05),
        10,
        batch_size,
        LOSSES[loss],
        training.get("clip_grad_norm"),
        shuffle=shuffled,
    )
    np.testing.assert_allclose(flat(engine)[0], expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("optimizer", "oracle"),
    [
        ({"kind": "sgd", "lr": 1e-4, "momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=1e-4, momentum=0.9)),
        ({"kind": "rmsprop", "lr": 1e-3}, lambda p: torch.optim.RMSprop(p, lr=1e-3)),
        ({"kind": "adam", "lr": 1e-2}, lambda p: torch.optim.Adam(p, lr=1e-2)),
        ({"kind": "adamw", "lr": 1e-2}, lambda p: torch.optim.AdamW(p, lr=1e-2)),
    ],
    ids=["momentum", "rmsprop", "adam", "adamw"],
)
def test_full_batch_training_of_a_polynomial(optimizer, oracle):
    pb = problem(SINE, {"kind": "polynomial", "degree": 3}, {"kind": "mse", "reduction": "sum"})
    engine = trained(pb, population(optimizer, {"epochs": 100, "batch_size": "full"}))
    expected = textbook(pb, oracle, 100, 60, LOSSES["mse_sum"], shuffle=False)
    np.testing.assert_allclose(flat(engine)[0], expected, rtol=1e-11, atol=1e-12)


def test_gradient_descent_contracts_as_the_closed_form_says():
    """Each eigenvector of the Hessian X'X/N loses (1 - lr lambda) of its error in every step."""
    pb = problem(LINEAR | {"noise": 0.0}, {"kind": "linear"}, {"kind": "half_mse"})
    engine = trained(pb, population({"kind": "sgd", "lr": 0.3}, {"epochs": 40, "batch_size": "full"}))
    inputs = pb.splits["train"].inputs[0]
    columns = np.hstack([inputs, np.ones((len(inputs), 1))])
    eigenvalues, vectors = np.linalg.eigh(columns.T @ columns / len(inputs))
    truth = np.array([2.0, -3.4, 4.2])
    start = np.concatenate([pb.initial["w"][0].ravel(), pb.initial["b"][0]])
    shrink = (1 - 0.3 * eigenvalues) ** 40
    expected = truth + vectors @ (shrink * (vectors.T @ (start - truth)))
    np.testing.assert_allclose(flat(engine)[0], expected, rtol=1e-10)


def test_drop_last_leaves_the_smaller_batch_out():
    pb = problem(LINEAR, {"kind": "linear"}, {"kind": "half_mse"})
    plan = {"epochs": 3, "batch_size": 30}
    assert population(SGD, plan).training.batch_sizes(100) == [30, 30, 30, 10]
    dropped = population(SGD, {**plan, "drop_last": True})
    assert dropped.training.batch_sizes(100) == [30, 30, 30]
    assert not np.allclose(flat(trained(pb, population(SGD, plan))), flat(trained(pb, dropped)))


def test_running_loss_and_gradient_norm_by_hand():
    """The mean over the minibatches, weighted by size, each loss taken before its update."""
    pb = problem(LINEAR, {"kind": "linear"}, {"kind": "half_mse"})
    engine = trained(pb, population(SGD, {"epochs": 1, "batch_size": 30, "shuffle": False}))
    split = pb.splits["train"]
    w, b = pb.initial["w"][0], pb.initial["b"][0]
    total = 0.0
    for start in range(0, 100, 30):
        x, y = split.inputs[0, start : start + 30], split.targets[0, start : start + 30]
        error = x @ w + b - y
        total += np.mean(error**2) / 2 * len(x) / 100
        gradient_w, gradient_b = x.T @ error / len(x), error.mean(0)
        w, b = w - 0.05 * gradient_w, b - 0.05 * gradient_b
    answer = epoch_metrics(engine)
    np.testing.assert_allclose(answer["train/running_loss"], [total], rtol=1e-12)
    norm = np.sqrt((gradient_w**2).sum() + (gradient_b**2).sum())
    np.testing.assert_allclose(answer["grad_norm"], [norm], rtol=1e-12)


def test_evaluation_by_hand_and_in_parts(monkeypatch):
    pb = problem(XOR, {"kind": "mlp", "hidden": [4]}, {"kind": "bce"}, seeds=range(3))
    members = population(SGD, {"epochs": 2, "batch_size": 8}, [0, 0, 1, 1, 2], lr=[0.1, 0.2, 0.1, 0.2, 0.3])
    engine = trained(pb, members)
    whole = evaluate(engine, "val")
    monkeypatch.setattr("lrcli.engines.torch.engine._EVALUATION_NUMBERS", 2)
    in_parts = evaluate(engine, "val")
    learned = parameters(engine)
    for i, seed in enumerate([0, 0, 1, 1, 2]):
        x, y = pb.splits["val"].inputs[seed], pb.splits["val"].targets[seed]
        hidden = np.maximum(x @ learned["w1"][i] + learned["b1"][i], 0)
        logits = hidden @ learned["w2"][i] + learned["b2"][i]
        loss = np.mean(np.log1p(np.exp(logits)) - y * logits)
        accuracy = np.mean((logits >= 0) == (y == 1))
        for answer in (whole, in_parts):
            np.testing.assert_allclose(answer["loss"][i], loss, rtol=1e-12)
            assert answer["accuracy"][i] == accuracy


def test_input_noise_is_in_training_only():
    clean = problem(XOR, {"kind": "mlp", "hidden": [4]}, {"kind": "bce"})
    noisy = problem(XOR, {"kind": "mlp", "hidden": [4], "input_noise": 0.5}, {"kind": "bce"})
    members = population(SGD, {"epochs": 2, "batch_size": 8})
    engines = [TorchEngine(pb, members, "cpu", "float64") for pb in (clean, noisy)]
    assert evaluate(engines[0], "train") == evaluate(engines[1], "train")
    for engine in engines:
        advance(engine, 1, 2)
    assert not np.allclose(*(flat(engine) for engine in engines))


def test_how_epochs_are_cut_changes_no_bit():
    pb = problem(XOR, {"kind": "mlp", "hidden": [4, 4], "input_noise": 0.1}, {"kind": "bce"})
    members = population({"kind": "adam", "lr": 0.01}, {"epochs": 9, "batch_size": 7})
    whole = trained(pb, members, "float32")
    pieces = TorchEngine(pb, members, "cpu", "float32")
    for first, count in ((1, 2), (3, 1), (4, 6)):
        advance(pieces, first, count)
    assert flat(whole).tobytes() == flat(pieces).tobytes()
