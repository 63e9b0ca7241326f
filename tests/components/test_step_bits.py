"""What is computed for a step and a member is the same, to the last bit, whatever is computed beside it."""

import numpy as np
import pytest
from builders import component

from lrcli.components.powers import powers

SCHEDULES = [
    {"kind": "step", "every": 3, "gamma": 0.1},
    {"kind": "exponential", "gamma": 0.1},
    {"kind": "cosine", "min_lr": 0.001},
    {"kind": "linear_warmup", "steps": 7},
]
OPTIMIZERS = [
    {"kind": "sgd", "momentum": 0.9},
    {"kind": "rmsprop", "centered": True},
    {"kind": "adam", "amsgrad": True},
    {"kind": "adamw"},
]
TOTAL = 20


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each["kind"])
@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda each: each["kind"])
def test_each_step_and_member_alone(kind, schedule):
    optimizer = component("optimizer", **kind, lr=0.1, schedule=schedule)
    members = {name: np.array([value, value / 3]) for name, value in optimizer.hyperparameters().items()}
    steps = np.arange(TOTAL)
    whole = optimizer.coefficients(members, steps, TOTAL)
    for step in steps:
        for member in range(2):
            own = {name: values[[member]] for name, values in members.items()}
            alone = optimizer.coefficients(own, steps[[step]], TOTAL)
            for name, values in whole.items():
                expected = np.broadcast_to(values, (TOTAL, 2))[step, member]
                assert np.broadcast_to(alone[name], (1, 1))[0, 0].tobytes() == expected.tobytes(), name


def test_powers():
    """Also where NumPy squares, and then only there: an exponent of 2 for a whole row."""
    bases, exponents = [0.1, 0.3, 0.7], [[2], [3], [40]]
    whole = powers(bases, exponents)
    np.testing.assert_array_max_ulp(
        whole, [[base ** exponent[0] for base in bases] for exponent in exponents], 1
    )
    for row, exponent in zip(whole, exponents, strict=True):
        for found, base in zip(row, bases, strict=True):
            assert powers(base, [exponent]).tobytes() == powers([base], exponent).tobytes() == found.tobytes()
