"""Which parameters the data determine: other parameters give the same outputs, or do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcli.analysis.determination import undetermined

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
ONES = np.ones((30, 1))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (X, [False, False, False]),
        (np.hstack([X, ONES]), [False] * 4),
        (X[:2], [True] * 3),
        (X[:3], [False] * 3),
        (np.hstack([X * [1, 0, 1], ONES]), [False, True, False, False]),
        (np.hstack([X[:, :1], 5 * ONES, ONES]), [False, True, True]),
        (np.hstack([X, X[:, :1] + X[:, 1:2]]), [True, True, False, True]),
        (np.hstack([X, X[:, :1] * (1 + 1e-5 * RNG.normal(size=(30, 1)))]), [False] * 4),
        (np.linspace(-np.pi, np.pi, 40)[:, None] ** np.arange(10), [False] * 10),
        # x^4 - 10/9 pi^2 x^2 + pi^4 / 9 is 0 at all four places
        (np.linspace(-np.pi, np.pi, 4)[:, None] ** np.arange(5), [True, False, True, False, True]),
        (X * [1e-12, 1, 1e12], [False] * 3),
        (np.zeros((5, 2)), [True, True]),
    ],
)
def test_known_cases(columns, expected):
    assert undetermined(columns[None])[0].tolist() == expected


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 4))
def test_exactly_the_numbers_that_take_part_in_a_dependence(seed, free, dependent):
    """Columns that are sums of some others leave open themselves and those."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(40, free))
    mix = rng.normal(size=(free, dependent)) * rng.integers(2, size=(free, dependent))
    columns = np.hstack([base, base @ mix])
    expected = [*np.any(mix != 0, axis=1), *([True] * dependent)]
    scales = 10.0 ** rng.integers(-6, 7, size=columns.shape[1])
    assert undetermined((columns * scales)[None])[0].tolist() == expected


def test_many_examples_take_little_memory():
    columns = np.repeat(X[:2], 20_000, axis=0)
    assert undetermined(columns[None]).tolist() == [[True] * 3]


def test_each_set_of_data_is_its_own():
    sets = np.stack([X, X * [1, 0, 1], X, np.hstack([X[:, :2], X[:, :1]])])
    assert undetermined(sets).tolist() == [
        [False] * 3,
        [False, True, False],
        [False] * 3,
        [True, False, True],
    ]
