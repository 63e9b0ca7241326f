"""A run that has ended, and the same read back from its directory."""

from pathlib import Path

import numpy as np
import pytest
from damaging import without_digests

from lrcli import api
from lrcli.errors import RunDirectoryError
from lrcli.experiment.loading import load
from lrcli.running.location import OutputLocation
from lrcli.running.single import Finished, Started
from lrcli.running.trained import read_run

EXPERIMENTS = {
    "linear": [],
    "xor_mlp": ["training.epochs=60"],
    "sine_legendre": ["training.epochs=300", "logging.every=7"],
}


def trained(tmp_path, name, *words):
    loaded = load(Path(f"experiments/{name}.yaml"), [*EXPERIMENTS[name], *words, "logging.figures=false"])
    found = {}

    def keep(event):
        found[type(event)] = event

    api.train(loaded, OutputLocation(run_dir=tmp_path / "run"), [keep])
    return found


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_run_read_back_is_the_one_that_ended(tmp_path, name):
    run = trained(tmp_path, name)[Finished].run
    again = read_run(tmp_path / "run")
    assert again.result == run.result
    assert again.experiment == run.experiment
    same(again.history.arrays, run.history.arrays)
    same(again.path.arrays, run.path.arrays)
    same(again.problem.initial, run.problem.initial)
    for split, examples in run.problem.splits.items():
        same({"x": again.problem.splits[split].inputs}, {"x": examples.inputs})


def same(first, second):
    assert list(first) == list(second)
    for name, values in second.items():
        np.testing.assert_array_equal(first[name], values)


def test_the_path_begins_where_training_began_and_ends_where_it_ended(tmp_path):
    run = trained(tmp_path, "linear", "dtype=float64")[Finished].run
    assert run.path.epoch.tolist() == [0, 1, 2, 3]
    assert run.path.step.tolist() == [0, 32, 64, 96]
    assert run.path.at(0)["w"].tolist() == run.problem.initial["w"][0].tolist()
    assert run.path.at(-1)["w"].tolist() == run.result.parameters["w"]


def test_the_path_of_a_run_that_diverged_ends_at_its_last_sound_step(tmp_path):
    run = trained(tmp_path, "linear", "optimizer.lr=1000")[Finished].run
    assert run.result.status == "diverged"
    assert all(np.isfinite(values).all() for values in run.path.parameters.values())
    assert run.path.step[-1] >= run.result.steps


def test_a_run_can_be_asked_while_it_trains(tmp_path):
    loaded = load(Path("experiments/linear.yaml"), ["logging.figures=false"])
    seen = []

    def look(event):
        if isinstance(event, Started):
            seen.append(event.so_far)
        elif seen and not isinstance(event, Finished):
            seen.append(seen[0]())

    api.train(loaded, OutputLocation(run_dir=tmp_path / "run"), [look])
    last = seen[-1]
    assert last.result.status == "running"
    assert last.path.epoch[-1] == last.history.epoch[-1] == 3


def test_a_run_without_a_path_has_its_two_ends(tmp_path):
    run = trained(tmp_path, "linear", "dtype=float64")[Finished].run
    (tmp_path / "run/checkpoint/path.npz").unlink()
    with pytest.raises(RunDirectoryError, match=r"path\.npz: cannot be read: .*; put it back, or"):
        read_run(tmp_path / "run")
    without_digests(tmp_path / "run")
    path = read_run(tmp_path / "run").path
    assert path.epoch.tolist() == [0, 3]
    same(path.at(0), run.path.at(0))
    same(path.at(1), run.path.at(3))


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {name: values[:0] for name, values in arrays.items()},
        lambda arrays: arrays | {"epoch": arrays["epoch"][:1]},
        lambda arrays: arrays | {"w": arrays["w"][:-1]},
        lambda arrays: arrays | {"step": np.int64(0)},
        lambda arrays: arrays | {"w": arrays["w"].astype(str)},
    ],
    ids=["no records", "epochs of others", "parameters of others", "no column", "text"],
)
def test_a_damaged_path_is_refused(change, tmp_path):
    trained(tmp_path, "linear")
    without_digests(tmp_path / "run")
    file = tmp_path / "run/checkpoint/path.npz"
    with np.load(file) as archive:
        arrays = dict(archive)
    np.savez(file, **change(arrays))
    with pytest.raises(RunDirectoryError, match=r"path\.npz: has been damaged"):
        read_run(tmp_path / "run")


def test_what_cannot_be_read_is_refused(tmp_path):
    trained(tmp_path, "linear")
    directory = tmp_path / "run"
    without_digests(directory)
    (directory / "checkpoint/path.npz").write_bytes(b"no archive")
    with pytest.raises(RunDirectoryError, match="has been damaged"):
        read_run(directory)
    np.savez(
        directory / "checkpoint/path.npz", epoch=np.zeros(1, int), step=np.zeros(1, int), w=np.ones((1, 5))
    )
    with pytest.raises(RunDirectoryError, match="not those of its experiment"):
        read_run(directory)
    (directory / "metrics.csv").unlink()
    with pytest.raises(RunDirectoryError, match="no records"):
        read_run(directory)
    with pytest.raises(RunDirectoryError, match="holds no result"):
        read_run(tmp_path / "nothing")
