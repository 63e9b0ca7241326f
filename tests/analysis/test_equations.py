"""Equations as people write them."""

import numpy as np
import pytest

from lrcli.analysis.equations import equation


@pytest.mark.parametrize(
    ("model", "parameters", "expected"),
    [
        (
            "polynomial",
            {"coef": [0.038, 0.8736, -0.0066, -0.0957]},
            "y = 0.038 + 0.8736 x - 0.0066 x^2 - 0.0957 x^3",
        ),
        ("polynomial", {"coef": [-1.5]}, "y = -1.5"),
        ("polynomial", {"coef": [-1e-17, 0.5]}, "y = 0 + 0.5 x"),
        ("linear", {"w": [[2.0]], "b": [-1.0]}, "y = -1 + 2 x"),
        (
            "legendre",
            {"a": 0.0, "b": -2.2085, "c": 0.0, "d": 0.2555},
            "y = 0 - 2.208 P3(0 + 0.2555 x), P3(u) = (5 u^3 - 3 u) / 2",
        ),
        (
            "sinusoid",
            {"amplitude": 2.0, "frequency": 1.0, "phase": -0.5, "offset": 1.0},
            "y = 2 sin(1 x - 0.5) + 1",
        ),
        ("linear", {"w": [[2.0], [1.0]], "b": [0.0]}, None),
        ("mlp", {"w1": [[1.0]]}, None),
    ],
)
def test_equations(model, parameters, expected):
    assert equation(model, {name: np.array(value) for name, value in parameters.items()}) == expected
