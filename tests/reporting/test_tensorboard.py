"""TensorBoard's own readers on what lrcli writes."""

import html
import io
import json
import re
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import yaml
from builders import EXPERIMENTS, records_of
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import (
    STORE_EVERYTHING_SIZE_GUIDANCE,
    EventAccumulator,
)
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.plugins.hparams.metadata import (
    parse_session_end_info_plugin_data,
    parse_session_start_info_plugin_data,
)

from lrcli import api
from lrcli.experiment.experiment import resolved
from lrcli.experiment.loading import load
from lrcli.reporting.event_names import curve_tag
from lrcli.reporting.runs.tensorboard import TensorBoardLog, hyperparameters
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.single import Finished, Started, train
from lrcli.storage.run_result import RunResult
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
            log.open()
            directory = event.run_dir
        elif isinstance(event, Records):
            log.record(event)
            records += records_of([event], before_training=True)
        elif isinstance(event, Finished):
            log.finish(event.result)
            result = event.result
    log.close()
    return experiment, records, result, directory


def read(directory):
    return EventAccumulator(str(directory), size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE).Reload()


def page(events, tag):
    """The Markdown of a text."""
    (text,) = events.Tensors(tag)
    return text.tensor_proto.string_val[0].decode()


def rendered(markdown):
    """The HTML that TensorBoard makes of it."""
    from tensorboard.plugin_util import markdown_to_safe_html  # its import warns

    return markdown_to_safe_html(markdown)


def load_text(tmp_path, text):
    path = tmp_path / "exp.yaml"
    path.write_text(text)
    return load(path).experiment


def test_scalars_are_the_records(tmp_path):
    _, records, result, directory = run(tmp_path, LINEAR)
    events = read(directory)
    for name in records[0].metrics:
        logged = [(event.step, event.value) for event in events.Scalars(curve_tag(name))]
        taken = [r for r in records if r.step > 0 or not np.isnan(r.metrics[name][0])]
        assert logged == [(r.step, np.float32(r.metrics[name][0])) for r in taken]
    for rank, name in ((1, "val/loss"), (3, "train/loss"), (5, "recovery/max_abs_error")):
        (final,) = events.Scalars(f"(final)/{rank} {name}")
        assert final.value == np.float32(result.metrics[name])
    assert set(events.Tags()["histograms"]) == {"parameters/w", "parameters/b"}
    histogram = events.Histograms("parameters/w")[-1].histogram_value
    learned = np.array(result.parameters["w"])
    assert (histogram.num, histogram.min, histogram.max) == (2, learned.min(), learned.max())
    assert histogram.sum == pytest.approx(learned.sum())


def test_the_resolved_file_is_there_as_text(tmp_path):
    experiment, _, _, directory = run(tmp_path, XOR)
    events = read(directory)
    lines = page(events, "2 experiment").splitlines()
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
    assert tags[-2:] == ["_hparams_/session_start_info", "_hparams_/session_end_info"]
    assert "_hparams_/experiment" not in tags
    steps = [event.step for event in events if any(v.tag == "1 loss/train/loss" for v in event.summary.value)]
    assert steps == sorted(set(steps))


def session(directory):
    """What the row of a run in the HParams table begins and ends with."""
    found = {
        value.tag: value.metadata.plugin_data.content
        for file in directory.glob("events.out.tfevents.*")
        for event in LegacyEventFileLoader(str(file)).Load()
        for value in event.summary.value
    }
    end = parse_session_end_info_plugin_data(found["_hparams_/session_end_info"])
    return parse_session_start_info_plugin_data(found["_hparams_/session_start_info"]), end


def test_the_row_of_a_table_says_which_file_and_which_target(tmp_path):
    """The file's name, and no folder: it lies elsewhere on another machine."""
    (tmp_path / "data").mkdir()
    rows = [f"{i},{i % 3},{2 * i}" for i in range(20)]
    (tmp_path / "data" / "homes & gärten.csv").write_text("\n".join(["a,b,price", *rows]))
    data = {"kind": "csv", "path": "data/homes & gärten.csv", "target": "price"}
    text = yaml.safe_dump(yaml.safe_load(LINEAR) | {"dataset": data}, allow_unicode=True)
    row = session(run(tmp_path, text)[3])[0].hparams
    assert {key: row[key].string_value for key in row if key.startswith("dataset.")} == {
        "dataset.kind": "csv",
        "dataset.path": "homes & gärten.csv",
        "dataset.target": "price",
    }
    assert str(tmp_path) not in str(row)


def test_a_run_that_diverges_is_a_failure_whose_curves_end_before_they_explode(tmp_path):
    _, records, result, directory = run(tmp_path, LINEAR, "optimizer.lr=4", "training.epochs=6")
    assert result.status == "diverged"
    losses = [record.metrics["train/loss"][0] for record in records]
    assert losses[1] > 10 * losses[0]
    events = read(directory)
    for tag in events.Tags()["scalars"]:
        assert [event.step for event in events.Scalars(tag)] == [0], tag
    assert not any(tag.startswith("(final)") for tag in events.Tags()["scalars"])
    assert len(events.Histograms("parameters/w")) == 1
    start, end = session(directory)
    assert start.hparams["2 status"].string_value == "diverged"
    assert end.status == 2  # STATUS_FAILURE
    text = page(events, "1 result")
    assert f"diverged at step {result.diverged_step}" in text
    assert f"before the last {len(records) - 1} records" in text


def made_records(losses, first=0):
    """A block of records with a made-up loss of a run."""
    count = len(losses)
    epochs = np.arange(first, first + count)
    return Records(
        epoch=int(epochs[-1]),
        step=int(epochs[-1]) * 4,
        epochs=epochs,
        steps=epochs * 4,
        metrics={"train/loss": np.array(losses)[:, None], "lr": np.full((count, 1), 0.1)},
        trained=np.full((count, 1), True),
        read_parameters=dict,
    )


@pytest.mark.parametrize(
    ("losses", "status", "shown"),
    [
        ([2.0, 1.0, 20.0, 20.1, 1e30, np.nan], "diverged", 3),
        ([2.0, 1e9, 3.0, 1e9], "diverged", 3),  # it came back once
        ([2.0, 1e9, 3.0, 1e9], "completed", 4),
        ([2.0, 1e9, 1e10], "interrupted", 3),
        ([0.0, 1e-9, 1.0, 1e-9], "completed", 4),
        ([np.inf, np.nan], "diverged", 2),  # points are missing, but nothing that could be called exploding
        ([1.0] + [50.0] * 1500, "diverged", 501),  # it does not explode, and is not kept in memory
    ],
)
def test_which_records_are_shown(losses, status, shown, tmp_path):
    experiment = load_text(tmp_path, XOR)
    log = TensorBoardLog(tmp_path, experiment)
    log.open()
    for first in range(0, len(losses), 2):
        log.record(made_records(losses[first : first + 2], first))
    log.finish(RunResult(name="xor", status=status, run_dir="x", seed=0, epochs=1, steps=9))
    log.close()
    events = read(tmp_path)
    assert [event.step for event in events.Scalars("4 training/lr")] == [4 * i for i in range(shown)]
    finite = [np.float32(loss) for loss in losses[:shown] if np.isfinite(loss)]
    tags = events.Tags()["scalars"]
    curve = events.Scalars("1 loss/train/loss") if "1 loss/train/loss" in tags else []
    assert [event.value for event in curve] == finite
    left_out = len(losses) - shown
    assert ("The curves end before" in page(events, "1 result")) is (left_out > 0)


def test_a_run_without_a_result_has_not_finished_and_keeps_its_records(tmp_path):
    log = TensorBoardLog(tmp_path, load_text(tmp_path, XOR))
    log.open()
    log.record(made_records([1.0, 1e9]))
    log.close()
    log.close()
    start, end = session(tmp_path)
    assert start.hparams["2 status"].string_value == "not finished"
    assert end.status == 2  # STATUS_FAILURE
    assert len(read(tmp_path).Scalars("1 loss/train/loss")) == 2


def test_a_run_that_is_interrupted_while_it_is_drawn_has_ended_as_its_result_says(tmp_path, monkeypatch):
    def interrupted(drawings, directory):
        raise KeyboardInterrupt

    monkeypatch.setattr("lrcli.reporting.figure_files.save_figures", interrupted)
    loaded = load(EXPERIMENTS / "linear.yaml")
    with pytest.raises(KeyboardInterrupt):
        api.train(loaded, OutputLocation(run_dir=tmp_path / "run"))
    assert json.loads((tmp_path / "run" / "result.json").read_text())["status"] == "completed"
    start, _ = session(tmp_path / "run")
    assert start.hparams["2 status"].string_value == "completed"


def test_pictures_of_several_steps_are_one_card(tmp_path):
    log = TensorBoardLog(tmp_path, load_text(tmp_path, XOR))
    log.open()
    pngs = [picture(shade) for shade in (10, 20)]
    log.figures(4, {"fit": pngs[0], "loss": pngs[1]})
    log.figures(8, {"fit": pngs[1]})
    events = read(tmp_path)  # they are there before the run has ended
    log.close()
    assert set(events.Tags()["images"]) == {"figures/fit", "figures/loss"}
    fit = events.Images("figures/fit")
    assert [(image.step, image.encoded_image_string) for image in fit] == [(4, pngs[0]), (8, pngs[1])]
    assert (fit[0].width, fit[0].height) == (3, 2)


def picture(shade):
    """The bytes of a PNG file, three pixels wide and two high."""
    file = io.BytesIO()
    Image.new("RGBA", (3, 2), (shade, 0, 0, 255)).save(file, "png")
    return file.getvalue()


def test_the_page_of_a_run_says_how_it_ended_and_what_it_recovered(tmp_path):
    expect = "expect: {'recovery/w[0]': '<= 5', val/loss: '<= 1e-9'}"
    _, _, result, directory = run(tmp_path, f"{LINEAR}description: Three epochs\n{expect}\n")
    text = page(read(directory), "1 result")
    shown = rendered(text)
    assert shown.count("<table>") == 3
    cells = [html.unescape(cell) for cell in re.findall("<t[hd]>(.*?)</t[hd]>", shown)]
    row = result.recovery[0]
    at = cells.index("w[0]")
    assert cells[at : at + 4] == ["w[0]", "2", f"{row.learned:.6g}", f"{row.error:.6g}"]
    at = cells.index("recovery/w[0]")
    assert cells[at + 1] == "<= 5"
    assert cells[at + 3] == "met"
    at = cells.index("val/loss")
    assert cells[at + 3] == "NOT met"
    assert "line: completed" in shown
    assert "Three epochs" in shown


def test_the_page_shows_an_equation(tmp_path):
    sine = XOR.replace("xor, num_train: 20, num_val: 10", "sine, num_train: 20")
    sine = sine.replace("{kind: mlp, hidden: [4, 4]}", "{kind: polynomial, degree: 3}").replace("bce", "mse")
    _, _, _, directory = run(tmp_path, sine)
    assert "<code>fitted: " in rendered(page(read(directory), "1 result"))


def test_text_from_outside_is_shown_as_text(tmp_path):
    hostile = "<script>alert(1)</script> | `code` **bold** [a](http://b) <img src=x> &lt; \\| \x1b[31m"
    _, _, _, directory = run(tmp_path, f"{LINEAR}description: {json.dumps(hostile)}\n")
    events = read(directory)
    (line,) = [line for line in page(events, "1 result").splitlines() if "script" in line]
    paragraph = rendered(line)
    assert not re.search("<(?!/?p>)", paragraph)
    assert html.unescape(paragraph) == f"<p>Description: {hostile.replace(chr(27), chr(92) + 'x1b')}</p>"
    shown = rendered(page(events, "2 experiment"))
    assert "<script" not in shown
    assert "<img" not in shown


@pytest.fixture
def server(tmp_path):
    """A TensorBoard over runs of two experiments."""
    runs = ((LINEAR, ()), (LINEAR, ("optimizer.lr=0.05",)), (LINEAR, ("optimizer.lr=10",)), (XOR, ()))
    for text, overrides in runs:
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
    columns = [info["name"] for info in found["hparamInfos"]]
    assert {"1 optimizer.lr", "model.hidden", "dataset.noise", "optimizer.betas"} <= set(columns)
    # The page shows five of each, hyperparameters that differ before those that do not.
    kinds = ["3 model.kind", "4 loss.kind", "5 optimizer.kind"]
    assert columns[:5] == ["1 optimizer.lr", "2 status", *kinds]
    metrics = [info["name"]["tag"] for info in found["metricInfos"]]
    expected = [
        "1 val/loss",
        "2 val/accuracy",
        "3 train/loss",
        "4 train/accuracy",
        "5 recovery/max_abs_error",
    ]
    assert metrics[:5] == [f"(final)/{name}" for name in expected]
    question = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING", "STATUS_UNKNOWN"],
        "colParams": [{"hparam": "1 optimizer.lr", "order": "ORDER_ASC"}],
        "startIndex": 0,
        "sliceSize": 50,
    }
    groups = ask(f"{api}/session_groups", question, lambda a: a.get("totalSize") == 4)["sessionGroups"]
    rows = {group["name"]: group for group in groups}
    assert set(rows) == {"line/train-0001", "line/train-0002", "line/train-0003", "xor/train-0001"}
    assert rows["line/train-0002"]["hparams"]["1 optimizer.lr"] == 0.05
    assert rows["xor/train-0001"]["hparams"]["model.hidden"] == "4, 4"
    ends = {name: (row["hparams"]["2 status"], row["sessions"][0]["status"]) for name, row in rows.items()}
    assert ends.pop("line/train-0003") == ("diverged", "STATUS_FAILURE")
    assert set(ends.values()) == {("completed", "STATUS_SUCCESS")}
