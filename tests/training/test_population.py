"""A member's numbers do not depend on who is trained beside it."""

import numpy as np
import pytest
import torch
from builders import LINEAR, SINE, XOR, epoch_metrics, evaluate, flat, population, problem, trained

RATES = [0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2]
LINE = (LINEAR, {"kind": "linear"}, {"kind": "half_mse"})
WIDE = ({**LINEAR, "w": [0.1 * i for i in range(12)]}, {"kind": "linear"}, {"kind": "mse"})
CUBIC = (SINE, {"kind": "polynomial", "degree": 3}, {"kind": "mse"})
MLP = (XOR, {"kind": "mlp", "hidden": [4, 4]}, {"kind": "bce"})
CURVE = (SINE, {"kind": "legendre"}, {"kind": "mse"})
SINUSOID = (SINE, {"kind": "sinusoid"}, {"kind": "mse"})

BITWISE = [
    (LINE, {"kind": "sgd"}, {"batch_size": 10}),
    (LINE, {"kind": "sgd"}, {"batch_size": 32}),
    (LINE, {"kind": "sgd"}, {"batch_size": "full"}),
    (LINE, {"kind": "sgd", "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}, {"batch_size": 32}),
    (LINE, {"kind": "sgd", "momentum": 0.9, "nesterov": True}, {"batch_size": 32}),
    (LINE, {"kind": "sgd", "schedule": {"kind": "cosine"}}, {"batch_size": 32}),
    (LINE, {"kind": "sgd"}, {"batch_size": 32, "clip_grad_norm": 0.7}),
    (({**LINEAR, "num_train": 3000}, *LINE[1:]), {"kind": "sgd"}, {"batch_size": "full"}),
    (WIDE, {"kind": "sgd"}, {"batch_size": 50}),
    (CUBIC, {"kind": "sgd"}, {"batch_size": 7}),
    (({**SINE, "num_train": 2000}, *CUBIC[1:]), {"kind": "sgd"}, {"batch_size": "full"}),
]
NONLINEAR = [  # as small as these, a member alone goes through the routines of a batch of members
    (MLP, {"kind": "sgd"}, {"batch_size": 2}),
    (MLP, {"kind": "adam"}, {"batch_size": 8}),
    (
        (XOR, {"kind": "mlp", "hidden": [5], "activation": "tanh"}, {"kind": "cross_entropy"}),
        {"kind": "rmsprop"},
        {"batch_size": 8},
    ),
    (
        (XOR, {"kind": "mlp", "hidden": [3, 2], "activation": "sigmoid"}, {"kind": "bce"}),
        {"kind": "adam", "amsgrad": True},
        {"batch_size": 8, "clip_grad_norm": 0.7},
    ),
    (LINE, {"kind": "adam"}, {"batch_size": 8}),
    (CURVE, {"kind": "sgd"}, {"batch_size": "full"}),
    (SINUSOID, {"kind": "adamw"}, {"batch_size": "full"}),
]


def alone_and_together(case, dtype, seeds, rates):
    """Parameters and metrics of each member, trained by itself and all at once."""
    (dataset, model, loss), optimizer, training = case
    training = {"epochs": 4, **training}
    pb = problem(dataset, model, loss, range(seeds))
    seed_index = np.repeat(np.arange(seeds), len(rates))
    every_rate = np.tile(rates, seeds)
    together = trained(pb, population(optimizer, training, seed_index, lr=every_rate), dtype)
    alone = []
    for seed, rate in zip(seed_index, every_rate, strict=True):
        own = problem(dataset, model, loss, [seed])
        alone.append(trained(own, population(optimizer, training, [0], lr=[rate]), dtype))
    return alone, together


def answers(engine):
    measured = {**epoch_metrics(engine), **evaluate(engine, "val")}
    return np.column_stack([flat(engine), *measured.values()])


@pytest.mark.parametrize(("dtype", "seeds"), [("float32", 3), ("float64", 1)])
@pytest.mark.parametrize("case", BITWISE, ids=str)
def test_the_same_bits_alone_and_together(case, dtype, seeds):
    alone, together = alone_and_together(case, dtype, seeds, RATES)
    for engine, row in zip(alone, answers(together), strict=True):
        assert answers(engine)[0].tobytes() == row.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", NONLINEAR, ids=str)
def test_the_same_bits_alone_and_together_in_a_nonlinear_model(case, dtype):
    alone, together = alone_and_together(case, dtype, 2, RATES[::3])
    for engine, row in zip(alone, answers(together), strict=True):
        assert answers(engine)[0].tobytes() == row.tobytes()


@pytest.mark.parametrize("batch_size", [10, 300, "full"])
@pytest.mark.parametrize("features", [1, 2, 3, 4, 5, 7, 9, 16])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_for_any_number_of_features(features, batch_size, dtype):
    """Rows of an odd length lie at other alignments from member to member."""
    dataset = {**LINEAR, "w": [0.3 * i - 1 for i in range(features)], "num_train": 1000}
    pb = problem(dataset, {"kind": "linear"}, {"kind": "half_mse"})
    training = {"epochs": 2, "batch_size": batch_size}
    rates = np.geomspace(1e-4, 0.1, 200)
    many = answers(trained(pb, population({"kind": "sgd"}, training, [0] * 200, lr=rates), dtype))
    few = answers(trained(pb, population({"kind": "sgd"}, training, [0] * 7, lr=rates[101:108]), dtype))
    one = answers(trained(pb, population({"kind": "sgd"}, training, [0], lr=rates[105:106]), dtype))
    assert few.tobytes() == many[101:108].tobytes()
    assert one.tobytes() == many[105:106].tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_bits_among_a_thousand_with_any_number_of_threads(threads):
    pb = problem(*LINE)
    rates = np.geomspace(1e-4, 0.3, 1000)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        many = trained(pb, population({"kind": "sgd"}, {"epochs": 2}, [0] * 1000, lr=rates), "float32")
        for member in (0, 1, 499, 998, 999):
            one = trained(pb, population({"kind": "sgd"}, {"epochs": 2}, [0], lr=[rates[member]]), "float32")
            assert flat(one)[0].tobytes() == flat(many)[member].tobytes()
    finally:
        torch.set_num_threads(before)


def test_order_and_parts_change_no_bit():
    pb = problem(*LINE, range(4))
    members = population({"kind": "sgd"}, {"epochs": 3}, [0, 1, 2, 3] * 5, lr=np.geomspace(1e-3, 0.5, 20))
    whole = flat(trained(pb, members, "float32"))
    order = np.random.default_rng(0).permutation(20)
    shuffled = flat(trained(pb, members.take(order), "float32"))
    assert whole[order].tobytes() == shuffled.tobytes()
    parts = [flat(trained(pb, members.take(p), "float32")) for p in (range(13), range(13, 20))]
    assert whole.tobytes() == np.concatenate(parts).tobytes()


def test_a_population_rejects_names_it_does_not_know():
    with pytest.raises(KeyError, match="momentun"):
        population({"kind": "sgd"}, {}, [0, 0], momentun=[0.1, 0.2])
