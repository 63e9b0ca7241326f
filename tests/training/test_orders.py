"""Shuffled epochs in machine code: the examples in the order of `Problem.order`, which NumPy draws."""

from functools import cache

import numpy as np
import pytest
from builders import LINEAR, problem

pytest.importorskip("numba")

from lrcli.training import compiled_shuffling
from lrcli.training.compiled_shuffling import Shuffled
from lrcli.training.machine_code import Code, find, load, make

SEEDS = (0, 5, 2**32 - 1, 2**32, 2**40 + 3, 2**130 + 9)  # of one word, two and five


@cache
def function(dtype):
    code = Code("shuffle", dtype, 1, 1)
    return load(code, find(code) or make([code])[0])


def shuffled(pb, epochs, dtype="float64"):
    """Examples that say who they are: the input is the example's number, the targets are it and its row's."""
    rows, size = len(pb.sources), pb.splits["train"].size
    numbers = np.arange(size, dtype=dtype)
    inputs = np.broadcast_to(numbers[None, :, None], (rows, size, 1)).copy()
    targets = np.stack([np.stack([numbers, np.full_like(numbers, row)], axis=1) for row in range(rows)])
    return Shuffled(pb, inputs, targets, epochs, function(dtype))


def examples(size, seeds=SEEDS):
    return problem(LINEAR | {"num_train": size, "num_val": 0}, {"kind": "linear"}, {"kind": "mse"}, seeds)


def assert_in_order(pb, window, epoch):
    for row in range(len(pb.sources)):
        expected = pb.order(row, epoch + 1)
        np.testing.assert_array_equal(window.inputs[row, epoch - window.first, :, 0], expected)
        np.testing.assert_array_equal(window.targets[row, epoch - window.first, :, 0], expected)
        assert np.all(window.targets[row, epoch - window.first, :, 1] == row)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 2, 3, 17, 200, 1000])
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
def test_windows_follow_one_another(numbers, monkeypatch):
    monkeypatch.setattr(compiled_shuffling, "_NUMBERS", numbers)
    pb = examples(17)
    whole = shuffled(pb, 23)
    lengths = set()
    for epoch in range(23):
        window = whole.at(epoch)
        assert window.first <= epoch < window.last <= 23
        assert_in_order(pb, window, epoch)
        lengths.add(window.last - window.first)
    assert max(lengths) == max(1, numbers // (6 * 17 * 3))


def test_a_window_may_be_entered_anywhere(monkeypatch):
    """A run that is taken up again begins late; one that goes back draws again."""
    monkeypatch.setattr(compiled_shuffling, "_NUMBERS", 1000)
    pb = examples(17)
    whole = shuffled(pb, 50)
    for epoch in (31, 32, 33, 34, 48, 49, 2, 3, 0, 40):
        assert_in_order(pb, whole.at(epoch), epoch)


def test_late_epochs_have_their_own_orders():
    pb = examples(17)
    whole = shuffled(pb, 10**9)
    for epoch in (10**6, 10**9 - 2):
        assert_in_order(pb, whole.at(epoch), epoch)
