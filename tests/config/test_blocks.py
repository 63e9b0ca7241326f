"""The points of a grid."""

import numpy as np
import pytest

from lrcli.config.blocks import GridSpec


def test_a_log_range_is_geometric_with_both_ends_exact():
    points = GridSpec(log_range=[1e-4, 1, 25]).points()
    assert (points[0], points[-1], len(points)) == (1e-4, 1, 25)
    np.testing.assert_allclose(points, np.geomspace(1e-4, 1, 25), rtol=1e-12)


def test_a_range_is_even_with_both_ends_exact():
    np.testing.assert_allclose(GridSpec(range=[0.1, 0.3, 3]).points(), [0.1, 0.2, 0.3], rtol=1e-12)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [({"range": [10, 30, 3]}, [10, 20, 30]), ({"log_range": [1, 1000, 4]}, [1, 10, 100, 1000])],
)
def test_whole_numbers_stay_whole(spec, expected):
    points = GridSpec(**spec).points()
    assert points == expected
    assert all(isinstance(point, int) for point in points)


def test_values_are_taken_as_they_are():
    assert GridSpec(values=["sgd", 1, [0.9, 0.99]]).points() == ["sgd", 1, [0.9, 0.99]]
