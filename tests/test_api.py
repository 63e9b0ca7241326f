"""Runs and sweeps from Python: begun, observed, drawn and closed, whatever happens on the way."""

import csv
import json

import numpy as np
import pytest
from builders import records_of

from lrcli import api
from lrcli.errors import WriteError
from lrcli.experiment.loading import load
from lrcli.reporting.runs.tensorboard import TensorBoardLog
from lrcli.reporting.sweeps import tensorboard as sweep_tensorboard
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.single import Finished, Started
from lrcli.storage.files import replace_nonfinite
from lrcli.storage.reading import read_result
from lrcli.storage.table_reading import read_curves, read_members, read_metrics
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.resuming import files_for
from lrcli.sweeps.running import SweepFinished, SweepProgress, SweepStarted
from lrcli.training.records import Progress, Records

SMALL = """
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 40, num_val: 20, num_test: 10}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.1}
training: {epochs: 4, batch_size: 10}
logging: {figures: false, tensorboard: false}
sweep: {grid: {optimizer.lr: {values: [0.01, 0.1]}}, seeds: 3}
expect: {val/loss: "< 1e9"}
"""


@pytest.fixture
def loaded(tmp_path):
    """The small experiment, with overrides."""
    (tmp_path / "small.yaml").write_text(SMALL)
    return lambda *words: load(tmp_path / "small.yaml", words)


@pytest.fixture(params=["train", "sweep"])
def begin(request, loaded, tmp_path):
    """Trains a run or a sweep in the directory `out`, with observers."""
    location = OutputLocation(run_dir=tmp_path / "out")

    def run(*observers, words=(), interruption=None):
        if request.param == "train":
            return api.train(loaded(*words), location, observers, interruption)
        plan = plan_sweep(loaded(*words))
        return api.sweep(plan, files_for(plan, location), observers, interruption)

    return run


def status_in(directory):
    return json.loads((directory / "result.json").read_bytes())["status"]


def is_end(event):
    return isinstance(event, Finished | SweepFinished)


def test_what_comes_back_is_what_can_be_read(begin, tmp_path):
    result = begin()
    assert result.status == "completed"
    assert read_result(tmp_path / "out") == result
    assert read_result(tmp_path / "out" / "result.json") == result


def test_what_diverged_comes_back_but_for_infinities(begin, tmp_path):
    result = begin(words=["optimizer.lr=1e30", "sweep={grid: {optimizer.lr: {values: [1e30]}}, seeds: 2}"])
    read = read_result(tmp_path / "out")
    assert replace_nonfinite(read.as_data()) == replace_nonfinite(result.as_data())
    written = json.loads((tmp_path / "out" / "result.json").read_bytes())
    del written["sha256"]
    assert replace_nonfinite(read.as_data()) == written


def test_observers_see_the_events_in_order(begin, tmp_path):
    events, statuses = [], []

    def observe(event):
        events.append(event)
        if isinstance(event, Started | SweepStarted):
            assert event.run_dir == tmp_path / "out"
        if isinstance(event, Started | SweepStarted | Records | SweepProgress) or is_end(event):
            statuses.append(status_in(tmp_path / "out"))

    seen = []
    result = begin(seen.append, observe)
    assert seen == events
    assert set(statuses) == {"running"}  # the result is written last
    assert sum(isinstance(event, Started | SweepStarted) for event in events) == 1
    assert is_end(events[-1])
    assert events[-1].result == result
    steps = [event.step for event in events if isinstance(event, Progress | SweepProgress)]
    assert steps == sorted(steps)
    assert steps[-1] == 16


def broken(moment, error):
    """An observer that raises at the first event of some kind."""

    def observe(event):
        if isinstance(event, moment):
            raise error

    return observe


MOMENTS = [(Started, SweepStarted), (Records, SweepProgress), (Finished, SweepFinished)]


@pytest.mark.parametrize("moment", MOMENTS, ids=["started", "training", "finished"])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("mine"), "failed"),
        (WriteError("disk: full"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(3), "failed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_observer_that_raises(begin, tmp_path, moment, error, status):
    with pytest.raises(type(error)) as caught:
        begin(broken(moment, error))
    assert caught.value is error
    result = read_result(tmp_path / "out")
    has_ended = moment is MOMENTS[-1] and result.command == "train"  # what it has come to is not lost
    assert result.status == ("completed" if has_ended else status)
    assert not has_ended or result.parameters


def test_a_sweep_that_was_left_goes_on(loaded, tmp_path):
    plan = plan_sweep(loaded())
    whole, left = (OutputLocation(run_dir=tmp_path / name) for name in ("whole", "left"))
    with pytest.raises(KeyboardInterrupt):
        api.sweep(plan, SweepFiles(plan, left), [broken(SweepFinished, KeyboardInterrupt())])
    assert read_result(tmp_path / "left").status == "interrupted"
    events = []
    result = api.sweep(plan, files_for(plan, left), [events.append])
    assert result.status == "completed"
    assert not any(isinstance(event, SweepProgress) for event in events)  # every part was there
    assert api.sweep(plan, files_for(plan, left), [broken(object, RuntimeError())]) == result
    api.sweep(plan, SweepFiles(plan, whole))
    tables = [(tmp_path / name / "results.csv").read_bytes() for name in ("whole", "left")]
    assert tables[0] == tables[1]


def test_the_wish_to_stop(begin, tmp_path):
    interruption = Interruption()

    def stop(event):
        interruption.requested |= isinstance(event, Records | SweepProgress)

    result = begin(stop, interruption=interruption, words=["training.epochs=100000"])
    assert result.status == "interrupted"
    assert read_result(tmp_path / "out") == result


def test_the_logging_block_says_what_is_drawn(begin, tmp_path, monkeypatch):
    """The event file of a run is closed by its result, and all is there before result.json says so."""
    statuses = []
    finish, write = TensorBoardLog.finish, sweep_tensorboard.write_sweep_events

    def finishing(log, result):
        statuses.append(status_in(tmp_path / "out"))
        finish(log, result)

    def writing(*arguments):
        statuses.append(status_in(tmp_path / "out"))
        write(*arguments)

    monkeypatch.setattr(TensorBoardLog, "finish", finishing)
    monkeypatch.setattr(sweep_tensorboard, "write_sweep_events", writing)

    def nothing_drawn(event):
        if is_end(event):
            assert not list((tmp_path / "out").glob("figures/*"))

    begin(nothing_drawn, words=["logging={}"])
    assert statuses == ["running"]
    assert list((tmp_path / "out").rglob("events.out.*"))
    assert list((tmp_path / "out").glob("figures/*.png"))
    assert status_in(tmp_path / "out") == "completed"


def test_event_files_that_cannot_be_written(begin, tmp_path, monkeypatch):
    def full(*arguments):
        raise WriteError("disk: full")

    monkeypatch.setattr(TensorBoardLog, "finish", full)
    monkeypatch.setattr(sweep_tensorboard, "write_sweep_events", full)
    with pytest.raises(WriteError):
        begin(words=["logging={figures: false}"])
    result = read_result(tmp_path / "out")
    assert result.status == ("completed" if result.command == "train" else "failed")


def test_a_run_has_its_log_without_a_screen(loaded, tmp_path):
    api.train(loaded(), OutputLocation(run_dir=tmp_path / "out"))
    lines = (tmp_path / "out" / "log.txt").read_text().splitlines()
    assert lines[0] == "training 4 epochs, 16 steps on cpu"
    assert [line.split("  ")[0] for line in lines[1:]] == [f"epoch {n}/4" for n in range(5)]


# What was written reads back --------------------------------------------------------------------------


def test_the_history_of_a_run_is_its_table(loaded, tmp_path):
    found, records = [], []
    words = ["training.epochs=150", "logging.every=2"]  # more records than there is room for to begin with

    def observe(event):
        records.extend(records_of([event], before_training=True))

    api.train(loaded(*words), OutputLocation(run_dir=tmp_path / "out"), [found.append, observe])
    read = read_metrics(tmp_path / "out" / "metrics.csv")
    for history in (read, found[-1].run.history):
        assert history.epoch.tolist() == [record.epoch for record in records] == list(range(0, 151, 2))
        assert history.step.tolist() == [record.step for record in records]
        assert list(history.metrics) == list(records[0].metrics)
        for name, values in history.metrics.items():
            np.testing.assert_array_equal(values, [[record.metrics[name][0] for record in records]])


def test_the_tables_of_a_sweep_are_its_results(loaded, tmp_path):
    found = []
    grid = "sweep={grid: {optimizer.lr: {values: [0.01, 1e30]}, optimizer.momentum: {values: [0, 0.5]}}}"
    plan = plan_sweep(loaded(grid, "sweep.seeds=[3, 7]"))
    api.sweep(plan, SweepFiles(plan, OutputLocation(run_dir=tmp_path / "out")), [found.append])
    results = found[-1].results
    table = read_members(tmp_path / "out" / "results.csv")
    assert table.member.tolist() == list(range(8))
    assert table.seed.tolist() == [3] * 4 + [7] * 4
    for key in ("optimizer.lr", "optimizer.momentum"):
        assert list(table.values[key]) == [point[key] for point in results.configurations] * 2
    assert table.status.tolist() == results.status.ravel().tolist()
    assert "diverged" in table.outcome
    assert table.diverged_step.tolist() == results.diverged_step.ravel().tolist()
    assert table.epochs.tolist() == results.epochs.ravel().tolist()
    expected = {**results.final, "best/val/loss": results.best}
    expected |= {f"error/{name}": values for name, values in results.errors.items()}
    assert list(table.numbers) == list(expected)
    for name, values in expected.items():
        assert list(map(repr, table.numbers[name].tolist())) == list(map(repr, values.ravel().tolist()))
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        assert next(csv.reader(file))[-len(expected) :] == list(expected)
    curves = read_curves(tmp_path / "out" / "curves.npz")
    assert curves.epoch.tolist() == results.epoch[0].tolist()
    assert curves.step.tolist() == results.step[0].tolist()
    for name, values in curves.metrics.items():
        assert values.tobytes() == results.curves[name].reshape(8, -1).tobytes()
