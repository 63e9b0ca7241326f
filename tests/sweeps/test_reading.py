"""A sweep read back from its directory is the sweep that was in memory when it ended, to the last bit."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import pytest
from damaging import without_digests

from lrcli.analysis.outcomes import outcomes
from lrcli.analysis.sampling import Sampling
from lrcli.errors import RunDirectoryError, UsageError
from lrcli.experiment.loading import load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.storage.files import replace_nonfinite
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import DEFAULT_MEMORY, plan_sweep
from lrcli.sweeps.reading import read_sweep
from lrcli.sweeps.running import SweepFinished, run_sweep

LINE = {
    "name": "line",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 50, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.05},
    "training": {"epochs": 3, "batch_size": 16},
}
XOR = LINE | {
    "dataset": {"kind": "xor", "num_train": 40, "num_val": 20, "num_test": 10},
    "model": {"kind": "mlp", "hidden": [4]},
    "loss": {"kind": "bce"},
}
CUBIC = LINE | {
    "dataset": {"kind": "sine", "num_train": 30, "num_val": 10},
    "model": {"kind": "polynomial", "degree": 3},
}
FEW = LINE | {"dataset": LINE["dataset"] | {"w": [1.0] * 6, "num_train": 4, "num_test": 10}}
STOPPING = {
    "epochs": 12,
    "batch_size": "full",
    "early_stopping": {"metric": "val/loss", "patience": 1, "min_delta": 0.01},
}
KINDS = {
    "one configuration": (LINE, {"optimizer.lr": [0.1]}, {"seeds": 1}),
    "diverged": (LINE, {"optimizer.lr": [0.01, 3.0, 1e3, 1e30]}, {}),
    "all diverged": (LINE, {"optimizer.lr": [1e20, 1e30]}, {}),
    "early stopping": (LINE | {"training": STOPPING}, {"optimizer.lr": [0.001, 0.2, 0.5, 3.0]}, {}),
    "several populations": (XOR, {"model.hidden": [[4], [3, 3]], "optimizer.kind": ["sgd", "adam"]}, {}),
    "union of grids": (
        XOR,
        [
            {"optimizer.lr": [0.01, 0.1]},
            {"optimizer.kind": ["adam"], "optimizer.betas": [[0.9, 0.99], [0.5, 0.99]]},
        ],
        {},
    ),
    "union of equal points": (LINE, [{"optimizer.lr": [0.1, 0.2]}, {"optimizer.lr": [0.2, 0.05]}], {}),
    "epochs differ": (LINE | {"logging": {"every": 2}}, {"training.epochs": [1, 4, 5]}, {}),
    "batches differ": (LINE, {"training.batch_size": [10, "full"]}, {}),
    "data differ": (LINE, {"dataset.w": [[1.0], [1.0, 2.0]], "dataset.noise": [0.0, 1e-3]}, {}),
    "texts and nulls": (
        LINE,
        {"training.clip_grad_norm": [None, 0.5], "optimizer.schedule.kind": ["constant", "cosine"]},
        {},
    ),
    "data leave parameters open": (FEW, {"optimizer.lr": [0.01, 0.1]}, {}),
    "some data leave parameters open": (
        FEW,
        {"dataset.num_train": [4, 30], "optimizer.lr": [0.01, 0.1]},
        {},
    ),
    "references": (CUBIC, {"optimizer.lr": {"log_range": [1e-4, 1e-1, 7]}}, {"seeds": [4, 2, 9]}),
    "no training loss": (LINE | {"logging": {"evaluate_train": False}}, {"optimizer.lr": [0.1, 0.2]}, {}),
    "selected by accuracy": (
        XOR,
        {"optimizer.lr": [0.1, 1.0]},
        {"select": {"metric": "val/accuracy", "mode": "max"}},
    ),
    "ranges of a file": (LINE, {"optimizer.lr": {"range": [0.1, 0.3, 5]}}, {"memory": 1}),
}

SHOWS = {  # that a kind is what it is called
    "diverged": lambda results: set(results.status.ravel()) == {"completed", "diverged"},
    "all diverged": lambda results: np.all(results.status == "diverged"),
    "early stopping": lambda results: {"completed", "stopped_early"} <= set(results.status.ravel()),
    "union of equal points": lambda results: len(results.configurations) == 3,
    "epochs differ": lambda results: np.any(results.epoch == -1),
    "batches differ": lambda results: np.any(results.step[0] != results.step[1]),
    "data differ": lambda results: len(set(results.problems)) == 4,
    "data leave parameters open": lambda results: any(mask.all() for mask in results.undetermined.values()),
    "some data leave parameters open": lambda results: all(
        mask.any() and not mask.all() for mask in results.undetermined.values()
    ),
    "references": lambda results: np.all(results.least > 0) and np.all(results.constant > results.least),
}


@pytest.fixture
def swept(tmp_path):
    """Runs a sweep: the last event, and its directory."""

    def sweep_it(base, grid, memory=DEFAULT_MEMORY, after=None, **options):
        grids = [
            {key: spec if isinstance(spec, dict) else {"values": spec} for key, spec in one.items()}
            for one in (grid if isinstance(grid, list) else [grid])
        ]
        options = {"grid": grids if isinstance(grid, list) else grids[0], "seeds": 2} | options
        file = tmp_path / "experiment.yaml"
        file.write_text(json.dumps(base | {"sweep": options}))
        plan, directory = plan_sweep(load(file), memory), tmp_path / "sweep"
        interruption = Interruption()
        for event in run_sweep(plan, SweepFiles(plan, OutputLocation(run_dir=directory)), interruption):
            interruption.requested |= after is not None and getattr(event, "step", 0) >= after
            finished = event
        assert isinstance(finished, SweepFinished)
        return finished, directory

    return sweep_it


def same(one, other):
    """Equal in kind, order and value; NaN equals NaN."""
    if isinstance(one, np.ndarray):
        assert one.dtype.kind == other.dtype.kind
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, Sampling):
        same(one.arrays, other.arrays)
    elif isinstance(one, Mapping):
        assert list(one) == list(other)
        for key, value in one.items():
            same(value, other[key])
    elif hasattr(one, "__len__") and not isinstance(one, str | tuple):
        assert list(one) == list(other)
    else:
        assert one == other


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_what_was_found(swept, kind):
    base, grid, options = KINDS[kind]
    finished, directory = swept(base, grid, **options)
    assert SHOWS.get(kind, lambda results: True)(finished.results)
    sweep = read_sweep(directory)
    for field in fields(finished.results):
        same(getattr(finished.results, field.name), getattr(sweep.results, field.name))
    same(outcomes(finished.results), outcomes(sweep.results))
    assert replace_nonfinite(sweep.result.as_data()) == replace_nonfinite(finished.result.as_data())
    assert sweep.plan.fingerprint == finished.result.fingerprint


def damaged_table(directory, change):
    path = directory / "results.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")


def changed_arrays(path, change):
    with np.load(path) as file:
        arrays = {name: change(file[name]) for name in file.files}
    np.savez(path, **arrays)


DAMAGE = {
    "no sweep": (lambda d: (d / "result.json").unlink(), "holds no sweep"),
    "no table": (lambda d: (d / "results.csv").unlink(), "results.csv: cannot be read"),
    "no curves": (lambda d: (d / "curves.npz").unlink(), "curves.npz: cannot be read"),
    "of an older lrcli": (lambda d: (d / "reference.npz").unlink(), "an older lrcli wrote it.*lrcli sweep"),
    "cut": (
        lambda d: (d / "curves.npz").write_bytes(b"PK\3\4"),
        "curves.npz: has been damaged; train again with lrcli sweep",
    ),
    "reference cut": (lambda d: (d / "reference.npz").write_bytes(b""), "reference.npz: has been damaged"),
    "reference without a level": (
        lambda d: np.savez(d / "reference.npz", least=np.zeros(8)),
        "reference.npz: has been damaged",
    ),
    "reference of other members": (
        lambda d: changed_arrays(d / "reference.npz", lambda array: array[:-1]),
        "reference.npz: has been damaged",
    ),
    "curves of other members": (
        lambda d: changed_arrays(d / "curves.npz", lambda array: array[:-1]),
        "curves.npz: has been damaged",
    ),
    "a member too few": (lambda d: damaged_table(d, lambda lines: lines[:-1]), "does not hold the members"),
    "members in another order": (
        lambda d: damaged_table(d, lambda lines: [lines[0], *lines[:0:-1]]),
        "does not hold the members",
    ),
    "another seed": (
        lambda d: damaged_table(d, lambda lines: [lines[0], lines[1].replace("0,0,", "0,7,", 1), *lines[2:]]),
        "does not hold the members",
    ),
    "a metric gone": (
        lambda d: damaged_table(d, lambda lines: [lines[0].replace("val/loss", "loss", 1), *lines[1:]]),
        "does not hold the members",
    ),
    "another key": (
        lambda d: damaged_table(d, lambda lines: [lines[0].replace("optimizer.lr", "rate"), *lines[1:]]),
        "does not hold the members",
    ),
    "a member that has not ended": (
        lambda d: damaged_table(
            d, lambda lines: [line.replace("completed", "interrupted") for line in lines]
        ),
        "have not ended",
    ),
    "another experiment": (
        lambda d: (d / "experiment.yaml").write_text(
            (d / "experiment.yaml").read_text(encoding="utf-8").replace("0.05", "0.06"), encoding="utf-8"
        ),
        "was changed after the sweep had begun",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_refused(swept, damage):
    do, message = DAMAGE[damage]
    _, directory = swept(LINE, {"optimizer.lr": [0.01, 0.1, 0.2, 0.3]})
    without_digests(directory)
    do(directory)
    with pytest.raises(UsageError, match=message):
        read_sweep(directory)


@pytest.mark.parametrize("after", [0, 2])
def test_a_sweep_that_has_not_ended_is_to_be_resumed(swept, after):
    _, directory = swept(LINE, {"optimizer.lr": [0.01, 0.1]}, after=after)
    with pytest.raises(RunDirectoryError, match=r"have not ended \(interrupted\).*lrcli resume"):
        read_sweep(directory)


def test_reading_imports_no_engine(swept):
    _, directory = swept(LINE, {"optimizer.lr": [0.01, 0.1]})
    code = (
        "import sys; from pathlib import Path; from lrcli.sweeps.reading import read_sweep; "
        "assert read_sweep(Path(sys.argv[1])).results.seeds == (0, 1); "
        "assert not {'torch', 'numba', 'matplotlib', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(directory)], check=True)
