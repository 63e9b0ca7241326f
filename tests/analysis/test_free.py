"""Directions that change no output."""

import numpy as np

from lrcli.analysis.determination import free_directions


def test_directions_of_dependent_columns():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 2))
    columns = np.column_stack([x[:, 0], 2 * x[:, 0], x[:, 1], np.ones(30), x[:, 1] - 3])
    free = free_directions(columns)
    assert free.shape == (2, 5)
    np.testing.assert_allclose(columns @ free.T, 0, atol=1e-12)
    pairs = [row for row in free if np.count_nonzero(row) == 2]
    assert len(pairs) == 1
    assert pairs[0][0] / pairs[0][1] == -2
    assert not free_directions(x).size
