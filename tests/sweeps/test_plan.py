"""How a sweep is cut to fit the memory, what it needs, and how long it will take."""

import itertools
import json

import numpy as np
import pytest

import lrcli.sweeps.estimates as estimates
from lrcli.errors import UsageError
from lrcli.experiment.loading import load
from lrcli.running import data_export as data_files
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.resources import Sizes, memory_for_data, memory_for_training
from lrcli.sweeps import idle_cores
from lrcli.sweeps import tables as sweep_tables
from lrcli.sweeps.cutting import Part, cut_group
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.idle_cores import use_of_workers
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.running import run_sweep

LINE = {
    "name": "line",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "num_train": 40, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.01},
    "training": {"epochs": 4, "batch_size": 10},
}


@pytest.fixture
def planned(tmp_path):
    """Plans a sweep of a grid of plain lists."""
    file = tmp_path / "exp.yaml"

    def plan_it(grid, seeds=5, memory=10**9, words=()):
        sweep = {"grid": {key: {"values": values} for key, values in grid.items()}, "seeds": seeds}
        file.write_text(json.dumps(LINE | {"sweep": sweep}))
        return plan_sweep(load(file, words), memory)

    return plan_it


NOISY = """
import torch


class Net(torch.nn.Linear):
    def __init__(self):
        super().__init__(2, 1)

    def forward(self, x):
        return super().forward(x + torch.randn_like(x) * self.training)
"""
RATES = np.geomspace(1e-4, 0.1, 7).tolist()


@pytest.mark.parametrize(
    "grid", [{}, {"dataset.noise": [0.0, 0.1]}, {"model.init.kind": ["zeros", "default"]}]
)
@pytest.mark.parametrize("memory", [10**5, 10**6, 3 * 10**6, 10**9])
def test_rows_and_draws_are_those_that_are_drawn(planned, grid, memory):
    plan = planned({"optimizer.lr": RATES} | grid, memory=memory, words=["dataset.num_train=9000"])
    for part in plan.parts:
        draws, population = part.group.population(part.members)
        assert part.sizes == Sizes(population.size, len({draw.data_key for draw in draws}), len(draws))


def test_a_part_has_the_data_of_as_few_seeds_as_the_memory_asks_for(planned):
    words = ["dataset.num_train=3000000"]
    one = memory_for_training(
        planned({"optimizer.lr": RATES}, words=words).experiment, Sizes(7, 1, 1)
    ).total()
    for seeds_at_a_time, memory in ((1, 1.01 * one), (1, 0.1 * one), (5, 6 * one)):
        plan = planned({"optimizer.lr": RATES}, memory=int(memory), words=words)
        assert max(part.sizes.rows for part in plan.parts) == seeds_at_a_time
        assert max(part.sizes.members for part in plan.parts) > 2
    assert plan.needs["dataset.num_train"] > memory_for_data(plan.experiment, 2)["dataset.num_train"]


@pytest.mark.parametrize("memory", [10**4, 10**5, 10**6, 10**7])
def test_parts_keep_to_the_memory_where_they_can(planned, memory):
    plan = planned({"optimizer.lr": np.geomspace(1e-4, 1, 500).tolist()}, seeds=40, memory=memory)
    pair = memory_for_training(plan.experiment, Sizes(2, 1, 1)).total()
    assert max(part.needs.total() for part in plan.parts) <= max(memory, memory + pair * (memory < pair))
    edges = [(part.members.start, part.members.stop) for part in plan.parts]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))
    assert (edges[0][0], edges[-1][1]) == (0, plan.size)


def test_tables_are_the_same_in_pieces(planned, tmp_path, monkeypatch):
    written = []
    for cells in (2**18, 100, 1):
        monkeypatch.setattr(sweep_tables, "_CELLS", cells)
        plan = planned({"optimizer.lr": [0.01, 1e30, 0.1], "model.init.kind": ["zeros", "default"]})
        directory = tmp_path / f"sweep-{cells}"
        list(run_sweep(plan, SweepFiles(plan, OutputLocation(run_dir=directory)), Interruption()))
        written.append((directory / "results.csv").read_bytes())
    assert written[0].count(b"\n") == 31
    assert written[0] == written[1] == written[2]


def test_data_are_the_same_in_pieces(planned, tmp_path, monkeypatch):
    experiment = planned({"optimizer.lr": [0.1]}).experiment
    written = []
    for numbers in (2**16, 50, 1):
        monkeypatch.setattr(data_files, "_NUMBERS", numbers)
        data_files.write_data(experiment, tmp_path / str(numbers))
        written.append((tmp_path / str(numbers) / "train.csv").read_bytes())
    assert written[0].count(b"\n") == 41
    assert written[0] == written[1] == written[2]


# The time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grid", "seeds", "words"),
    [
        ({}, 5, ["training.epochs=4000"]),
        ({}, 5, ["training.epochs=4000", "logging.every=100"]),
        ({}, 500, []),
        ({"training.batch_size": [10, 5]}, 5, []),
        ({}, 5, ["dataset.num_train=400000"]),
        ({}, 5, ["engine=torch", "training.epochs=400"]),
        ({}, 5, ["model={kind: mlp, hidden: [200, 200]}"]),
        ({}, 5, ["optimizer.kind=adam", "training.epochs=4000"]),
        ({}, 5, ["dataset.num_val=4000000"]),
    ],
    ids=str,
)
def test_more_work_takes_longer(planned, grid, seeds, words):
    little = planned({"optimizer.lr": RATES})
    assert 0 < little.seconds < planned({"optimizer.lr": RATES} | grid, seeds, words=words).seconds < 1000


def test_cores_share_the_work(planned, monkeypatch):
    words = ["training.epochs=40000", "logging.every=40000", "training.shuffle=false"]
    plan = planned({"optimizer.lr": RATES}, 500, words=words)
    taken = []
    for count in (1, 2, 8):
        monkeypatch.setattr(estimates, "cores", lambda count=count: count)
        taken.append(plan.seconds)
    assert taken[0] > 1.3 * taken[1] > 1.3 * taken[2]


def test_two_million_members_take_long(planned):
    """Tables and records are most of it: minutes on a slow machine, and not seconds on any."""
    plan = planned(
        {"optimizer.lr": np.geomspace(1e-4, 0.1, 10_000).tolist()}, 200, words=["training.epochs=1"]
    )
    assert 10 < plan.seconds / estimates.slowness() < 100


def test_absurd_numbers_of_records_take_no_memory_to_estimate(planned):
    part = planned({"optimizer.lr": RATES}).parts[0]
    experiment = load_with(part.group.experiment, epochs=10**12)
    assert estimates.seconds_of_training(experiment, part.sizes, 10**12) > 1e8


@pytest.mark.parametrize("words", [(), ["engine=torch"]], ids=["compiled", "torch"])
def test_parts_take_some_seconds_of_one_core(planned, words, monkeypatch):
    """Whatever machine plans them; and cutting adds little to what the whole takes."""
    grid = {"optimizer.lr": np.geomspace(1e-4, 0.1, 500).tolist()}
    epochs = f"training.epochs={2_000_000 if words else 10_000_000}"
    plans = []
    for count in (1, 64):
        monkeypatch.setattr(estimates, "cores", lambda count=count: count)
        plans.append(planned(grid, 4, words=[*words, epochs, "logging.every=20000000"]))
    members = [[(part.members.start, part.members.stop) for part in plan.parts] for plan in plans]
    assert members[0] == members[1]
    parts = plans[0].parts
    whole = Part(parts[0].group, slice(None)).work
    assert sum(part.work for part in parts) <= 1.1 * whole
    finer = cut_group(parts[0].group, 10**9, 2 * len(parts))
    assert max(part.work for part in parts) <= 20.0 or sum(part.work for part in finer) > 1.1 * whole
    assert len(parts) > 3 or words


def test_a_worker_plans_what_it_has_no_room_for(planned, tmp_path, monkeypatch):
    plan = planned({"optimizer.lr": RATES})
    monkeypatch.setattr("lrcli.running.resources.memory_of_machine", lambda: plan.needs.total() + 10**8 - 1)
    loaded = load(tmp_path / "exp.yaml")
    with pytest.raises(UsageError, match="does not fit in memory"):
        plan_sweep(loaded)
    assert plan_sweep(loaded, must_fit=False).fingerprint == plan.fingerprint


def test_code_that_leaves_cores_idle_is_told_of_workers(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NOISY)
    module = {"kind": "module", "path": "net.py", "name": "Net"}
    sweep = {"grid": {"optimizer.lr": {"values": RATES}}, "seeds": 2}
    (tmp_path / "own.yaml").write_text(json.dumps(LINE | {"model": module, "sweep": sweep}))
    plans = [plan_sweep(load(tmp_path / "own.yaml", [f"training.epochs={n}"])) for n in (4, 4000)]
    assert [len(plan.parts) > 1 for plan in plans] == [False, True]
    monkeypatch.setattr(idle_cores, "cores", lambda: 2)
    parts = f"{len(plans[1].parts)} parts of the sweep train one after the other on one core of 2"
    assert use_of_workers(plans[1], 100.0) == f"{parts}; --cluster local trains 2 of them at a time"
    assert use_of_workers(plans[1], 5.0) == use_of_workers(plans[0], 100.0) == ""
    monkeypatch.setattr(idle_cores, "cores", lambda: 1)
    assert use_of_workers(plans[1], 100.0) == ""


def load_with(experiment, **training):
    return experiment.model_copy(update={"training": experiment.training.model_copy(update=training)})
