"""TensorBoard's own readers on what lrcli writes."""

import json
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import yaml
from builders import records_of
from tensorboard.backend.event_processing.event_accumulator import (
    STORE_EVERYTHING_SIZE_GUIDANCE,
    EventAccumulator,
)
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from lrcli.experiment.experiment import resolved
from lrcli.experiment.loading import load
from lrcli.reporting.runs.tensorboard import TensorBoardLog, hyperparameters
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.single import Finished, Started, train
from lrcli.training.records import Records

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LINEAR = """
name: line
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, num_train: 64, num_val: 16}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.1}
training: {epochs: 3, batch_size: 16}
logging: {histograms: true}
"""
XOR = """
name: xor
dataset: {kind: xor, num_train: 20, num_val: 10}
model: {kind: mlp, hidden: [4, 4]}
loss: {kind: bce}
optimizer: {kind: adam}
training: {epochs: 2, batch_size: 10}
"""


def run(tmp_path, text, *overrides):
    """Train with a TensorBoard log, as the command line does: experiment, records, result."""
    path = tmp_path / "exp.yaml"
    path.write_text(text)
    experiment = load(path, overrides).experiment
    records, log, result = [], None, None
    for event in train(experiment, OutputLocation(tmp_path / "runs"), Interruption()):
        if isinstance(event, Started):
            log = TensorBoardLog(event.run_dir, experiment)
            directory = event.run_dir
        elif isinstance(event, Records):
            log.record(event)
            records += records_of([event], before_training=True)
        elif isinstance(event, Finished):
            log.finish(event.result)
            result = event.result
    log.close()
    return experiment, records, result, directory


def test_scalars_are_the_records(tmp_path):
    _, records, result, directory = run(tmp_path, LINEAR)
    events = EventAccumulator(str(directory), size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE).Reload()
    for name in records[0].metrics:
        logged = [(event.step, event.value) for event in events.Scalars(name)]
        taken = [r for r in records if r.step > 0 or not np.isnan(r.metrics[name][0])]
        assert logged == [(r.step, np.float32(r.metrics[name][0])) for r in taken]
    for name in ("train/loss", "val/loss", "recovery/max_abs_error", "recovery/error_norm"):
        (final,) = events.Scalars(f"final/{name}")
        assert final.value == np.float32(result.metrics[name])
    assert set(events.Tags()["histograms"]) == {"parameters/w", "parameters/b"}
    histogram = events.Histograms("parameters/w")[-1].histogram_value
    learned = np.array(result.parameters["w"])
    assert (histogram.num, histogram.min, histogram.max) == (2, learned.min(), learned.max())
    assert histogram.sum == pytest.approx(learned.sum())


def test_the_resolved_file_is_there_as_text(tmp_path):
    experiment, _, _, directory = run(tmp_path, XOR)
    events = EventAccumulator(str(directory), size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE).Reload()
    (text,) = events.Tensors("experiment")
    lines = text.tensor_proto.string_val[0].decode().splitlines()
    assert all(line.startswith("    ") for line in lines)
    assert yaml.safe_load("\n".join(lines)) == resolved(experiment)


def test_hyperparameters_are_plain_columns_without_the_seed(tmp_path):
    experiment, *_ = run(tmp_path, XOR, "dataset.seed=4", "training.clip_grad_norm=1.0")
    columns = hyperparameters(experiment)
    assert columns["optimizer.kind"] == "adam"
    assert columns["optimizer.lr"] == 1e-3
    assert columns["model.hidden"] == "4, 4"
    assert columns["training.shuffle"] is True
    assert columns["training.clip_grad_norm"] == 1.0
    assert not any(name.endswith("seed") or value is None for name, value in columns.items())


def test_the_events_of_a_session_in_order(tmp_path):
    _, _, _, directory = run(tmp_path, XOR)
    (file,) = directory.glob("events.out.tfevents.*")
    events = list(LegacyEventFileLoader(str(file)).Load())
    assert events[0].file_version == "brain.Event:2"
    assert events[1].session_log.status == 1  # START, at step 0
    tags = [value.tag for event in events for value in event.summary.value]
    assert tags.index("_hparams_/session_start_info") < tags.index("train/running_loss")
    assert tags[-1] == "_hparams_/session_end_info"
    assert "_hparams_/experiment" not in tags
    steps = [event.step for event in events if any(v.tag == "train/loss" for v in event.summary.value)]
    assert steps == sorted(set(steps))


def test_a_run_that_diverges_is_readable_and_a_failure(tmp_path):
    _, _, result, directory = run(tmp_path, LINEAR, "optimizer.lr=1e30")
    assert result.status == "diverged"
    (file,) = directory.glob("events.out.tfevents.*")
    last = list(LegacyEventFileLoader(str(file)).Load())[-1].summary.value[0]
    from tensorboard.plugins.hparams.metadata import parse_session_end_info_plugin_data as parse

    assert parse(last.metadata.plugin_data.content).status == 2  # STATUS_FAILURE


@pytest.fixture
def server(tmp_path):
    """A TensorBoard over runs of two experiments."""
    for text, overrides in ((LINEAR, ()), (LINEAR, ("optimizer.lr=0.05",)), (XOR, ())):
        run(tmp_path, text, *overrides)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", tmp_path / "runs", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def ask(address, question, wanted):
    """POST a question to the HParams backend until it has read all runs."""
    for _ in range(120):
        request = urllib.request.Request(
            address, json.dumps(question).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                answer = json.load(response)
            if wanted(answer):
                return answer
        except OSError:
            pass
        time.sleep(0.25)
    return pytest.fail(f"no good answer from {address}")


def test_the_hparams_table_over_different_experiments(server):
    api = f"{server}/data/plugin/hparams"
    found = ask(f"{api}/experiment", {"experimentName": ""}, lambda a: len(a.get("hparamInfos", [])) > 15)
    columns = {info["name"] for info in found["hparamInfos"]}
    assert {"optimizer.lr", "model.hidden", "dataset.noise", "optimizer.betas"} <= columns
    question = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING", "STATUS_UNKNOWN"],
        "colParams": [{"hparam": "optimizer.lr", "order": "ORDER_ASC"}],
        "startIndex": 0,
        "sliceSize": 50,
    }
    groups = ask(f"{api}/session_groups", question, lambda a: a.get("totalSize") == 3)["sessionGroups"]
    rows = {group["name"]: group for group in groups}
    assert set(rows) == {"line/train-0001", "line/train-0002", "xor/train-0001"}
    assert rows["line/train-0002"]["hparams"]["optimizer.lr"] == 0.05
    assert rows["xor/train-0001"]["hparams"]["model.hidden"] == "4, 4"
    assert all(group["sessions"][0]["status"] == "STATUS_SUCCESS" for group in groups)
