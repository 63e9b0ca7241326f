"""Outcomes of curves that are known in closed form."""

import numpy as np
import pytest
from made_sweeps import made_results

from lrcli.analysis.outcomes import outcomes

T = np.arange(100.0)
NOISE = np.random.default_rng(0).normal(size=100)


def outcome(curve, **fields):
    """Of one member with this training loss."""
    curve = np.asarray(curve, dtype=float)
    return outcomes(made_results([[1.0]], curves={"train/loss": curve[None, None]}, **fields))[0, 0]


def descent(rate, steps=100, curvatures=(1.0, 0.1), start=(1.0, 1.0)):
    """The loss of full-batch gradient descent on a quadratic, after each step."""
    curvatures, start = np.array(curvatures), np.array(start)
    w = start * (1 - rate * curvatures) ** np.arange(1, steps + 1)[:, None]
    return np.sum(curvatures * w**2, axis=1) / 2


@pytest.mark.parametrize(
    ("expected", "curve"),
    [
        pytest.param("converged", np.exp(-T), id="exponential decay to 0, beyond rounding"),
        pytest.param("improving", np.exp(-0.1 * T), id="exponential decay to 0, under way"),
        pytest.param("improving", 1000 * np.exp(-0.001 * T), id="slow decay"),
        pytest.param("improving", 1 - 1e-5 * T, id="so slow that it has hardly begun"),
        pytest.param("converged", 0.1 + np.exp(-0.2 * T), id="decay to a floor"),
        pytest.param("improving", 0.1 + np.exp(-0.03 * T), id="decay to a floor, under way"),
        pytest.param("improving", 1 / (1 + T), id="power law, as of separable classes"),
        pytest.param(
            "improving", np.exp(-0.1 * T) * np.exp(0.5 * NOISE), id="noisy, but falling by far more"
        ),
        pytest.param("diverged", 1.05 ** (2 * T), id="sign-alternating growth of parameters"),
        pytest.param("diverged", np.exp(-T) + 1e-6 * 1.2**T, id="growth behind a dip"),
        pytest.param("oscillating", 1 + 100 * np.exp(-T) + 1e-4 * 1.1**T, id="growth that is still below"),
        pytest.param("oscillating", np.where(T % 2, 1.0, 3.0), id="alternating"),
        *(
            pytest.param("oscillating", 2 + np.sin(T / 4 + phase), id=f"a slow oscillation, {phase}")
            for phase in range(6)
        ),
        pytest.param("oscillating", 0.01 * np.exp(NOISE), id="noise larger than its level"),
        pytest.param("converged", np.where(T % 2, 1.0, 1.2), id="alternating a little"),
        pytest.param("converged", 5 * np.exp(-T) + 0.1 * (1 + 0.05 * NOISE), id="noise around a floor"),
        pytest.param("converged", 0.1 * (1 + 0.01 * NOISE), id="noise around a level from the start"),
        pytest.param("converged", np.exp(-T) + 1e-14 * np.exp(2 * NOISE), id="rounding"),
        pytest.param("converged", 1e-14 * np.exp(2 * NOISE), id="rounding from the start"),
        pytest.param("converged", np.exp(-T) + 1e-3 * np.where(T == 90, 9, 1), id="one spike"),
        pytest.param("converged", np.ones(100), id="constant"),
        pytest.param("converged", np.zeros(100), id="zero"),
        pytest.param("converged", [9, 1, 1, 1, 1, 1, 1, 1], id="short"),
        pytest.param("improving", [4, 3, 2, 1], id="four records"),
        pytest.param("unknown", [4, 3, 2], id="three records"),
        pytest.param("unknown", [4, 3, np.nan, 2, 1], id="a gap"),
    ],
)
def test_closed_forms(expected, curve):
    assert outcome(curve) == expected


@pytest.mark.parametrize(
    ("rate", "start", "expected"),
    [
        (1e-6, (1, 1), "improving"),
        (0.01, (1, 1), "improving"),
        (1.0, (1, 1), "converged"),  # 0.9^400: the flat direction has come down to rounding
        (1.99, (1, 1), "improving"),
        (2.0, (1, 1), "converged"),  # alternates between w and -w at the same loss for ever
        (2.02, (1, 1), "diverged"),
        (2.2, (1, 1), "diverged"),
        (2.05, (1e-3, 10), "diverged"),  # what is steep begins small: the loss falls before it grows
    ],
)
def test_gradient_descent_on_a_quadratic(rate, start, expected):
    assert outcome(descent(rate, 400, start=start)) == expected


def test_few_noisy_records_are_mostly_converged():
    """By the tau of four records alone, 1 in 24 seems to fall and 1 in 24 to rise."""
    noise = np.random.default_rng(1).normal(size=(40, 250, 10))
    results = made_results(np.ones((40, 250)), curves={"train/loss": 0.1 * (1 + 0.05 * noise)})
    words, counts = np.unique(outcomes(results), return_counts=True)
    share = dict(zip(words.tolist(), counts / 10_000, strict=True))
    assert share["converged"] > 0.9
    assert share.get("diverged", 0) < 0.001
    assert share["improving"] < 0.05
    assert share["oscillating"] < 0.05


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_scale_changes_nothing(scale):
    curves = [np.exp(-0.1 * T), np.exp(-T), 2 + np.sin(T / 4), 1.1**T, 0.1 + np.exp(-0.2 * T)]
    assert [outcome(scale * curve) for curve in curves] == [
        "improving",
        "converged",
        "oscillating",
        "diverged",
        "converged",
    ]


@pytest.mark.parametrize("status", ["diverged", "interrupted"])
def test_the_status_comes_first(status):
    assert outcome(np.ones(100), status=np.array([[status]])) == status


def test_members_are_judged_by_their_own_records():
    """What follows the end of a member that stopped early is not its own, whether repeated or missing."""
    falling = np.exp(-0.1 * T)
    repeated, missing = falling.copy(), falling.copy()
    repeated[30:], missing[30:] = falling[29], np.nan
    curves = {"train/loss": np.stack([falling, repeated, missing])[:, None]}
    status = np.array([["completed"], ["stopped_early"], ["stopped_early"]])
    results = made_results(
        np.ones((3, 1)), curves=curves, status=status, epochs=np.array([[100], [30], [30]])
    )
    assert outcomes(results).tolist() == [["improving"]] * 3
    too_short = made_results(
        np.ones((3, 1)), curves=curves, status=status, epochs=np.array([[100], [3], [4]])
    )
    assert outcomes(too_short).tolist() == [["improving"], ["unknown"], ["improving"]]


def test_configurations_with_fewer_records():
    curve = np.exp(-0.1 * T)
    ended = np.where(T < 50, curve, np.nan)
    epoch = np.stack([T + 1, np.where(T < 50, 2 * T + 2, 0)]).astype(int)
    results = made_results(
        np.ones((1, 2)),
        curves={"train/loss": np.stack([curve, ended])[None]},
        epoch=epoch,
        epochs=np.full((1, 2), 100),
    )
    assert outcomes(results).tolist() == [["improving", "improving"]]


def test_which_curve():
    both = {"train/running_loss": np.ones((1, 1, 8)), "train/loss": 2.0 ** -np.arange(8.0)[None, None]}
    assert outcomes(made_results([[1.0]], curves=both)).tolist() == [["improving"]]
    del both["train/loss"]
    assert outcomes(made_results([[1.0]], curves=both)).tolist() == [["converged"]]
    assert outcomes(made_results([[1.0]], curves={"val/loss": np.ones((1, 1, 8))})).tolist() == [["unknown"]]
