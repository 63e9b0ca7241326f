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
        pytest.param("rising", 1.05 ** (2 * T), id="sign-alternating growth of parameters"),
        pytest.param("rising", np.exp(-T) + 1e-6 * 1.2**T, id="growth behind a dip"),
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
        pytest.param("improving", [4, 3, 2], id="three records"),
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
        (2.02, (1, 1), "rising"),
        (2.2, (1, 1), "rising"),
        (2.05, (1e-3, 10), "rising"),  # what is steep begins small: the loss falls before it grows
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
    assert share.get("rising", 0) < 0.001
    assert share["improving"] < 0.05
    assert share["oscillating"] < 0.05


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_scale_changes_nothing(scale):
    curves = [np.exp(-0.1 * T), np.exp(-T), 2 + np.sin(T / 4), 1.1**T, 0.1 + np.exp(-0.2 * T)]
    assert [outcome(scale * curve) for curve in curves] == [
        "improving",
        "converged",
        "oscillating",
        "rising",
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
    assert outcomes(too_short).tolist() == [["improving"], ["improving"], ["improving"]]
    alone = made_results(np.ones((3, 1)), curves=curves, status=status, epochs=np.array([[100], [1], [2]]))
    assert outcomes(alone).tolist() == [["improving"], ["unknown"], ["improving"]]


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


LEVEL = {"least": 0.1, "constant": 10.0}


def judged(curve, least=np.nan, constant=np.nan, others=()):
    """The outcome of a curve beside others of its seed, all of the same problem."""
    count = 1 + len(others)
    curves = np.array([curve, *others], dtype=float)[None]
    levels = {"least": np.full((1, count), least), "constant": np.full((1, count), constant)}
    return outcomes(made_results(np.ones((1, count)), curves={"train/loss": curves}, **levels))[0, 0]


@pytest.mark.parametrize(
    ("expected", "curve", "levels"),
    [
        pytest.param("converged", 0.1 + np.exp(-0.2 * T), LEVEL, id="the best"),
        pytest.param("converged", 0.19 + np.exp(-0.2 * T), LEVEL, id="a noise floor: 1% left to learn"),
        pytest.param("stuck", 0.25 + np.exp(-0.2 * T), LEVEL, id="a level above: 1.5% left"),
        pytest.param("stuck", 2 + np.exp(-0.2 * T), LEVEL, id="a plateau: 19% left"),
        pytest.param("stuck", np.full(100, 10.0), LEVEL, id="a constant answer"),
        pytest.param("improving", 5 * np.exp(-0.01 * T), LEVEL, id="a plateau that it leaves"),
        pytest.param("oscillating", np.where(T % 2, 5.0, 15.0), LEVEL, id="swings come first"),
        pytest.param("rising", 1.05 ** (2 * T), LEVEL, id="growth comes first"),
        pytest.param(
            "converged", np.full(100, 0.692), {"least": 0.691, "constant": 0.693}, id="nothing to learn"
        ),
        pytest.param("converged", np.exp(-T), {"least": 0.0, "constant": 8.0}, id="rounding"),
        pytest.param("stuck", 5 * np.maximum(0.98**T, 0.98**80), LEVEL, id="a schedule that ended too soon"),
        pytest.param(
            "stuck", 1.5 + 8 * np.exp(-np.maximum(T - 75, 0) / 2), LEVEL, id="falls, then levels off"
        ),
        pytest.param("converged", 0.1 * (1.03 + 0.05 * NOISE), LEVEL, id="noise at the best"),
        pytest.param("converged", 0.1 + 0.045 * (1 + np.sin(T)), LEVEL, id="swings within the noise"),
        pytest.param("oscillating", 0.1 + 0.09 * (1 + np.sin(T)), LEVEL, id="swings beyond it"),
        # of few records
        pytest.param("converged", [0.105], LEVEL, id="one record, at the best"),
        pytest.param("converged", [0.19], LEVEL, id="one record, in the noise"),
        pytest.param("unknown", [0.3], LEVEL, id="one record, elsewhere, without a start"),
        pytest.param("converged", [0.4, 0.11, 0.105], LEVEL, id="falls to the best"),
        pytest.param("improving", [4, 1, 0.3], LEVEL, id="falls, but is not there"),
        pytest.param("improving", [4.0, 3.999, 3.998], LEVEL, id="hardly falls"),
        pytest.param("rising", [4, 8, 16], LEVEL, id="grows"),
        pytest.param("converged", [0.17, 0.19, 0.18], LEVEL, id="level, near the best"),
        pytest.param("stuck", [4, 4.1, 4], LEVEL, id="level, elsewhere"),
        pytest.param("oscillating", [4, 9, 4], LEVEL, id="here and there"),
        pytest.param("unknown", [4, 4.1, 4], {}, id="level, nothing known"),
        pytest.param("unknown", [4, np.nan, 4], LEVEL, id="few with a gap"),
    ],
)
def test_against_what_is_possible(expected, curve, levels):
    assert judged(curve, **levels) == expected


@pytest.mark.parametrize(
    ("expected", "level", "best"),
    [
        ("converged", 0.1, 0.1),
        ("stuck", 0.2, 0.1),
        ("stuck", 0.694, 0.1),
        ("stuck", 0.694, 0.694),
        ("stuck", 0.66, 0.66),
    ],
)
def test_against_the_best_of_its_seed(expected, level, best):
    """Networks: half the examples of each class cost ln 2 = 0.693 by a constant answer."""
    noise = 1 + 0.01 * NOISE
    assert judged(level * noise, constant=np.log(2), others=[best * noise]) == expected


def test_members_of_other_problems_are_no_measure():
    curves = np.array([[0.3, 0.01], [0.3, 0.3]])[..., None] * np.ones(20)
    fields = {"constant": np.full((2, 2), 0.7), "curves": {"train/loss": curves}}
    together = outcomes(made_results(np.ones((2, 2)), **fields))
    assert together.tolist() == [["stuck", "converged"], ["stuck", "stuck"]]
    apart = outcomes(made_results(np.ones((2, 2)), problems=np.array([0, 1]), **fields))
    assert apart.tolist() == [["converged", "converged"], ["converged", "stuck"]]


@pytest.mark.parametrize(("last", "expected"), [(0.35, "stuck"), (0.15, "converged")])
def test_against_what_other_seeds_reach(last, expected):
    """A seed none of whose members leaves a poor minimum is judged by the median seed."""
    curves = np.array([0.02, 0.03, 0.01, last])[:, None, None] * np.ones(20)
    fields = {"constant": np.full((4, 1), np.log(2)), "curves": {"train/loss": curves}}
    assert outcomes(made_results(np.ones((4, 1)), **fields))[-1, 0] == expected


@pytest.mark.parametrize(
    ("expected", "points", "levels"),
    [
        ("improving", [8, 5], LEVEL),
        ("converged", [8, 0.18], LEVEL),
        ("improving", [8, 0.3], LEVEL),
        ("rising", [8, 13], LEVEL),
        ("stuck", [10.1, 10], LEVEL),  # at the constant answer
        ("stuck", [8, 9], LEVEL),
        ("improving", [8, 7.999], LEVEL),
        ("improving", [8, 7.999], {}),
        ("converged", [0.1, 0.19], LEVEL),  # from the optimum into the noise
        ("oscillating", [8, 0.5, 1], LEVEL),
        ("converged", [8, 0.11, 0.19, 0.12], LEVEL),
        ("oscillating", [8, 0.11, 0.3, 0.12], LEVEL),
        ("rising", [8, 1, 2, 4], LEVEL),  # behind a dip
        (
            "oscillating",
            [8, 0.11, 0.13, 0.195],
            {"least": 0.05, "constant": 100.0},
        ),  # noise, by chance upwards
        ("improving", [0.75, 0.749], {"least": 0.67, "constant": 0.69}),
        ("stuck", [0.694, 0.693], {"least": 0.3, "constant": 0.693}),
        ("unknown", [4, 4.1], {}),
        ("improving", [8, 9, 3], LEVEL),
        ("stuck", [8, 4, 4.1], LEVEL),
    ],
)
def test_few_records_with_a_start(expected, points, levels):
    curve = np.array(points, dtype=float)
    fields = {name: np.full((1, 1), value) for name, value in levels.items()}
    results = made_results(
        np.ones((1, 1)),
        curves={"train/loss": curve[None, None]},
        epoch=np.arange(len(curve))[None],
        epochs=np.full((1, 1), len(curve) - 1),
        **fields,
    )
    assert outcomes(results).tolist() == [[expected]]


def test_few_records_agree_with_many_around_least_squares():
    """Noise around a floor, 400 members: what three records call level or swinging is so in 40 as well."""
    rng = np.random.default_rng(2)
    for excess, word in [(0.1, "converged"), (0.3, "converged"), (30.0, "oscillating")]:
        floor = 5e-5 * (1 + excess * rng.chisquare(3, size=(20, 20, 40)) / 3)
        start = np.full((20, 20, 1), 17.0)
        for records in (3, 40):
            curve = np.concatenate([start, floor[..., :records]], axis=2)
            epoch = np.tile(np.arange(records + 1), (20, 1))
            fields = {"least": np.full((20, 20), 5e-5), "constant": np.full((20, 20), 8.0)}
            results = made_results(
                np.ones((20, 20)),
                curves={"train/loss": curve},
                epoch=epoch,
                epochs=np.full((20, 20), records),
                **fields,
            )
            assert np.mean(outcomes(results) == word) > (0.6 if records == 3 else 0.95), (excess, records)


def test_one_that_diverged_is_no_measure():
    curves = np.array([[0.3, 0.01]])[..., None] * np.ones(20)
    status = np.array([["completed", "diverged"]])
    results = made_results(
        np.ones((1, 2)), curves={"train/loss": curves}, status=status, constant=np.full((1, 2), 0.7)
    )
    assert outcomes(results).tolist() == [["converged", "diverged"]]
