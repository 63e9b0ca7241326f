"""A sweep is its members trained alone, whatever its order, its parts and its interruptions."""

import csv
import itertools
import json
import sys
from functools import cache

import numpy as np
import pytest
from builders import records_of

import lrcli.sweeps.part as module
from lrcli.errors import RunDirectoryError
from lrcli.experiment.loading import load
from lrcli.running.preparation import Compiling
from lrcli.running.single import Interruption, OutputLocation, train
from lrcli.storage.files import replace_nonfinite
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import DEFAULT_MEMORY, plan_sweep
from lrcli.sweeps.resuming import complete_result, files_for, member_alone, plan_again
from lrcli.sweeps.running import SweepFinished, SweepProgress, SweepStarted, run_sweep

DATA = {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 50, "num_val": 20}
LINE = {
    "name": "line",
    "dataset": DATA,
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.05},
    "training": {"epochs": 3, "batch_size": 16},
}
FINE_LINE = LINE | {"dtype": "float64"}
TESTED = LINE | {"dataset": DATA | {"num_test": 10}, "training": {"epochs": 30, "batch_size": "full"}}
FIRST = TESTED["training"] | {
    "best": {"metric": "val/loss", "mode": "max"}
}  # kept is one of the first states
XOR = FINE_LINE | {
    "dataset": {"kind": "xor", "num_train": 40, "num_val": 20, "num_test": 10},
    "model": {"kind": "mlp", "hidden": [4]},
    "loss": {"kind": "bce"},
    "optimizer": {"kind": "adam"},
}
SINE = FINE_LINE | {
    "dataset": {"kind": "sine", "num_train": 30, "num_val": 10, "spacing": "uniform"},
    "model": {"kind": "sinusoid"},
    "loss": {"kind": "mse"},
    "training": {"epochs": 4, "batch_size": 10},
}
CUBIC = SINE | {"model": {"kind": "polynomial", "degree": 3}, "dtype": "float32"}
STOPPING = {
    "epochs": 12,
    "batch_size": "full",
    "early_stopping": {"metric": "val/loss", "patience": 1, "min_delta": 0.01},
}
RATES = [0.01, 0.03, 0.1, 0.3]


def with_sweep(base, grid, **fields):
    """An experiment with a grid of plain lists of values, or several."""
    grids = [
        {key: spec if isinstance(spec, dict) else {"values": spec} for key, spec in one.items()}
        for one in (grid if isinstance(grid, list) else [grid])
    ]
    return base | {"sweep": {"grid": grids if isinstance(grid, list) else grids[0], "seeds": 2} | fields}


def events_of(plan, files, interruption):
    """All but the news that the machine code is being made."""
    for event in run_sweep(plan, files, interruption):
        if not isinstance(event, Compiling):
            yield event


@pytest.fixture
def planned(tmp_path):
    """Plans a sweep."""
    numbers = itertools.count()

    def plan_it(base, grid, memory=DEFAULT_MEMORY, **fields):
        path = tmp_path / f"{next(numbers)}.yaml"
        path.write_text(json.dumps(with_sweep(base, grid, **fields)))
        return plan_sweep(load(path), memory)

    return plan_it


@pytest.fixture
def swept(planned, tmp_path):
    """Runs a sweep: what it has found, and its directory."""
    numbers = itertools.count()

    def sweep_it(base, grid, memory=DEFAULT_MEMORY, **fields):
        plan = planned(base, grid, memory, **fields)
        directory = tmp_path / f"sweep-{next(numbers)}"
        *_, finished = events_of(plan, SweepFiles(plan, OutputLocation(run_dir=directory)), Interruption())
        return finished, directory

    return sweep_it


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Runs a sweep, the same one once: what it has found, and its directory, which nobody may change."""

    @cache
    def sweep_it(experiment, memory):
        place = tmp_path_factory.mktemp("undisturbed")
        (place / "exp.yaml").write_text(experiment)
        plan = plan_sweep(load(place / "exp.yaml"), memory)
        files = SweepFiles(plan, OutputLocation(run_dir=place / "sweep"))
        *_, finished = events_of(plan, files, Interruption())
        return finished, place / "sweep"

    def find(base, grid, memory=DEFAULT_MEMORY, **fields):
        return sweep_it(json.dumps(with_sweep(base, grid, **fields)), memory)

    return find


def alone(directory, member, run_dir):
    """The result and the records of an ordinary run of one member."""
    experiment = member_alone(directory, member).experiment
    records = []
    for event in train(experiment, OutputLocation(run_dir=run_dir), Interruption()):
        records += records_of([event], before_training=True)
    return event.result, records


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def result_in(directory):
    return json.loads((directory / "result.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)


# A member is an ordinary run ------------------------------------------------------------------------

CASES = [
    (LINE, {"optimizer.lr": [0.01, 0.1, 0.7]}),
    (FINE_LINE, {"optimizer.lr": [0.01, 0.1, 0.7]}),
    (TESTED, {"optimizer.lr": [0.1, 1e3, 3.0, 1e30]}),
    (TESTED | {"dtype": "float64"}, {"optimizer.lr": [0.1, 1e30]}),
    (TESTED | {"training": FIRST}, {"optimizer.lr": [0.1, 1e3, 3.0, 1e30]}),
    (LINE, {"optimizer.momentum": [0.0, 0.9], "optimizer.weight_decay": [0.0, 0.1]}),
    (LINE, {"training.clip_grad_norm": [None, 0.5], "optimizer.lr": [0.1, 0.2]}),
    (LINE, {"dataset.noise": [0.0, 1.0], "model.init.kind": ["zeros", "default"]}),
    (LINE | {"training": STOPPING}, {"optimizer.lr": [0.001, 0.2, 0.5, 3.0]}),
    (LINE | {"logging": {"every": 2, "histograms": True}}, {"training.epochs": [1, 4, 5]}),
    (LINE, {"optimizer.schedule.kind": ["constant", "cosine"], "training.batch_size": [10, "full"]}),
    (LINE | {"logging": {"evaluate_train": False}}, {"dataset.w": [[1.0], [1.0, 2.0]]}),
    (CUBIC, {"optimizer.lr": [1e-4, 1e-3]}),
    (XOR, {"optimizer.lr": [0.001, 0.1], "model.init.kind": ["default", "xavier_uniform"]}),
    (XOR, {"optimizer.lr": [0.001, 0.1], "model.input_noise": [0.0, 0.1]}),
    (XOR, {"optimizer.kind": ["sgd", "rmsprop"], "model.hidden": [[4], [3, 3]]}),
    (XOR | {"training": STOPPING}, {"optimizer.lr": [1e-5, 0.1]}),
    (XOR | {"training": STOPPING | {"best": {"metric": "val/accuracy"}}}, {"optimizer.lr": [0.1, 1.0]}),
    (SINE, {"optimizer.lr": [0.01, 0.1]}),
    (SINE, {"optimizer.kind": ["adamw"], "dataset.noise": [0.0, 0.1]}),
    (SINE, {"model.kind": ["sinusoid", "legendre"]}),
    (FINE_LINE, {"optimizer.kind": ["adam"], "training.clip_grad_norm": [None, 1.0]}),
]


def assert_equal(actual, expected):
    np.testing.assert_array_equal(actual, expected)


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-13)


def name(value):
    """Of a case: the grid; of an experiment, what it is about."""
    if isinstance(value, dict) and "dataset" in value:
        return f"{value['model']['kind']} {value['optimizer']['kind']} {value.get('dtype', 'float32')}"
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(("base", "grid"), CASES, ids=name)
def test_each_member_is_an_ordinary_run(swept, tmp_path, base, grid):
    finished, directory = swept(base, grid)
    results = finished.results
    count = len(results.configurations)
    for member in sorted({i + i % 2 * count for i in range(count)} | {2 * count - 1}):  # the seeds in turn
        at = divmod(member, count)
        result, records = alone(directory, member, tmp_path / f"run-{member}")
        assert results.status[at] == result.status
        assert results.diverged_step[at] == (result.diverged_step or 0)
        assert results.epochs[at] == result.epochs
        for metric, values in results.final.items():
            assert_equal(values[at], result.metrics.get(metric, np.nan))
        assert not set(result.metrics) - set(results.final)
        assert_equal(results.best[at], result.best.value if result.best else np.nan)
        errors = {row.name: row.error for row in result.recovery}
        for element, values in results.errors.items():
            assert_equal(values[at], errors.get(element, np.nan))
        assert not set(errors) - set(results.errors)
        own = slice(len(records))
        epochs = [record.epoch for record in records]
        if result.status != "diverged" or base.get("logging", {}).get("every", 1) == 1:
            assert results.epoch[at[1], own].tolist() == epochs
            assert results.step[at[1], own].tolist() == [record.step for record in records]
        for metric, curve in results.curves.items():
            assert_equal(curve[at][own], [record.metrics.get(metric, [np.nan])[0] for record in records])


def test_a_sweep_has_members_that_diverge_stop_and_complete(swept):
    """The cases above are what they are meant to be."""
    finished, _ = swept(LINE | {"training": STOPPING}, {"optimizer.lr": [0.001, 0.2, 0.5, 3.0]})
    assert {"completed", "stopped_early"} <= set(finished.results.status.ravel())
    finished, _ = swept(TESTED, {"optimizer.lr": [0.1, 1e3, 3.0, 1e30]})
    assert set(finished.results.status.ravel()) == {"completed", "diverged"}
    assert len(set(finished.results.diverged_step.ravel())) >= 3


def test_the_best_state_of_each_member_is_tested(swept, tmp_path):
    """Its loss by hand, on the parameters that the member alone keeps."""
    _, directory = swept(
        TESTED | {"training": FIRST, "dtype": "float64"}, {"optimizer.lr": [0.01, 0.1, 1e30]}
    )
    rows = table_of(directory)
    for member, row in enumerate(rows):
        if row["status"] == "diverged":
            assert row["best/test/loss"] == row["test/loss"] == ""
            continue
        experiment = member_alone(directory, member).experiment
        alone(directory, member, tmp_path / f"run-{member}")
        kept = np.load(tmp_path / f"run-{member}" / "checkpoint" / "best.npz")
        inputs, targets = experiment.dataset.draw(experiment.seed, "test")
        loss = np.mean((inputs @ kept["w"] + kept["b"] - targets) ** 2) / 2
        assert float(row["best/test/loss"]) == pytest.approx(loss, rel=1e-12)
        assert float(row["best/test/loss"]) > 1.5 * float(row["test/loss"])
    assert [row["status"] for row in rows].count("diverged") == 2
    medians = [np.median([float(row["best/test/loss"]) for row in rows[i::3]]) for i in range(2)]
    best = result_in(directory)["best"]
    assert best["test"]["best/test/loss"] == pytest.approx(medians[best["values"]["optimizer.lr"] == 0.1])


def test_without_a_word_about_the_best_it_is_not_tested(swept):
    finished, _ = swept(TESTED, {"optimizer.lr": [0.1]}, seeds=1)
    assert "best/test/loss" not in finished.results.final
    training = [FIRST["best"] | {"mode": mode} for mode in ("min", "max")]
    finished, _ = swept(TESTED, {"training.best": training}, seeds=1)
    least, most = finished.results.final["best/test/loss"][0]
    assert least < most


# Files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [1, 2, 3, [4, 2, 9, 7]], ids=str)
def test_the_files_agree_with_each_other(swept, seeds):
    grid = {"optimizer.lr": [0.2, 0.05, 3.0, 1e30], "training.clip_grad_norm": [None, 100.0]}
    finished, directory = swept(TESTED, grid, seeds=seeds)
    results, result = finished.results, result_in(directory)
    seeds = list(range(seeds)) if isinstance(seeds, int) else seeds
    assert not (directory / "checkpoint").exists()

    rows = table(directory / "results.csv")
    metrics = list(results.final)
    assert "test/loss" in metrics
    assert list(rows[0]) == [
        *["member", "seed", "optimizer.lr", "training.clip_grad_norm"],
        *["status", "outcome", "diverged_step", "epochs", *metrics, "best/val/loss"],
        *["error/w[0]", "error/w[1]", "error/b"],
    ]
    assert [int(row["member"]) for row in rows] == list(range(len(seeds) * 8))
    assert [int(row["seed"]) for row in rows] == list(np.repeat(seeds, 8))
    points = [(row["optimizer.lr"], row["training.clip_grad_norm"]) for row in rows[:8]]
    assert points == list(itertools.product(["0.2", "0.05", "3", "1e+30"], ["null", "100"]))
    assert [row["status"] for row in rows] == results.status.ravel().tolist()
    assert {"completed", "diverged"} == {row["status"] for row in rows}
    for row in rows:
        assert (row["diverged_step"] == "") == (row["status"] == "completed")
        assert "nan" not in row.values()
        if row["status"] == "diverged":
            assert row["outcome"] == "diverged"
            assert row["test/loss"] == ""
    columns = {"diverged_step": np.where(results.diverged_step, results.diverged_step, np.nan)}
    columns |= {"epochs": results.epochs, "best/val/loss": results.best} | dict(results.final)
    columns |= {f"error/{element}": values for element, values in results.errors.items()}
    for column, values in columns.items():
        written = [float(row[column] or "nan") for row in rows]
        assert_equal(written, values.ravel())

    scores = np.where(results.status == "diverged", np.inf, results.final["val/loss"])
    summary = table(directory / "summary.csv")
    medians = np.median(scores, axis=0)
    assert list(summary[0])[:9] == [
        *["optimizer.lr", "training.clip_grad_norm", "n", "diverged"],
        *["median", "q25", "q75", "mean", "std"],
    ]
    assert [(row["optimizer.lr"], row["training.clip_grad_norm"]) for row in summary] == points
    assert_close([float(row["median"]) for row in summary], medians)
    assert [int(row["n"]) for row in summary] == [len(seeds)] * 8
    diverged = np.count_nonzero(results.status == "diverged", axis=0)
    assert [int(row["diverged"]) for row in summary] == diverged.tolist()
    whole = np.flatnonzero(diverged == 0)
    for column, values in [("mean", scores.mean(0)), ("q25", np.quantile(scores[:, whole], 0.25, axis=0))]:
        values = values if len(values) == len(whole) else values[whole]
        assert_close([float(summary[i][column]) for i in whole], values)
    for i in whole:
        std = float(summary[i]["std"] or "nan")
        assert_close(std, scores[:, i].std(ddof=1) if len(seeds) > 1 else np.nan)

    with np.load(directory / "curves.npz") as arrays:
        assert set(arrays) == {"step", "epoch", *results.curves}
        assert arrays["epoch"].tolist() == list(range(31))
        assert arrays["step"].tolist() == list(range(31))
        for metric, curve in results.curves.items():
            assert_equal(arrays[metric], curve.reshape(len(rows), 31))

    assert (result["schema"], result["command"], result["status"]) == (2, "sweep", "completed")
    assert (result["members"], result["seeds"]) == (len(rows), seeds)
    assert result["keys"] == ["optimizer.lr", "training.clip_grad_norm"]
    assert (result["metric"], result["mode"]) == ("val/loss", "min")
    assert result["diverged"] == np.count_nonzero(results.status == "diverged")
    listed = result["configurations"]
    assert [row["rank"] for row in listed] == list(range(1, 9))
    assert [row["median"] or np.inf for row in listed] == sorted(float(row["median"]) for row in summary)
    order = {json.dumps(point): i for i, point in enumerate(results.configurations)}
    for row in listed:
        line = summary[order[json.dumps(row["values"])]]
        for column in ("n", "diverged", "median", "q25", "q75", "mean", "std"):
            value = float(line[column] or "nan")
            assert row[column] == (value if np.isfinite(value) else None)
    best = order[json.dumps(result["best"]["values"])]
    assert best == np.argmin(medians)
    assert_close(result["best"]["test"]["test/loss"], np.median(results.final["test/loss"][:, best]))
    assert result["environment"]["device"] == "cpu"
    assert result["timing"]["train_seconds"] <= result["timing"]["total_seconds"]


def test_keys_of_other_grids_have_the_values_of_the_file(swept):
    grids = [{"optimizer.lr": [0.1]}, {"dataset.b": [1.5], "training.epochs": [2]}]
    _, directory = swept(LINE, grids, seeds=1)
    rows = [(row["optimizer.lr"], row["dataset.b"], row["training.epochs"]) for row in table_of(directory)]
    assert rows == [("0.1", "4.2", "3"), ("0.05", "1.5", "2")]


def table_of(directory):
    return table(directory / "results.csv")


def test_populations_of_other_lengths_have_their_own_steps(swept):
    finished, directory = swept(LINE, {"training.batch_size": [10, 25], "training.epochs": [2, 4]})
    results = finished.results
    assert results.epoch.tolist() == [[0, 1, 2, -1, -1], [0, 1, 2, 3, 4]] * 2
    assert results.step.tolist() == [
        [0, 5, 10, -1, -1],
        [0, 5, 10, 15, 20],
        [0, 2, 4, -1, -1],
        [0, 2, 4, 6, 8],
    ]
    curve = results.curves["val/loss"]
    assert np.isnan(curve[:, [0, 2], 3:]).all()
    assert np.isfinite(curve[:, :, :3]).all()
    assert np.isfinite(curve[:, [1, 3]]).all()
    with np.load(directory / "curves.npz") as arrays:
        assert_equal(arrays["step"], np.tile(results.step, (2, 1)))
        assert_equal(arrays["epoch"], np.tile(results.epoch, (2, 1)))
        assert arrays["val/loss"].shape == (8, 5)
    assert np.isfinite(results.final["val/loss"]).all()


def test_the_column_of_the_best_is_named_for_what_is_in_it(swept):
    """Without validation examples the best state is that of another metric."""
    _, directory = swept(LINE, {"dataset.num_val": [20, 0]}, seeds=1)
    with_val, without = table_of(directory)
    assert with_val["best/val/loss"]
    assert without["best/val/loss"] == ""


# Order and company ----------------------------------------------------------------------------------


def members_of(finished, keys):
    """From seed and point, where it has these keys only, to all that is known of the member.

    Its curves go as far as it has trained itself.
    """
    results = finished.results
    found = {}
    for at in np.ndindex(results.status.shape):
        point = results.configurations.own[at[1]]
        if set(point) != set(keys):
            continue
        last = results.epochs[at] + (results.status[at] == "diverged")
        numbers = {
            "diverged_step": results.diverged_step[at],
            "epochs": results.epochs[at],
            "best": results.best[at],
            "epoch": results.epoch[at[1], :last],
            **{f"final {metric}": values[at] for metric, values in results.final.items()},
            **{f"error {element}": values[at] for element, values in results.errors.items()},
            **{f"curve {metric}": values[at][:last] for metric, values in results.curves.items()},
        }
        seed = results.seeds[at[0]]
        found[seed, *(json.dumps(point[key]) for key in keys)] = (results.status[at], numbers)
    return found


def assert_same_members(one, other, keys=("optimizer.lr",)):
    """Those that both have, at least one."""
    one, other = members_of(one, keys), members_of(other, keys)
    assert set(one) & set(other)
    for member in set(one) & set(other):
        assert one[member][0] == other[member][0]
        for what, values in one[member][1].items():
            assert_equal(other[member][1][what], values)


OTHERS = [
    {"optimizer.lr": [0.1, 0.2], "optimizer.momentum": [0.9, 0.0]},
    {"optimizer.lr": [0.1], "training.clip_grad_norm": [0.5]},
    {"optimizer.lr": [0.1], "dataset.noise": [1.0], "model.init.kind": ["zeros"]},
    {"optimizer.lr": [0.1], "training.epochs": [5]},
]
ORDERS = {
    "permuted": ({"optimizer.lr": [RATES[i] for i in (2, 0, 3, 1)]}, {}),
    "in two grids": ([{"optimizer.lr": RATES[2:]}, {"optimizer.lr": RATES[:2]}], {}),
    "with rates that diverge": ({"optimizer.lr": [1e30, *RATES, 1e4]}, {}),
    "seeds in another order": ({"optimizer.lr": RATES}, {"seeds": [5, 2, 0, 1]}),
    "one seed, one rate": ({"optimizer.lr": RATES[1:2]}, {"seeds": [2]}),
    "pairs": ({"optimizer.lr": RATES}, {"memory": 1}),
    "a few parts": ({"optimizer.lr": RATES}, {"memory": 12_000}),
}


@pytest.mark.parametrize("base", [LINE, FINE_LINE, CUBIC, XOR, SINE], ids=name)
@pytest.mark.parametrize("how", ORDERS)
def test_order_and_company_do_not_matter(swept, undisturbed, base, how):
    plain, _ = undisturbed(base, {"optimizer.lr": RATES}, seeds=3)
    grid, fields = ORDERS[how]
    other, _ = swept(base, grid, **({"seeds": 3} | fields))
    assert_same_members(plain, other)


def test_sizes_of_parts_are_what_the_cases_mean(planned):
    grid = {"optimizer.lr": RATES}
    assert len(planned(LINE, grid, 1, seeds=3).parts) == 6
    assert 1 < len(planned(LINE, grid, 12_000, seeds=3).parts) < 6


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_configurations_of_other_kinds_do_not_matter(swept, undisturbed, other):
    grid = {"optimizer.lr": RATES}
    plain, _ = undisturbed(LINE, grid, seeds=2)
    beside, _ = swept(LINE, [grid, other], seeds=2)
    assert_same_members(plain, beside)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_clipped_neighbour_does_not_matter_to_a_member_that_diverges(swept, dtype):
    """Its gradients have finite numbers whose squares are too large; unclipped, they are steps."""
    base = LINE | {
        "dataset": DATA | {"feature_std": 100.0},
        "training": {"epochs": 100, "batch_size": "full"},
        "dtype": dtype,
    }
    grid = {"optimizer.lr": [0.02, 0.03, 0.05]}
    alone, _ = swept(base, grid, seeds=4)
    beside, _ = swept(base, [grid, grid | {"training.clip_grad_norm": [1.0]}], seeds=4)
    assert (alone.results.status == "diverged").all()
    assert_same_members(alone, beside)


def test_curves_do_not_depend_on_how_long_others_train(swept):
    """Beside members that go on, a member that stopped early has the curve that it has alone."""
    base = LINE | {"training": STOPPING}
    alone, _ = swept(base, {"optimizer.lr": [0.5]})
    beside, _ = swept(base, {"optimizer.lr": [0.5, 0.001]})
    assert (alone.results.epochs < 12).all()
    curves = alone.results.curves
    for metric, curve in beside.results.curves.items():
        assert_equal(curve[:, :1], curves[metric])


def test_the_record_of_a_divergence_does_not_depend_on_others(swept):
    """Records every ten epochs; the rate of a schedule is among the metrics."""
    base = LINE | {
        "optimizer": {"kind": "sgd", "schedule": {"kind": "cosine"}},
        "training": {"epochs": 20, "batch_size": 10},
        "logging": {"every": 10},
    }
    alone, _ = swept(base, {"optimizer.lr": [5.0]})
    beside, _ = swept(base, {"optimizer.lr": [5.0, 0.1]})
    assert (alone.results.status == "diverged").all()
    for metric, values in alone.results.final.items():
        assert_equal(beside.results.final[metric][:, 0], values[:, 0])


def test_recovery_does_not_depend_on_the_data_of_others(swept):
    """No Legendre curve is the best cubic of seed 1."""
    base = SINE | {
        "dataset": {"kind": "sine", "num_train": 6, "num_val": 5, "noise": 2.0},
        "model": {"kind": "legendre"},
        "training": {"epochs": 2, "batch_size": "full"},
    }
    alone, _ = swept(base, {"optimizer.lr": [1e-3]}, seeds=[0])
    other, _ = swept(base, {"optimizer.lr": [1e-3]}, seeds=[1])
    beside, _ = swept(base, {"optimizer.lr": [1e-3]}, seeds=[0, 1])
    recovery = "recovery/max_abs_error"
    assert recovery in alone.results.final
    assert recovery not in other.results.final
    assert recovery in beside.results.final
    assert_equal(beside.results.final[recovery], [*alone.results.final[recovery], [np.nan]])


def test_progress_counts_the_steps_of_all_parts(planned, tmp_path):
    plan = planned(LINE, {"optimizer.lr": RATES, "training.batch_size": [10, 25]}, 12_000, seeds=3)
    files = SweepFiles(plan, OutputLocation(run_dir=tmp_path / "sweep"))
    started, *events, _ = events_of(plan, files, Interruption())
    steps = [event.step for event in events]
    assert started.members == 24
    assert started.steps == steps[-1] == sum(part.steps for part in plan.parts)
    assert steps == sorted(steps)
    assert sorted({event.members for event in events}) == sorted({part.size for part in plan.parts})
    known = [np.isfinite(event.best) for event in events]
    assert known == sorted(known)  # from the first record on, which the first events may come before
    assert known[-1]
    assert all(event.diverged == 0 for event in events)


# Interruptions --------------------------------------------------------------------------------------

INTERRUPTED = {"optimizer.lr": [0.01, 0.1, 1e30], "training.batch_size": [10, 25]}
FILES = ("results.csv", "summary.csv", "curves.npz", "reference.npz", "experiment.yaml")


def interrupt(plan, directory, after):
    """Ask to stop after some steps, 0 being when training starts; the last event."""
    interruption = Interruption()
    for event in events_of(plan, SweepFiles(plan, OutputLocation(run_dir=directory)), interruption):
        interruption.requested |= getattr(event, "step", 0) >= after
    return event


@pytest.mark.parametrize(
    ("memory", "after"),
    [*itertools.product([3_000], [0, 1, 5, 15, 17]), *itertools.product([1, DEFAULT_MEMORY], [1, 15])],
)
def test_interrupted_and_taken_up_again(planned, undisturbed, tmp_path, monkeypatch, memory, after):
    _, whole = undisturbed(LINE, INTERRUPTED, memory, seeds=3)
    plan = planned(LINE, INTERRUPTED, memory, seeds=3)
    directory = tmp_path / "stopped"
    finished = interrupt(plan, directory, after)
    assert isinstance(finished, SweepFinished)
    assert finished.result.status == result_in(directory)["status"] == "interrupted"
    statuses = {row["status"] for row in table_of(directory)}
    assert "interrupted" in statuses
    assert statuses <= {"interrupted", "completed", "diverged"}
    assert all((directory / file).exists() for file in FILES)
    stopped = SweepFiles(plan, OutputLocation(), directory)
    saved = [number for number in range(len(plan.parts)) if stopped.part(number).exists()]
    assert (len(saved) > 0) == (after >= plan.parts[0].steps == 15)

    prepared = []
    prepare = module.prepare
    monkeypatch.setattr(
        module, "prepare", lambda *given, **more: prepared.append(given) or prepare(*given, **more)
    )
    again, _ = plan_again(directory)
    files = files_for(again, OutputLocation(run_dir=directory))
    assert complete_result(files) is None
    started, *_, finished = events_of(again, files, Interruption())
    assert len(prepared) == len(plan.parts) - len(saved)
    missing = [part.steps for number, part in enumerate(plan.parts) if number not in saved]
    assert started.steps == sum(missing)
    assert result_in(directory)["status"] == finished.result.status == "completed"
    for file in FILES:
        assert (directory / file).read_bytes() == (whole / file).read_bytes()
    complete = complete_result(files_for(again, OutputLocation(run_dir=directory)))
    assert replace_nonfinite(complete.as_data()) == replace_nonfinite(finished.result.as_data())
    assert not (directory / "checkpoint").exists()


@pytest.mark.parametrize(("requested", "status"), [(True, "interrupted"), (False, "failed")])
def test_left_after_the_wish_to_stop(planned, tmp_path, requested, status):
    """The second Ctrl-C may come between two events; without a first one, leaving is someone's failure."""
    plan = planned(LINE, {"optimizer.lr": RATES})
    for directory in (tmp_path / "sweep", tmp_path / "run"):
        interruption = Interruption()
        if directory.name == "sweep":
            events = run_sweep(plan, SweepFiles(plan, OutputLocation(run_dir=directory)), interruption)
        else:
            events = train(plan.experiment, OutputLocation(run_dir=directory), interruption)
        next(event for event in events if not isinstance(event, Compiling))
        interruption.requested = requested
        events.close()
        assert result_in(directory)["status"] == status


def test_parts_are_saved_as_they_end(planned, tmp_path):
    """Killed at any moment, a sweep lacks no part that had ended."""
    plan = planned(LINE, INTERRUPTED, 1, seeds=3)
    files = SweepFiles(plan, OutputLocation(run_dir=tmp_path / "killed"))
    events = events_of(plan, files, Interruption())
    assert isinstance(next(events), SweepStarted)
    for event in events:
        if isinstance(event, SweepProgress) and not files.is_new and files.part(1).exists():
            break
    events.close()
    assert result_in(files.directory)["status"] == "failed"
    assert not (files.directory / "results.csv").exists()
    assert files.part(0).exists()
    plain = SweepFiles(plan, OutputLocation(run_dir=tmp_path / "plain"))
    for which in (SweepFiles(plan, OutputLocation(), files.directory), plain):
        for _ in events_of(plan, which, Interruption()):
            pass
    for file in FILES:
        assert (files.directory / file).read_bytes() == (plain.directory / file).read_bytes()


def test_another_sweep_does_not_go_on_in_its_place(planned, tmp_path):
    directory = tmp_path / "sweep"
    interrupt(planned(LINE, {"optimizer.lr": RATES}), directory, 1)
    for other in (
        planned(LINE, {"optimizer.lr": RATES[1:]}),
        planned(LINE, {"optimizer.lr": RATES}, 1),
        planned(FINE_LINE, {"optimizer.lr": RATES}),
        planned(LINE, {"optimizer.lr": RATES}, seeds=3),
    ):
        with pytest.raises(RunDirectoryError, match="holds another sweep"):
            files_for(other, OutputLocation(run_dir=directory))


# No loop over members -------------------------------------------------------------------------------


def test_no_python_loop_over_members(tmp_path):
    """Twenty times the members cost the calls of their seeds, and configurations those of their own rows."""
    few, many = calls_of(tmp_path / "few", 100, 1), calls_of(tmp_path / "many", 2500, 1)
    members = calls_of(tmp_path / "members", 2500, 20)
    assert abs(members - many) < 20 * 400
    assert many - few < 2400 * 200
    assert calls_of(tmp_path / "seeds", 100, 200) - few < 200 * 300


def calls_of(directory, rates, seeds):
    """Calls of Python functions from file to result."""
    directory.mkdir()
    base = LINE | {"dataset": DATA | {"num_train": 20}, "training": {"epochs": 1, "batch_size": 10}}
    experiment = with_sweep(base, {"optimizer.lr": {"log_range": [1e-4, 1, rates]}}, seeds=seeds)
    (directory / "experiment.yaml").write_text(json.dumps(experiment))
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        plan = plan_sweep(load(directory / "experiment.yaml"))
        files = SweepFiles(plan, OutputLocation(run_dir=directory / "sweep"))
        *_, finished = events_of(plan, files, Interruption())
    finally:
        sys.setprofile(before)
    assert finished.result.members == rates * seeds
    return calls
