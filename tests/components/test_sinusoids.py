"""The best sinusoid of data of which nothing is known, beside SciPy's from the true parameters."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from lrcli.components.models.sinusoids import nearest_sinusoid


def sinusoid(x, amplitude, frequency, phase, offset):
    return amplitude * np.sin(frequency * x + phase) + offset


def squares(x, y, found):
    return np.sum((y - sinusoid(x, *map(float, found.values()))) ** 2)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_nothing_near_the_truth_fits_better(seed, noise):
    rng = np.random.default_rng(seed)
    count, scale = int(rng.choice([12, 40, 300, 3000])), 10.0 ** rng.integers(-2, 3)
    x = rng.uniform(-3, 5, count) * scale
    turns = rng.uniform(0.5, min(count / 4, 30))
    truth = [rng.normal() + 2, 2 * np.pi * turns / np.ptp(x), rng.uniform(-3, 3), 10 * rng.normal()]
    y = sinusoid(x, *truth) + noise * rng.normal(size=count)
    found = nearest_sinusoid(x, y)
    near = curve_fit(sinusoid, x, y, truth, xtol=1e-13, ftol=1e-13, gtol=1e-13)[0]
    assert squares(x, y, found) <= np.sum((y - sinusoid(x, *near)) ** 2) * (1 + 1e-9) + 1e-18 * count
    assert found["amplitude"] > 0
    assert found["frequency"] > 0
    assert abs(found["phase"]) <= np.pi
    if count > 40 or not noise:
        np.testing.assert_allclose(list(found.values())[1::2], near[1::2], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "rule", [lambda x: 3 * x + 1, lambda x: 0 * x + 2, lambda x: (x - 0.2) ** 2, np.zeros_like]
)
def test_a_line_or_a_parabola_is_no_sinusoid(rule):
    x = np.linspace(0, 1, 50)
    assert nearest_sinusoid(x, rule(x)) is None


def test_few_places_tell_no_sinusoid():
    x = np.repeat([0.0, 1.0, 2.0, 3.0], 20)
    assert nearest_sinusoid(x, np.sin(x)) is None
    assert nearest_sinusoid(np.ones(30), np.arange(30.0)) is None
