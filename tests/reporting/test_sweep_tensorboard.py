"""TensorBoard's own readers on the events of a sweep."""

import io
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import (
    STORE_EVERYTHING_SIZE_GUIDANCE,
    EventAccumulator,
)
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data
from valleys import RATES, cases, product, valley

from lrcli.analysis.statistics import describe_metric
from lrcli.reporting.figure_files import figure_bytes, figure_of
from lrcli.reporting.sweeps.figures import final_metric
from lrcli.reporting.sweeps.tensorboard import write_sweep_events

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CASES = cases()


def read(directory: Path) -> EventAccumulator:
    return EventAccumulator(str(directory), size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE).Reload()


def points(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(tag)]


def runs(directory: Path) -> set[str]:
    return {path.parent.name for path in directory.rglob("events.out.tfevents.*")}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A sweep of 25 rates and 40 seeds with one picture and two members."""
    directory = tmp_path_factory.mktemp("runs") / "line" / "sweep-0001"
    directory.mkdir(parents=True)
    results = CASES["rate"]
    pictures = {"final_metric": figure_bytes(figure_of(final_metric(results)), "png")}
    constants = {"optimizer.momentum": 0.0, "optimizer.lr": 5.0, "model.kind": "linear"}
    write_sweep_events(results, directory, "line/sweep-0001", pictures, [3, 999], constants)
    return directory


def test_the_scalars_are_quantiles_of_the_records(written):
    results = CASES["rate"]
    events = read(written / "lr=0.01")
    assert results.configurations[12]["optimizer.lr"] == pytest.approx(0.01)
    for metric in ("train/loss", "val/loss", "recovery/max_abs_error"):
        for tag, share in (
            (metric, 0.5),
            (f"quantiles/{metric}/q10", 0.1),
            (f"quantiles/{metric}/q90", 0.9),
        ):
            steps, values = zip(*points(events, tag), strict=True)
            assert list(steps) == results.step[12].tolist()
            expected = np.quantile(results.curves[metric][:, 12], share, axis=0)
            assert list(values) == pytest.approx(expected.tolist(), rel=1e-6)
    assert "quantiles/lr/q10" not in events.Tags()["scalars"]


def test_the_curve_of_a_median_ends_where_most_members_diverged(written):
    results = CASES["rate"]
    events = read(written / "lr=1")
    diverged = points(events, "diverged")
    expected = [
        np.sum((results.status[:, 24] == "diverged") & (step >= results.diverged_step[:, 24]))
        for step in results.step[24]
    ]
    assert [value for _, value in diverged] == expected
    finite = sum(count <= 19 for count in expected)
    assert 0 < len(points(events, "val/loss")) <= finite + 1
    # The band is as long as the line, or TensorBoard would draw neither.
    for bound in ("q10", "q90"):
        assert len(points(events, f"quantiles/val/loss/{bound}")) == len(points(events, "val/loss"))
    assert not any(tag.startswith("final/") for tag in events.Tags()["scalars"])


def test_a_single_member_has_its_own_curve(written):
    results = CASES["rate"]
    events = read(written / "member=3,lr=0.0003162,seed=0")
    assert [value for _, value in points(events, "val/loss")] == pytest.approx(
        results.curves["val/loss"][0, 3].tolist()
    )
    (file,) = (written / "member=999,lr=1,seed=39").iterdir()
    tags = {value.tag for event in LegacyEventFileLoader(str(file)).Load() for value in event.summary.value}
    assert not any(tag.startswith("_hparams_") for tag in tags)


def test_no_run_has_an_experiment_summary_and_each_configuration_one_session(written):
    for directory in written.iterdir():
        (file,) = directory.iterdir()
        tags = [v.tag for event in LegacyEventFileLoader(str(file)).Load() for v in event.summary.value]
        sessions = [tag for tag in tags if tag.startswith("_hparams_/")]
        expected = ["_hparams_/session_start_info", "_hparams_/session_end_info"]
        assert sessions == (expected if directory.name.startswith("lr=") else [])


def test_the_summary_has_picture_ranking_and_layout(written):
    events = read(written / "summary")
    (picture,) = events.Images("figures/final_metric")
    size = Image.open(io.BytesIO(picture.encoded_image_string)).size
    assert (picture.width, picture.height) == size
    (text,) = events.Tensors("best configurations")
    table = text.tensor_proto.string_val[0].decode()
    statistics = describe_metric(CASES["rate"])
    assert f"| 1 | 0.1 | 40 | 0 | {statistics.median[18]:.4g} |" in table
    assert table.count("\n|") == 22
    (stored,) = events.Tensors("custom_scalars__config__")
    layout = Layout.FromString(stored.tensor_proto.string_val[0])
    charts = {chart.title: chart.margin.series[0] for chart in layout.category[0].chart}
    loss = charts["val/loss"]
    there = set(read(written / "lr=0.01").Tags()["scalars"])
    assert {loss.value, loss.lower, loss.upper} <= there
    assert "lr" not in charts


@pytest.mark.parametrize("case", CASES)
def test_every_shape_of_sweep_is_written(case, tmp_path):
    write_sweep_events(CASES[case], tmp_path, "any", {})
    assert len(runs(tmp_path)) == len(CASES[case].configurations) + 1


def test_names_of_configurations(tmp_path):
    grid = product(optimizer__kind=["sgd"], model__hidden=[[4, 4], []], model__init__std=[0.1, 0.1000001])
    write_sweep_events(valley(grid, seeds=2, records=2), tmp_path, "any", {})
    assert runs(tmp_path) == {
        "summary",
        "optimizer=sgd,hidden=4x4,std=0.1",
        "optimizer=sgd,hidden=4x4,std=0.1,configuration=1",
        "optimizer=sgd,hidden=none,std=0.1",
        "optimizer=sgd,hidden=none,std=0.1,configuration=3",
    }


def test_fewer_than_five_hundred_runs_whatever_the_number_of_configurations(tmp_path):
    grid = product(optimizer__lr=np.geomspace(1e-4, 1, 2000).tolist())
    results = valley(grid, seeds=3, records=5)
    write_sweep_events(results, tmp_path, "big", {}, members=range(100))
    assert len(runs(tmp_path)) == 499
    (text,) = read(tmp_path / "summary").Tensors("best configurations")
    table = text.tensor_proto.string_val[0].decode()
    assert "Of 2000 configurations 398 are here: the 199 best ones" in table
    best = describe_metric(results).median.argmin()
    assert any(name.startswith(f"lr={grid[best]['optimizer.lr']:.4g}") for name in runs(tmp_path))


def test_long_records_are_thinned(tmp_path):
    results = valley(product(optimizer__lr=RATES[:1]), seeds=2, records=5000)
    write_sweep_events(results, tmp_path, "long", {})
    steps = [step for step, _ in points(read(tmp_path / "lr=0.0001"), "val/loss")]
    assert len(steps) == 1000
    assert (steps[0], steps[-1]) == (32, 5000 * 32)


def test_constants_of_a_block_whose_kind_is_swept_are_left_out(tmp_path):
    constants = {"optimizer.momentum": 0.9, "optimizer.lr": 1.0, "model.kind": "mlp", "model.hidden": "4"}
    write_sweep_events(CASES["optimizers"], tmp_path, "any", {}, constants=constants)
    (file,) = (tmp_path / "optimizer=adam,lr=0.01").iterdir()
    (start,) = [
        value.metadata.plugin_data.content
        for event in LegacyEventFileLoader(str(file)).Load()
        for value in event.summary.value
        if value.tag == "_hparams_/session_start_info"
    ]
    session = parse_session_start_info_plugin_data(start)
    assert dict(session.hparams).keys() == {"optimizer.kind", "optimizer.lr", "model.kind", "model.hidden"}
    assert session.hparams["optimizer.lr"].number_value == pytest.approx(0.01)
    assert session.group_name == "any/optimizer=adam,lr=0.01"


@pytest.fixture
def server(written):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", written.parents[1], "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield f"http://127.0.0.1:{port}/data/plugin"
    process.terminate()
    process.wait()


def ask(address, question, wanted):
    """Ask TensorBoard until it has read all runs."""
    data = None if question is None else json.dumps(question).encode()
    for _ in range(120):
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                answer = json.load(response)
            if wanted(answer):
                return answer
        except OSError:
            pass
        time.sleep(0.25)
    return pytest.fail(f"no good answer from {address}")


def test_the_hparams_table_has_the_medians(server):
    results = CASES["rate"]
    median = describe_metric(results).median
    question = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING", "STATUS_UNKNOWN"],
        "colParams": [
            {"metric": {"tag": "final/val/loss"}},
            {"hparam": "optimizer.lr", "order": "ORDER_ASC"},
        ],
        "startIndex": 0,
        "sliceSize": 100,
    }
    groups = ask(f"{server}/hparams/session_groups", question, lambda a: a.get("totalSize") == 25)
    rows = groups["sessionGroups"]
    assert [row["hparams"]["optimizer.lr"] for row in rows] == pytest.approx(RATES)
    assert all(row["hparams"]["model.kind"] == "linear" for row in rows)
    assert rows[0]["name"] == "line/sweep-0001/lr=0.0001"
    found = [
        {value["name"]["tag"]: value["value"] for value in row["metricValues"]}.get("final/val/loss")
        for row in rows
    ]
    expected = [float(value) if np.isfinite(value) else None for value in median]
    assert found == [value if value is None else pytest.approx(value) for value in expected]
    assert rows[0]["sessions"][0]["status"] == "STATUS_SUCCESS"
    assert rows[-1]["sessions"][0]["status"] == "STATUS_FAILURE"
    layout = ask(f"{server}/custom_scalars/layout", None, lambda a: a.get("category"))
    assert layout["category"][0]["chart"][0]["margin"]["series"]
