"""What is kept of a run's metrics for its curves, against all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcli.reporting.runs.live_curves import Curves

NUMBERS = st.one_of(st.floats(0, 1e6, allow_subnormal=False), st.just(np.nan), st.just(np.inf))


def filled(values, epochs, chunks, most=8):
    """Curves of two metrics, the second twice the first, whose records come in chunks."""
    curves, at = Curves(["train/loss", "val/loss"], most), 0
    while at < len(values):
        chunk = slice(at, at + chunks[at % len(chunks)])
        curves.add(epochs[chunk], np.stack([values[chunk], 2 * values[chunk]]))
        at = chunk.stop
    return curves


@given(
    st.lists(NUMBERS, min_size=1, max_size=200), st.lists(st.integers(1, 60), min_size=1), st.integers(1, 5)
)
def test_stretches_hold_what_lies_between_their_epochs(values, chunks, every):
    values, epochs = np.array(values), every * np.arange(len(values))
    curves = filled(values, epochs, chunks)
    assert 1 <= len(curves.epochs) <= 8
    assert curves.epochs[-1] == epochs[-1]
    before = -1
    for i, epoch in enumerate(curves.epochs.tolist()):
        inside = values[(epochs > before) & (epochs <= epoch)]
        numbers = inside[~np.isnan(inside)]
        expected = (numbers.min(), numbers.max()) if numbers.size else (np.nan, np.nan)
        np.testing.assert_array_equal([curves.low[0, i], curves.high[0, i]], expected)
        np.testing.assert_array_equal(curves.low[1], 2 * curves.low[0])
        before = epoch


def test_few_records_are_kept_as_they_are():
    values = np.array([3.0, np.nan, np.inf, 1.0])
    curves = filled(values, np.array([0, 10, 20, 25]), [4])
    np.testing.assert_array_equal(curves.low[0], values)
    np.testing.assert_array_equal(curves.high[0], values)
    assert curves.epochs.tolist() == [0, 10, 20, 25]


@pytest.mark.parametrize("chunk", [1, 7, 1000, 20_000])
def test_many_records_take_no_more_memory(chunk):
    """The same stretches, however the records come."""
    values = np.random.default_rng(0).random(20_000)
    curves = Curves(["train/loss"])
    for start in range(0, len(values), chunk):
        piece = values[None, start : start + chunk]
        curves.add(start + np.arange(piece.shape[1]), piece)
    assert 512 <= len(curves.epochs) <= 1024
    stretches = np.split(values, curves.epochs[:-1] + 1)
    assert {len(stretch) for stretch in stretches[:-1]} == {32}
    assert curves.high[0].tolist() == [stretch.max() for stretch in stretches]
    assert curves.low[0].tolist() == [stretch.min() for stretch in stretches]
