"""The outcome of a run is that of a member of a sweep that is alone."""

import numpy as np
import pytest

from lrcli.running.levels import Levels
from lrcli.running.outcome import outcome_of_run
from lrcli.storage.history import History

LEVELS = Levels(np.array([0.1]), np.array([10.0]))


def history(*losses, first=0):
    epoch = np.arange(first, first + len(losses))
    return History(epoch, 10 * epoch, {"train/loss": np.array([losses], dtype=float)})


@pytest.mark.parametrize(
    ("losses", "status", "expected"),
    [
        ((8, 0.1), "completed", "converged"),
        ((8, 5), "stopped_early", "improving"),
        ((8, 5, 5, 5, 5, 5, 5), "completed", "stuck"),
        ((8, 13), "completed", "rising"),
        ((8, 0.1), "diverged", "diverged"),
        ((8, 0.1), "interrupted", "interrupted"),
        ((8,), "completed", "unknown"),
    ],
)
def test_outcomes(losses, status, expected):
    assert outcome_of_run(history(*losses), status, LEVELS) == expected


def test_without_the_loss_before_training():
    assert outcome_of_run(history(0.3, first=1), "completed", LEVELS) == "unknown"


def test_alone_a_network_is_held_to_the_constant_answer():
    levels = Levels(np.array([np.nan]), np.array([np.log(2)]))
    assert outcome_of_run(history(0.7, *[0.693] * 8), "completed", levels) == "stuck"
    assert outcome_of_run(history(0.7, *[0.1] * 8), "completed", levels) == "converged"
