"""A member has the same bits alone and among thousands, wherever it lies and however its training is cut."""

from functools import cache

import numpy as np
import pytest
from builders import LINEAR, SINE, XOR, advance, compiled, flat, population, problem

pytest.importorskip("numba")

from lrcli.engines.compiled import coefficients as compiled_coefficients
from lrcli.engines.compiled import engine as compiled_engine

POINTS = XOR | {"num_train": 23, "num_val": 11}
CASES = {  # the data, the model, the loss, the optimizer, the training, the range of the rates
    "noise and clipping": (
        POINTS,
        {"kind": "mlp", "hidden": [4], "input_noise": 0.2},
        {"kind": "bce"},
        {"kind": "adam", "amsgrad": True},
        {"epochs": 5, "batch_size": 5, "clip_grad_norm": 0.1},
        (1e-3, 1e-1),
    ),
    "deep": (
        POINTS,
        {"kind": "mlp", "hidden": [5, 3], "activation": "tanh"},
        {"kind": "cross_entropy"},
        {"kind": "sgd", "momentum": 0.5},
        {"epochs": 6, "batch_size": 7},
        (1e-3, 1e-1),
    ),
    "one step an epoch": (
        POINTS,
        {"kind": "mlp", "hidden": [6], "activation": "sigmoid"},
        {"kind": "huber", "reduction": "sum"},
        {"kind": "adamw", "schedule": {"kind": "exponential", "gamma": 0.99}},
        {"epochs": 20, "batch_size": "full"},
        (1e-3, 1e-1),
    ),
    "quadratic": (
        SINE,
        {"kind": "polynomial", "degree": 3},
        {"kind": "mse"},
        {"kind": "sgd", "weight_decay": 0.01},
        {"epochs": 30, "batch_size": "full"},
        (1e-5, 1e-4),
    ),
    "line": (
        LINEAR,
        {"kind": "linear"},
        {"kind": "l1"},
        {"kind": "rmsprop", "centered": True, "momentum": 0.5},
        {"epochs": 4, "batch_size": 16},
        (1e-3, 1e-2),
    ),
}
WIDE = {
    "wide": (
        LINEAR,
        {"kind": "mlp", "hidden": [37, 5], "activation": "tanh"},
        {"kind": "mse"},
        {"kind": "adam"},
        {"epochs": 4, "batch_size": 16},
        (1e-3, 1e-2),
    )
}
MANY = 10_000
SEEDS = 7


@cache
def drawn(name):
    dataset, model, loss, *_ = (CASES | WIDE)[name]
    return problem(dataset, model, loss, seeds=range(SEEDS))


def members_of(name, count=MANY, **more):
    """Each has a seed and a rate of its own, and one in three its own limit, where gradients are clipped."""
    *_, optimizer, training, (low, high) = (CASES | WIDE)[name]
    rates = low * (high / low) ** np.linspace(0, 1, count)
    if "clip_grad_norm" in training:
        more = {"clip_grad_norm": np.resize([0.05, np.inf, 0.5], count), **more}
    return population(optimizer, training, np.arange(count) % SEEDS, **{"lr": rates, **more})


def answers(pb, members, dtype="float32", pieces=()):
    """(R, K) everything that an engine says of its members after training in pieces of so many epochs."""
    engine = compiled(pb, members, dtype)
    first, epochs = 1, members.training.epochs
    for count in pieces or (epochs,):
        advance(engine, first, count)
        first += count
    parts = [flat(engine.parameters()), engine.diverged_steps()[:, None]]
    for said in (engine.last_epoch(), engine.evaluate("train"), engine.evaluate("val")):
        parts += [values[:, None] for values in said.values()]
    return np.concatenate(parts, axis=1)


def assert_same_bits(found, expected):
    np.testing.assert_array_equal(found.view(np.int64), np.ascontiguousarray(expected).view(np.int64))


@cache
def among_many(name, dtype):
    found = answers(drawn(name), members_of(name), dtype)
    assert np.isfinite(found).all()
    return found


every_case = pytest.mark.parametrize("name", list(CASES))
any_case = pytest.mark.parametrize("name", list(CASES | WIDE))
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@every_dtype
@every_case
def test_alone_and_among_ten_thousand(name, dtype):
    """One by one, a few, some that fill no row of lanes, and many."""
    many = among_many(name, dtype)
    rng = np.random.default_rng(0)
    picks = [[0], [4321], [MANY - 1], [3, 9998], *(rng.choice(MANY, n, replace=False) for n in (40, 1000))]
    for pick in picks:
        found = answers(drawn(name), members_of(name).take(pick), dtype)
        assert_same_bits(found, many[pick])


@every_case
def test_with_the_data_of_its_own_seed_alone(name):
    """As somebody would train it who knows nothing of the sweep."""
    dataset, model, loss, *_ = CASES[name]
    for member in (0, 4321):
        pb = problem(dataset, model, loss, seeds=[member % SEEDS])
        alone = members_of(name).take([member])
        alone.draw_index[:] = 0
        assert_same_bits(answers(pb, alone), among_many(name, "float32")[[member]])


@every_case
def test_in_any_order(name):
    order = np.random.default_rng(1).permutation(MANY)[:3000]
    assert_same_bits(answers(drawn(name), members_of(name).take(order)), among_many(name, "float32")[order])


@pytest.mark.parametrize("seeds", [1, 50])
@every_case
def test_one_seed_with_many_members_and_many_seeds_with_one_each(name, seeds):
    """A row of lanes has one row of data or as many as members."""
    dataset, model, loss, *_ = CASES[name]
    pb = problem(dataset, model, loss, seeds=range(seeds))
    members = members_of(name, 50)
    members.draw_index[:] = np.arange(50) % seeds
    together = answers(pb, members)
    for pick in ([0], [7, 49], [13, 14, 15]):
        assert_same_bits(answers(pb, members.take(pick)), together[pick])


@any_case
def test_on_one_core_and_on_two(name, monkeypatch):
    found = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(compiled_engine, "_cores", lambda cores=cores: cores)
        found.append(answers(drawn(name), members_of(name, 300)))
    assert_same_bits(found[0], found[1])
    assert_same_bits(found[0], found[2])


@pytest.mark.parametrize(
    ("dtype", "lanes"),
    [
        *(("float32", lanes) for lanes in [(1, 1), (1, 4), (1, 32), (16, 1), (32, 1)]),
        *(("float64", lanes) for lanes in [(1, 4), (1, 16), (16, 1)]),
    ],
    ids=str,
)
@any_case
def test_in_any_row_of_lanes(name, dtype, lanes, monkeypatch):
    """41 members fill no row; layers of 3, 4, 5, 6 and 37 units fill none either."""
    members = members_of(name, 41)
    natural = answers(drawn(name), members, dtype)
    monkeypatch.setattr(compiled_engine, "_lanes", lambda *_: lanes)
    assert_same_bits(answers(drawn(name), members, dtype), natural)


@pytest.mark.parametrize("tile", [1, 2, 5])
@any_case
def test_however_many_examples_are_looked_at_together(name, tile, monkeypatch):
    natural = answers(drawn(name), members_of(name, 40))
    monkeypatch.setattr(compiled_engine.CompiledEngine, "_tile", lambda self: tile)
    assert_same_bits(answers(drawn(name), members_of(name, 40)), natural)


@any_case
def test_however_epochs_are_cut(name):
    epochs = members_of(name, 40).training.epochs
    whole = answers(drawn(name), members_of(name, 40))
    for pieces in ((1,) * epochs, (2, 1, epochs - 3)):
        assert_same_bits(answers(drawn(name), members_of(name, 40), pieces=pieces), whole)


@any_case
def test_however_a_call_is_cut(name, monkeypatch):
    """A step at a time as on a machine that is very slow, a few at a time, or whole epochs at once."""
    members = members_of(name, 40)
    monkeypatch.setattr(compiled_engine, "_CHUNK_SECONDS", 1e6)
    whole = answers(drawn(name), members)
    monkeypatch.setattr(compiled_engine, "_CHUNK_SECONDS", 0.0)
    assert_same_bits(answers(drawn(name), members), whole)
    monkeypatch.setattr(compiled_engine, "_CHUNK_SECONDS", 1e6)
    for numbers in (1, 40 * 8 * 3, 40 * 8 * 7):  # in a table of coefficients: of a step, three and seven
        monkeypatch.setattr(compiled_coefficients, "_NUMBERS", numbers)
        assert_same_bits(answers(drawn(name), members), whole)


# Beside members that diverge -------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize(
    ("activation", "hidden"),
    [("relu", []), ("relu", [5, 6]), ("tanh", [5, 6]), ("sigmoid", [5, 6]), ("tanh", [33, 34])],
    ids=str,
)
@every_dtype
def test_beside_members_that_diverge(dtype, activation, hidden, count):
    """Before, beside and after them, on the same thread, whose memory they share."""
    pb = problem(LINEAR, {"kind": "mlp", "hidden": hidden, "activation": activation}, {"kind": "mse"}, (0, 1))
    training, seeds = {"epochs": 12, "batch_size": 16}, np.arange(count) % 2
    rates = np.linspace(0.001, 0.01, count)
    calm = answers(pb, population({"kind": "sgd"}, training, seeds, lr=rates), dtype)
    wild = np.arange(count) % 3 == 1
    rates[wild] = np.resize([1e30, 1e37, 1e8], wild.sum())
    members = population({"kind": "sgd"}, training, seeds, lr=rates)
    found = answers(pb, members, dtype)
    assert np.isfinite(calm).all()
    assert_same_bits(found[~wild], calm[~wild])
    assert np.isnan(found[wild]).any(axis=1).all()
    alone = np.concatenate(
        [answers(pb, members.take([member]), dtype) for member in np.flatnonzero(wild)[:4]]
    )
    assert_same_bits(found[wild][:4], alone)
    in_pieces = answers(pb, members, dtype, pieces=(1, 2, 9))
    assert_same_bits(in_pieces, found)


@pytest.mark.parametrize("cores", [1, 2])
def test_blocks_that_diverge_leave_nothing_for_the_next_block(cores, monkeypatch):
    """All members of some blocks diverge; blocks before and after share their thread and its memory."""
    monkeypatch.setattr(compiled_engine, "_cores", lambda: cores)
    pb = problem(LINEAR, {"kind": "mlp", "hidden": [5, 6], "activation": "tanh"}, {"kind": "mse"}, (0,))
    rates = np.full(320, 0.01)
    training = {"epochs": 5, "batch_size": 16}
    calm = answers(pb, population({"kind": "sgd"}, training, [0] * 320, lr=rates))
    wild = np.arange(320) // 32 % 3 == 1
    rates[wild] = 1e30
    found = answers(pb, population({"kind": "sgd"}, training, [0] * 320, lr=rates))
    assert_same_bits(found[~wild], calm[~wild])
    assert np.isnan(found[wild]).any(axis=1).all()  # a diverged member has no running loss
