"""Weight decay of all parameters or of the weights alone, against torch.optim with a group for each."""

import numpy as np
import pytest
import torch
from builders import LINEAR, SINE, XOR, compiled, flat, population, problem, trained

from lrcli.engines.compiled.machine_code import compiler_missing

EPOCHS = 30
PROBLEMS = {
    "linear": (LINEAR, {"kind": "linear"}),
    "polynomial": (SINE | {"low": -1.0, "high": 1.0}, {"kind": "polynomial", "degree": 2}),
    "mlp": (XOR, {"kind": "mlp", "hidden": [5, 3], "activation": "tanh"}),
}
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.5, "nesterov": True}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.002, "momentum": 0.5, "centered": True}),
    "adam": (torch.optim.Adam, {"lr": 0.01, "amsgrad": True}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01}),
}
SHARES = [0.0, 0.1, 0.7]  # of three members


def outputs(model, p, x):
    if model == "linear":
        return x @ p["w"] + p["b"]
    if model == "polynomial":
        return (x ** torch.arange(3)) @ p["coef"][:, None]
    h = torch.tanh(x @ p["w1"] + p["b1"])
    return torch.tanh(h @ p["w2"] + p["b2"]) @ p["w3"] + p["b3"]


def textbook(pb, model, kind, share, decay):
    """All parameters of one member, trained by torch alone; biases are what begins with b."""
    p = {name: torch.from_numpy(values[0].copy()).requires_grad_() for name, values in pb.initial.items()}
    biases = [name for name in p if decay == "weights" and name.startswith("b")]
    groups = [
        {"params": [value for name, value in p.items() if name not in biases], "weight_decay": share},
        {"params": [p[name] for name in biases], "weight_decay": 0.0},
    ]
    make, options = OPTIMIZERS[kind]
    optimizer = make(groups, **options)
    x, y = (torch.from_numpy(array[0]) for array in (pb.splits["train"].inputs, pb.splits["train"].targets))
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        torch.mean((outputs(model, p, x) - y) ** 2).backward()
        optimizer.step()
    return np.concatenate([value.detach().numpy().ravel() for value in p.values()])


@pytest.mark.parametrize("engine", ["torch", "compiled"])
@pytest.mark.parametrize("decay", ["all", "weights"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("model", PROBLEMS)
def test_trained_as_by_torch(model, kind, decay, engine):
    """Also where members differ in their decay, one of them having none."""
    if engine == "compiled" and compiler_missing():
        pytest.skip(compiler_missing())
    dataset, keys = PROBLEMS[model]
    pb = problem(dataset, keys, {"kind": "mse"})
    optimizer = {"kind": kind, "decay": decay, **OPTIMIZERS[kind][1]}
    members = population(
        optimizer, {"batch_size": "full", "epochs": EPOCHS}, [0] * len(SHARES), weight_decay=SHARES
    )
    found = flat(trained(pb, members, engine=engine))
    for row, share in zip(found, SHARES, strict=True):
        expected = textbook(pb, model, kind, share, decay)
        tolerance = 1e-12 if engine == "torch" else 1e-10
        np.testing.assert_allclose(row, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.skipif(compiler_missing() is not None, reason="there is no compiled engine")
@pytest.mark.parametrize("members", [1, 40])
@pytest.mark.parametrize("hidden", [[], [3], [8, 9]])
def test_where_decayed_rows_end(members, hidden):
    """Painted by these edges, each number in the memory of the machine code is what its parameter says."""
    pb = problem(XOR, {"kind": "mlp", "hidden": hidden}, {"kind": "mse"})
    engine = compiled(pb, population({"kind": "sgd", "decay": "weights"}, {}, [0] * members))
    layout, edges = engine._layout, engine._arguments.arrays["decay_edges"]
    assert edges[-1] == layout.count
    painted = np.zeros(layout.count, dtype=bool)
    for first, last in zip([0, *edges[1::2]], edges[::2], strict=False):
        painted[first:last] = True
    biases = [p.is_bias for p in pb.parameters for _ in range(p.size)]
    assert painted[layout._offsets // layout.units].tolist() == [not bias for bias in biases]
    assert len(edges) == 2 * (len(hidden) + 1)
