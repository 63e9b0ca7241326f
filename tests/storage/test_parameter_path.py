"""Which records of a run keep their parameters."""

import numpy as np
import pytest

from lrcli.storage.parameter_path import GrowingPath, ParameterPath


def kept(epochs, numbers=3, chunk=7):
    """The epochs that a path keeps of some, told of a few at a time, and its end."""
    growing = GrowingPath(numbers)
    for first in range(0, len(epochs), chunk):
        piece = np.array(epochs[first : first + chunk])
        due = growing.due(piece)
        if len(due):
            at = piece[due]
            growing.add(ParameterPath(at, 10 * at, {"w": at[:, None] * np.ones(numbers)}))
    end = np.array([epochs[-1]])
    return growing.up_to(ParameterPath(end, 10 * end, {"w": end[:, None] * np.ones(numbers)}))


def by_hand(epochs, growth):
    """One record after the other."""
    found = [epochs[0]]
    for epoch in epochs[1:]:
        if epoch >= max(found[-1] + 1, growth * found[-1]):
            found.append(epoch)
    return found + ([epochs[-1]] if found[-1] != epochs[-1] else [])


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
@pytest.mark.parametrize(("numbers", "growth"), [(3, 1.02), (1497, 1.02), (1499, 1.5), (26_214, 1.5)])
@pytest.mark.parametrize("epochs", [range(5), range(3_000), range(0, 10_000, 40), [0, 7]])
def test_records_are_kept_ever_more_seldom_however_they_come(epochs, numbers, growth, chunk):
    path = kept(list(epochs), numbers, chunk)
    assert path.epoch.tolist() == by_hand(list(epochs), growth)
    assert path.step.tolist() == [10 * epoch for epoch in path.epoch]
    assert path.at(len(path) - 1)["w"].tolist() == [epochs[-1]] * numbers


def test_of_very_many_numbers_only_the_ends_are_kept():
    assert kept(list(range(100)), 26_215).epoch.tolist() == [0, 99]


def test_a_long_path_is_some_hundred_records():
    assert 400 < len(kept(list(range(1_000_000)), chunk=10_000)) < 700


def test_an_end_between_two_records():
    growing = GrowingPath(1)
    epochs = np.arange(3)
    growing.add(ParameterPath(epochs[growing.due(epochs)], 4 * epochs, {"w": np.zeros((3, 1))}))
    path = growing.up_to(ParameterPath(np.array([2]), np.array([9]), {"w": np.ones((1, 1))}))
    assert path.step.tolist() == [0, 4, 8, 9]
    assert path.arrays["w"].tolist() == [[0.0], [0.0], [0.0], [1.0]]
