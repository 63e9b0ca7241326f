"""Parts are handed to workers that come, go and die, and no bit, no member and no time is lost by it."""

import contextlib
import json
import pickle
from concurrent.futures import CancelledError
from types import SimpleNamespace

import pytest
from distributed import KilledWorker

from lrcli.cluster import asking, opening, plugin, trainer, work
from lrcli.cluster.trainer import ClusterTrainer
from lrcli.errors import ClusterError, CodeRunError, UsageError
from lrcli.experiment.loading import load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.moments import Waiting
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.running import SweepFinished, SweepProgress, SweepStarted, run_sweep
from lrcli.training.cores import cores

LINE = {
    "name": "line",
    "dataset": {"kind": "linear", "w": [2.0], "b": 4.2, "noise": 0.1, "num_train": 20, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd"},
    "training": {"epochs": 4, "batch_size": 5},
    "logging": {"figures": False, "tensorboard": False},
    "sweep": {
        "grid": {"optimizer.lr": {"values": [1e-3, 0.1, 1e30]}, "training.epochs": {"values": [4, 9]}},
        "seeds": 3,
    },
}
FILES = ("results.csv", "summary.csv", "curves.npz", "reference.npz", "recovery.csv", "experiment.yaml")


class GoneError(Exception):
    """A worker dies over its part."""


class FakeFuture:
    def __init__(self, run):
        self.status, self._run, self._told = "pending", run, []

    def add_done_callback(self, tell):
        self._told.append(tell)

    def work(self):
        try:
            self._outcome, self.status = self._run(), "finished"
        except GoneError:
            return
        except Exception as error:
            self._outcome, self.status = error, "error"
        self.tell()

    def tell(self):
        for each in self._told:
            each(self)

    def done(self):
        return self.status != "pending"

    def exception(self):
        return self._outcome

    def result(self, timeout=None):
        if self.status == "cancelled":
            raise CancelledError
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class FakeCluster:
    """Workers that train within this process when the client looks at the scheduler.

    Attributes:
        dies: called with a worker and a part; whether the worker dies over it, or after it.
        begins: whether a part begins before its worker dies over it; else one of another sweep is at work.
        dies_preparing: called with a worker; whether it dies over the preparation of a part.
        address_after: called with the address of a worker that died; that at which it is started again.
        status: called with a worker; what Dask has for it while it trains.
        kinds: of processor, by worker.
        handed: each worker and part that was trained, in order.
    """

    def __init__(self, workers):
        self.client, self.address, self.dashboard, self.processes = self, "tcp://fake:1", "", None
        self.name, self.topic, self.listener = "lrcli-fake", "topic", None
        self.accepted, self.refused, self.gone, self.kinds = {}, {}, [], {}
        for address in workers:
            self.accept(address)
        self.dies = lambda worker, part: ""
        self.dies_preparing = lambda worker: False
        self.begins = True
        self.status = lambda worker: "running"
        self.address_after = lambda worker: f"{worker}'"
        self.handed, self.busy, self.cancelled, self.scheduler_lives = [], {}, [], lambda: True

    def submit(self, function, text, arguments, *, key, workers, pure):
        (worker,), (_, number) = workers, pickle.loads(arguments["arguments"])  # noqa: S301
        trains = "work:train" in arguments["function"]
        future = FakeFuture(lambda: self._answer(function, text, arguments, worker, number, trains))
        assert worker in self.accepted
        assert worker not in self.busy.values()
        self.busy[future] = worker
        return future

    def _answer(self, function, text, arguments, worker, number, trains):
        if trains:
            self.handed.append((worker, number))
            if self.begins:
                self.listener(worker, {"part": number, "worker": worker})
            death = self.dies(worker, number)
            if death:
                self.lose(worker)
            if death == "while it trains":
                raise GoneError
            if death == "as the scheduler tells":
                raise KilledWorker(f"part {number}", SimpleNamespace(address=worker), 0)
        elif self.dies_preparing(worker):
            self.lose(worker)
            raise GoneError
        work_of(worker, self.status(worker))
        return function(text, arguments)

    def accept(self, address):
        self.accepted[address] = SimpleNamespace(
            address=address, facts={"processor": self.kinds.get(address)}
        )

    def has(self, worker):
        return self.accepted.get(worker.address) is worker

    def lose(self, worker):
        del self.accepted[worker]
        self.gone.append(worker)
        self.accept(self.address_after(worker))

    def cancel(self, futures, force):
        self.cancelled += futures

    def check(self):
        if not self.scheduler_lives():
            for future in self.busy:
                future.status = "cancelled"
            raise ClusterError("the scheduler of the cluster has gone away")
        for future in [*self.busy]:
            future.work()
            del self.busy[future]


def work_of(address, status):
    """The worker that a task asks about itself."""
    tasks = SimpleNamespace(get=lambda key: SimpleNamespace(state="executing"))
    state, status = SimpleNamespace(nthreads=cores(), tasks=tasks), SimpleNamespace(name=status)
    worker = SimpleNamespace(address=address, state=state, status=status)
    worker.get_current_task = lambda: "key"
    worker.log_event = lambda topic, told: None
    WORKER.append(worker)


WORKER = []


@pytest.fixture
def cluster(monkeypatch):
    made = FakeCluster(["a", "b"])
    monkeypatch.setattr(opening, "open_cluster", lambda word: contextlib.nullcontext(made))
    monkeypatch.setattr(plugin, "admitted", lambda opened, wanted: contextlib.nullcontext(made))
    monkeypatch.setattr(work, "_worker", lambda: WORKER[-1])
    monkeypatch.setattr(work, "code_paths", lambda name: {})
    monkeypatch.setattr(trainer, "_LOOKING", 0.001)
    monkeypatch.setattr(trainer, "_FETCHING", 0.001)
    return made


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    file = tmp_path_factory.mktemp("plan") / "line.yaml"
    file.write_text(json.dumps(LINE))
    made = plan_sweep(load(file), memory=6_000)
    assert len(made.parts) >= 6
    return made


@pytest.fixture(scope="module")
def alone(plan, tmp_path_factory):
    """The files of the sweep as one process trains it."""
    directory = tmp_path_factory.mktemp("alone") / "sweep"
    list(run_sweep(plan, SweepFiles(plan, OutputLocation(run_dir=directory)), Interruption()))
    return contents(directory)


@pytest.fixture
def swept(plan, tmp_path):
    """Trains the sweep in a directory, by a cluster or alone; the last event."""

    def sweep(name, cluster=None, interruption=None, observe=lambda event: None):
        location = OutputLocation(run_dir=tmp_path / name)
        files = SweepFiles(plan, location, tmp_path / name if (tmp_path / name).exists() else None)
        with ClusterTrainer(cluster) if cluster else contextlib.nullcontext() as made:
            for event in run_sweep(plan, files, interruption or Interruption(), made):
                observe(event)
        return event

    sweep.plan, sweep.place = plan, tmp_path
    return sweep


def contents(directory):
    return {name: (directory / name).read_bytes() for name in FILES}


def test_the_longest_parts_come_first_and_all_is_as_trained_alone(swept, alone, cluster):
    events = []
    assert swept("by workers", "tcp://fake:1", observe=events.append).result.status == "completed"
    assert contents(swept.place / "by workers") == alone
    parts = swept.plan.parts
    assert sorted(number for _, number in cluster.handed) == list(range(len(parts)))
    lengths = [parts[number].seconds for _, number in cluster.handed]
    assert lengths == sorted(lengths, reverse=True)
    assert {worker for worker, _ in cluster.handed} == {"a", "b"}
    waiting, started, *progress, _ = events
    assert (type(waiting), type(started)) == (Waiting, SweepStarted)
    assert (started.workers.count, started.parts) == (2, len(parts))
    ended = [event.ended for event in progress if isinstance(event, SweepProgress)]
    assert ended == list(range(1, len(parts) + 1))
    assert progress[-1].step == started.steps


@pytest.mark.parametrize("again", ["elsewhere", "there"])
@pytest.mark.parametrize("when", ["while it trains", "before it gives what it has", "as the scheduler tells"])
def test_a_part_whose_worker_dies_is_trained_by_another(swept, alone, cluster, when, again):
    deaths = dict.fromkeys((0, 2, 4), when)
    cluster.dies = lambda worker, number: deaths.pop(number, "")
    if again == "there":  # as one whose port is fixed
        cluster.address_after = lambda worker: worker
    assert swept("by workers", "tcp://fake:1").result.status == "completed"
    assert contents(swept.place / "by workers") == alone
    assert len(cluster.gone) == 3
    assert len(cluster.handed) == len(swept.plan.parts) + 3


def test_a_part_that_kills_three_workers_is_told_and_the_others_are_trained(swept, alone, cluster):
    cluster.dies = lambda worker, number: "while it trains" if number == 2 else ""
    result = swept("by workers", "tcp://fake:1").result
    assert [number for _, number in cluster.handed].count(2) == 3
    size = swept.plan.parts[2].size
    assert (result.status, result.missing) == ("failed", size)
    part = swept.plan.parts[2].indices
    members = [int(seed * len(swept.plan.configurations) + number) for seed, number in part]
    assert result.warnings[-1].startswith(f"part 2 ({size} members: {members[0]}")
    assert result.warnings[-1].endswith("was given up: 3 workers died while training it")
    assert swept("by workers").result.status == "completed"  # it goes on, by itself
    assert contents(swept.place / "by workers") == alone


def test_a_part_that_waited_for_that_of_another_sweep_is_hardly_blamed(swept, cluster):
    cluster.begins = False
    cluster.dies = lambda worker, number: "while it trains" if number == 2 else ""
    assert swept("by workers", "tcp://fake:1").result.status == "failed"
    assert [number for _, number in cluster.handed].count(2) == 15


def test_all_parts_that_kill_workers_are_told(swept, cluster, monkeypatch):
    cluster.dies = lambda worker, number: "while it trains" if number in {1, 2, 3} else ""
    told = swept("by workers", "tcp://fake:1").result.warnings[-1]
    assert all(f"part {number} (" in told for number in (1, 2, 3))
    monkeypatch.setattr("lrcli.sweeps.running._LOST", 2)
    told = swept("by workers", "tcp://fake:1").result.warnings[-1]
    assert (told.count("part "), told.rpartition("; ")[2]) == (2, "and 1 other part")


def test_what_goes_wrong_is_told_though_its_worker_has_gone(swept, cluster, monkeypatch):
    def fail(*arguments):
        raise CodeRunError("model: it fails")

    monkeypatch.setattr(work, "train_part", fail)
    cluster.dies = lambda worker, number: "before it gives what it has"
    with pytest.raises(CodeRunError, match="model: it fails"):
        swept("by workers", "tcp://fake:1")


def test_a_worker_that_dies_preparing_is_followed_by_another(swept, alone, cluster):
    deaths = iter([True, True])
    cluster.dies_preparing = lambda worker: next(deaths, False)
    assert swept("by workers", "tcp://fake:1").result.status == "completed"
    assert contents(swept.place / "by workers") == alone


def test_a_part_that_three_workers_die_preparing_is_told(swept, cluster):
    cluster.dies_preparing = lambda worker: True
    with pytest.raises(ClusterError, match="3 workers died while preparing part"):
        swept("by workers", "tcp://fake:1")
    assert not (swept.place / "by workers").exists()


def test_workers_that_all_go_as_soon_as_they_come_are_waited_for(swept, cluster, monkeypatch):
    there, cluster.accepted = cluster.accepted, {}
    looks = iter(range(3))

    def look():
        if next(looks, None) is None:
            cluster.accepted = there
        FakeCluster.check(cluster)

    monkeypatch.setattr(cluster, "check", look)
    assert swept("by workers", "tcp://fake:1").result.status == "completed"


def test_it_is_told_when_no_worker_is_left(swept, alone, cluster, monkeypatch):
    deaths = {0: "while it trains", 1: "while it trains"}
    cluster.dies = lambda worker, number: deaths.pop(number, "")
    monkeypatch.setattr(cluster, "accept", lambda address: None)
    looks = iter(range(40))

    def look():
        if next(looks, None) is None and not cluster.accepted:
            FakeCluster.accept(cluster, "late")
        FakeCluster.check(cluster)

    monkeypatch.setattr(cluster, "check", look)
    events = []
    assert swept("by workers", "tcp://fake:1", observe=events.append).result.status == "completed"
    assert contents(swept.place / "by workers") == alone
    assert [event.short for event in events if isinstance(event, Waiting)][1:] == ["no worker is left"]


@pytest.mark.parametrize(("status", "tries"), [("paused", 0), ("closing_gracefully", 0), ("closing", 1)])
def test_a_worker_that_ends_what_it_computes_ends_it_and_others_have_it_trained_again(
    swept, alone, cluster, status, tries
):
    states = iter(["running", status])
    cluster.status = lambda worker: next(states, "running")
    assert swept("by workers", "tcp://fake:1").result.status == "completed"
    assert contents(swept.place / "by workers") == alone
    assert len(cluster.handed) == len(swept.plan.parts) + tries


def test_workers_that_are_refused_are_named_once_for_each_reason(swept, cluster):
    cluster.refused = {"c": ("old",), "d": ("old",), "e": ("no torch", "other data")}
    with pytest.warns(UserWarning, match="worker") as told:
        swept("by workers", "tcp://fake:1")
    assert [str(each.message) for each in told] == [
        "worker c is not used: old",
        "worker e is not used: no torch; other data",
    ]


def test_a_scheduler_that_goes_away_leaves_what_has_ended(swept, alone, cluster):
    cluster.scheduler_lives = lambda: len(cluster.handed) < 3
    with pytest.raises(ClusterError, match="the scheduler of the cluster has gone away"):
        swept("by workers", "tcp://fake:1")
    kept = [*(swept.place / "by workers" / "checkpoint").glob("part-*.npz")]
    assert 2 <= len(kept) <= len(cluster.handed)
    result = json.loads((swept.place / "by workers" / "result.json").read_text())
    assert result["status"] == "failed"
    before, cluster.scheduler_lives = len(cluster.handed), lambda: True
    swept("by workers", "tcp://fake:1")
    assert len(cluster.handed) - before == len(swept.plan.parts) - len(kept)
    assert contents(swept.place / "by workers") == alone


def test_the_wish_to_stop_ends_it_and_what_is_under_way_is_given_up(swept, alone, cluster):
    interruption = Interruption()

    def stop(event):
        interruption.requested |= getattr(event, "ended", 0) >= 3

    finished = swept("by workers", "tcp://fake:1", interruption, stop)
    assert isinstance(finished, SweepFinished)
    assert (finished.result.status, finished.result.missing > 0) == ("interrupted", True)
    assert all(future in cluster.cancelled for future in cluster.busy)
    swept("by workers", "tcp://fake:1")
    assert contents(swept.place / "by workers") == alone


def test_what_cannot_be_trained_is_told_before_anything_is_written(swept, cluster, monkeypatch):
    def refuse(part):
        raise UsageError("optimizer: so it cannot be trained")

    monkeypatch.setattr(work, "prepare_part", refuse)
    with pytest.raises(UsageError, match="optimizer: so it cannot be trained"):
        swept("by workers", "tcp://fake:1")
    assert not (swept.place / "by workers").exists()


def test_processors_of_several_kinds_are_told(swept, cluster):
    for worker, kind in (("a", "Kind A"), ("b", "Kind B")):
        cluster.kinds[worker] = kind
        cluster.accept(worker)
    result = swept("by workers", "tcp://fake:1").result
    assert "whose last bits may differ: Kind A (" in result.warnings[-1]
    assert "Kind B (" in result.warnings[-1]


def test_warnings_of_workers_are_told_once(swept, cluster, monkeypatch):
    def warned(*arguments):
        import warnings

        warnings.warn("it is odd", stacklevel=1)
        return original(*arguments)

    original = work.train_part
    monkeypatch.setattr(work, "train_part", warned)
    with pytest.warns(UserWarning, match="it is odd") as told:
        swept("by workers", "tcp://fake:1")
    assert len(told) == 1


def test_a_worker_is_told_the_path_of_code_that_it_was_sent(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "code.py").write_text(
        "def half(outputs, targets):\n    return (outputs - targets) ** 2 / 2\n"
    )
    try:
        (tmp_path / "link").symlink_to(tmp_path / "real")
    except OSError:
        pytest.skip("this system lets nobody make links")
    loss = {"kind": "python", "path": str(tmp_path / "link" / "code.py"), "name": "half"}
    plan = plan_sweep(load(LINE | {"loss": loss}))
    (sent,) = asking.wanted(plan).code
    told = asking.described(plan, SimpleNamespace(name="lrcli-fake", topic="topic"))
    written = work.with_paths(json.loads(told.experiment), {sent: "/elsewhere/code.py"})
    assert written["loss"]["path"] == "/elsewhere/code.py"


def test_what_python_does_not_show_is_not_told_of_workers_either(swept, cluster, monkeypatch):
    def warned(*arguments):
        import warnings

        warnings.warn("an old name", DeprecationWarning, stacklevel=1)
        return original(*arguments)

    original = work.train_part
    monkeypatch.setattr(work, "train_part", warned)
    assert swept("by workers", "tcp://fake:1").result.status == "completed"


def test_a_state_is_gone_once_its_part_has_ended_elsewhere(swept, cluster):
    state = swept.place / "by workers" / "checkpoint" / "part-0000-state.npz"

    def observe(event):
        if isinstance(event, SweepStarted):
            state.write_bytes(b"of a process that was stopped")
        if isinstance(event, SweepFinished):
            assert not state.exists()

    swept("by workers", "tcp://fake:1", observe=observe)


def test_packages_must_be_the_same_where_a_component_is_of_one(plan, monkeypatch):
    assert asking.wanted(plan).equal == ("lrcli", "numba", "llvmlite")
    kind = type(plan.experiment.optimizer)
    monkeypatch.setattr(asking, "PACKAGES", {kind: "mine 1"})
    assert asking.wanted(plan).equal == ("lrcli", "numba", "llvmlite", "packages")
