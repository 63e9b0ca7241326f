"""Shuffled epochs in machine code: the examples in the order of `Problem.order`, which NumPy draws."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from builders import LINEAR, population, problem

from lrcli.training.problem import Split

pytest.importorskip("numba")

from lrcli.engines.compiled import examples as compiled_examples
from lrcli.engines.compiled.examples import Examples
from lrcli.engines.compiled.machine_code import Code, find, load, make

SEEDS = (0, 5, 2**32 - 1, 2**32, 2**40 + 3, 2**130 + 9)  # of one word, two and five


@cache
def function(dtype):
    code = Code("shuffle", dtype, 1, 1)
    return load(find(code) or make([code])[0])


def examples(size, seeds=SEEDS):
    """Examples that say who they are: the input is the number, the targets are the number and the row."""
    dataset = LINEAR | {"w": [1.0], "num_train": size, "num_val": 0}
    pb = problem(dataset, {"kind": "linear"}, {"kind": "mse"}, seeds)
    numbers = np.broadcast_to(np.arange(float(size))[None, :, None], (len(seeds), size, 1))
    rows = np.broadcast_to(np.arange(float(len(seeds)))[:, None, None], numbers.shape)
    targets = np.concatenate([numbers, rows], axis=2)
    return dataclasses.replace(pb, splits={"train": Split(numbers, numbers, targets)})


def shuffled(pb, epochs, dtype="float64"):
    members = population({"kind": "sgd"}, {"epochs": epochs, "batch_size": 1}, [0])
    ready = Examples(pb, members, dtype)
    assert ready.shuffles
    ready.shuffle_with(function(dtype))
    return ready


def assert_in_order(pb, chunk, epoch):
    for row in range(len(pb.sources)):
        expected = pb.order(row, epoch + 1)
        np.testing.assert_array_equal(chunk.inputs[row, epoch - chunk.first, :, 0], expected)
        np.testing.assert_array_equal(chunk.targets[row, epoch - chunk.first, :, 0], expected)
        assert np.all(chunk.targets[row, epoch - chunk.first, :, 1] == row)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [2, 3, 17, 200, 1000])
def test_orders_are_those_of_numpy(size, dtype):
    pb = examples(size)
    whole = shuffled(pb, 7, dtype)
    for epoch in range(7):
        assert_in_order(pb, whole.at(epoch), epoch)


def test_orders_of_many_examples():
    pb = examples(70_000, seeds=(5, 2**130 + 9))
    whole = shuffled(pb, 3)
    for epoch in range(3):
        assert_in_order(pb, whole.at(epoch), epoch)


@pytest.mark.parametrize("size", [2**k + more for k in (4, 8) for more in (-1, 0, 1)])
def test_orders_on_both_sides_of_a_mask(size):
    pb = examples(size, seeds=range(3))
    whole = shuffled(pb, 20)
    for epoch in range(20):
        assert_in_order(pb, whole.at(epoch), epoch)


@pytest.mark.parametrize("seeds", [(5,), (2**130 + 9,), (2**40 + 3, 0)], ids=str)
def test_a_seed_has_the_same_order_in_any_company(seeds):
    pb = examples(17, seeds)
    assert_in_order(pb, shuffled(pb, 2).at(1), 1)


@pytest.mark.parametrize("numbers", [1, 1000, 3000])
def test_chunks_follow_one_another(numbers, monkeypatch):
    monkeypatch.setattr(compiled_examples, "_NUMBERS", numbers)
    pb = examples(17)
    whole = shuffled(pb, 23)
    lengths = set()
    for epoch in range(23):
        chunk = whole.at(epoch)
        assert chunk.first <= epoch < chunk.last <= 23
        assert_in_order(pb, chunk, epoch)
        lengths.add(chunk.last - chunk.first)
    assert max(lengths) == max(1, numbers // (6 * 17 * 3))


def test_a_chunk_may_be_entered_anywhere(monkeypatch):
    """A run that is taken up again begins late; one that goes back draws again."""
    monkeypatch.setattr(compiled_examples, "_NUMBERS", 1000)
    pb = examples(17)
    whole = shuffled(pb, 50)
    for epoch in (31, 32, 33, 34, 48, 49, 2, 3, 0, 40):
        assert_in_order(pb, whole.at(epoch), epoch)


def test_late_epochs_have_their_own_orders():
    pb = examples(17)
    whole = shuffled(pb, 10**9)
    for epoch in (10**6, 10**9 - 2):
        assert_in_order(pb, whole.at(epoch), epoch)


@pytest.mark.parametrize(
    "training",
    [{"batch_size": "full"}, {"batch_size": 17}, {"batch_size": 99}, {"batch_size": 3, "shuffle": False}],
    ids=str,
)
def test_where_order_makes_no_difference_examples_stay_as_they_are(training):
    pb = examples(17)
    ready = Examples(pb, population({"kind": "sgd"}, {"epochs": 9, **training}, [0]), "float64")
    assert not ready.shuffles
    for epoch in (0, 8):
        chunk = ready.at(epoch)
        assert chunk.first <= epoch < chunk.last
        np.testing.assert_array_equal(chunk.inputs.ravel(), pb.splits["train"].inputs.ravel())
        np.testing.assert_array_equal(chunk.targets.ravel(), pb.splits["train"].targets.ravel())
