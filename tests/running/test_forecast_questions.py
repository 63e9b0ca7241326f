"""What a forecast is asked: how many steps, which rate, how much is left; held to training by hand."""

import numpy as np
import pytest
from forecast_oracles import Trained, made

import lrcli
from lrcli.experiment.loading import load
from lrcli.running.forecast import forecast
from lrcli.training.problem import build_problem

FULL = {"training": {"batch_size": "full", "epochs": 40}}
OSCILLATING = FULL | {"optimizer": {"momentum": 0.9, "lr": 0.1}}


@pytest.mark.parametrize("blocks", [FULL, OSCILLATING], ids=["plain", "momentum"])
@pytest.mark.parametrize("share", [0.5, 1e-2, 1e-6])
def test_the_steps_to_a_loss_are_those_of_the_run(blocks, share):
    experiment, problem = made(**blocks)
    trained = Trained(experiment, problem, 1, epochs=1500)
    least = float(trained.loss(trained.best))
    target = least + share * (trained.losses[0, 0] - least)
    assert forecast(experiment, problem).steps_to(target) == int(np.argmax(trained.losses[:, 0] <= target))


def test_the_steps_to_an_error_are_those_of_the_run():
    experiment, problem = made(**FULL)
    trained = Trained(experiment, problem, 1, epochs=800)
    errors = np.abs(trained.parameters[:, 0] - trained.best).max(axis=1)
    assert forecast(experiment, problem).steps_to_error(1e-4) == int(np.argmax(errors <= 1e-4))


def test_a_loss_below_the_least_is_never_reached():
    experiment, problem = made(**FULL)
    foreseen = forecast(experiment, problem)
    assert foreseen.steps_to(0.999 * foreseen.least) is None
    noisy = forecast(*made(optimizer={"lr": 0.5}))
    assert noisy.steps_to(noisy.least + 0.5 * noisy.floor) is None
    assert noisy.steps_to(noisy.least + 1.5 * noisy.floor) is not None


def test_the_steps_of_shuffled_batches_are_those_of_the_mean_of_many_runs():
    experiment, problem = made(optimizer={"lr": 0.02})
    trained = Trained(experiment, problem, 500)
    mean = trained.losses.mean(axis=1)
    for epoch in (3, 7, 12):
        target = np.sqrt(mean[epoch - 1] * mean[epoch])
        assert forecast(experiment, problem).steps_to(target) == 10 * epoch


@pytest.mark.parametrize("blocks", [FULL, OSCILLATING], ids=["plain", "momentum"])
def test_what_is_left_is_what_the_run_leaves(blocks):
    experiment, problem = made(**blocks)
    trained = Trained(experiment, problem, 1)
    left = np.linalg.norm(trained.parameters[[0, -1], 0] - trained.best, axis=1)
    assert forecast(experiment, problem).remaining == pytest.approx(left[1] / left[0], rel=1e-9)


def test_nothing_is_left_of_no_way():
    zeros = {"kind": "linear", "init": {"kind": "zeros"}}
    foreseen = forecast(*made(**FULL, dataset={"w": [0.0, 0.0], "b": 0.0, "noise": 0.0}, model=zeros))
    assert np.isnan(foreseen.remaining)
    assert foreseen.steps_to(0.0) == 0


@pytest.mark.parametrize("blocks", [FULL, FULL | {"optimizer": {"momentum": 0.5}}], ids=["plain", "momentum"])
def test_no_rate_ends_lower_than_the_best(blocks):
    experiment, problem = made(**blocks)
    foreseen = forecast(experiment, problem)
    best = foreseen.best_rate
    assert best.loss == pytest.approx(Trained(experiment, problem, 1, lr=best.rate).losses[-1, 0], rel=1e-9)
    rates = np.geomspace(0.01, 0.999, 100) * foreseen.largest_rate
    least = min(Trained(experiment, problem, 1, lr=rate).losses[-1, 0] for rate in rates)
    assert best.loss <= least * (1 + 1e-9)


def test_the_best_rate_for_shuffled_batches_is_that_of_the_mean_of_many_runs():
    experiment, problem = made(training={"epochs": 4})
    best = forecast(experiment, problem).best_rate
    ends = [
        Trained(experiment, problem, 400, lr=best.rate * x).losses[-1].mean() for x in (0.5, 0.8, 1, 1.25, 2)
    ]
    assert best.loss == pytest.approx(ends[2], rel=0.02)
    assert ends[2] <= min(ends) * 1.005


def test_the_rate_to_an_error_is_the_smallest_that_does():
    experiment, problem = made(**FULL)

    def error(rate):
        trained = Trained(experiment, problem, 1, lr=rate)
        return np.abs(trained.parameters[-1, 0] - trained.best).max()

    rate = forecast(experiment, problem).rate_to_error(1e-3)
    assert error(rate) <= 1e-3 < error(0.97 * rate)
    assert forecast(experiment, problem).rate_to_error(1e-30) is None


@pytest.fixture(params=[False, True], ids=["independent", "collinear"])
def table(request, tmp_path):
    """A table of columns of unlike scales and places, the third of which may be the sum of the others."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=40), 1000 + 50 * rng.normal(size=40)
    c = a + b if request.param else rng.normal(size=40)
    y = a + 0.01 * b + 0.1 * rng.normal(size=40)
    rows = [",".join(map(repr, row)) for row in np.column_stack([a, b, c, y]).tolist()]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,c,y", *rows]) + "\n")
    return path


@pytest.mark.parametrize("batch", ["full", 8])
def test_errors_are_in_the_units_of_a_table(table, batch):
    """Trained on standardised columns: errors of w are divided by their scales, b takes up their places."""
    data = {"kind": "csv", "path": str(table), "target": "y", "split": {"train": 1.0}}
    blocks = {"dataset": data, "model": {"kind": "linear"}, "loss": {"kind": "mse"}}
    blocks |= {"optimizer": {"kind": "sgd", "lr": 0.02}, "training": {"epochs": 30, "batch_size": batch}}
    experiment = load({"name": "made", "dtype": "float64"} | blocks).experiment
    problem = build_problem(experiment.dataset, experiment.model, experiment.loss, [0])
    trained = Trained(experiment, problem, 1 if batch == "full" else 1000)
    foreseen = forecast(experiment, problem)
    mean, spread = trained.parameters[-1].mean(axis=0), trained.parameters[-1].std(axis=0)
    gap = trained.best - mean
    kernel = np.linalg.svd(trained.x, full_matrices=True)
    rank = np.linalg.matrix_rank(trained.x, rtol=1e-9)
    gap = kernel.Vh[:rank].T @ (kernel.Vh[:rank] @ gap)  # what the data leave open is no error
    scale, place = problem.scaling.scale[0], problem.scaling.mean[0]
    expected = np.append(gap[:-1] / scale, gap[-1] - place @ (gap[:-1] / scale))
    units = np.append(1 / scale, 1 + np.abs(place / scale).sum())
    allowed = 1e-9 + (0 if batch == "full" else 5 * np.max(spread) / np.sqrt(1000) + 0.02 * np.abs(gap).max())
    assert np.all(np.abs(foreseen.errors_at(int(foreseen.step[-1])) - expected) <= allowed * units)
    assert foreseen.loss[-1] == pytest.approx(
        trained.losses[-1].mean(), rel=1e-9 if batch == "full" else 0.02
    )


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ({"optimizer": {"schedule": {"kind": "cosine"}}}, "constant rates only"),
        ({"dataset": {"w": [1.0] * 48}}, "up to 48 parameters"),
        ({"dataset": {"w": [1.0] * 12}, "optimizer": {"momentum": 0.9}}, "up to 12 parameters with momentum"),
    ],
)
def test_a_noise_that_is_not_worked_out_is_said_to_be_left_out(blocks, reason):
    foreseen = forecast(*made(**blocks))
    assert np.isnan(foreseen.floor)
    (note,) = foreseen.notes
    assert note.startswith("the noise of the batches (")
    assert reason in note
    assert foreseen.best_rate is None
    assert forecast(*made(**blocks | {"training": {"batch_size": "full"}})).best_rate is not None


def test_torch_trains_as_foreseen(tmp_path):
    data = {"kind": "linear", "w": [2.0, -1.0], "b": 0.5, "num_train": 40, "num_val": 0}
    blocks = {"dataset": data, "model": {"kind": "linear"}}
    blocks |= {"loss": {"kind": "mse"}, "optimizer": {"kind": "sgd", "lr": 0.02, "momentum": 0.9}}
    blocks |= {"training": {"epochs": 30, "batch_size": "full"}, "engine": "torch", "dtype": "float64"}
    quiet = {"logging": {"figures": False, "tensorboard": False}}
    run = lrcli.train(blocks | quiet | {"name": "made"}, runs_dir=tmp_path)
    foreseen = forecast(load(tmp_path / "made" / "train-0001" / "experiment.yaml").experiment)
    np.testing.assert_allclose(run.curves["train/loss"], foreseen.loss, rtol=1e-9)
