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
from lrcli.reporting.event_names import curve_tag
from lrcli.reporting.figure_files import figure_bytes, figure_of
from lrcli.reporting.sweeps.bands import best_bands
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


def test_the_scalars_are_medians_of_the_records(written):
    results = CASES["rate"]
    events = read(written / "lr=0.01")
    assert results.configurations[12]["optimizer.lr"] == pytest.approx(0.01)
    for metric in ("train/loss", "val/loss", "recovery/max_abs_error"):
        steps, values = zip(*points(events, curve_tag(metric)), strict=True)
        assert list(steps) == results.step[12].tolist()
        expected = np.median(results.curves[metric][:, 12], axis=0)
        assert list(values) == pytest.approx(expected.tolist(), rel=1e-6)
    assert not any(tag.startswith("bands/") for tag in events.Tags()["scalars"])


def test_the_curve_of_a_median_ends_before_it_explodes(written):
    results = CASES["rate"]
    events = read(written / "lr=1")
    diverged = points(events, "4 training/diverged")
    expected = [
        np.sum((results.status[:, 24] == "diverged") & (step >= results.diverged_step[:, 24]))
        for step in results.step[24]
    ]
    assert [value for _, value in diverged] == expected
    medians = np.median(np.nan_to_num(results.curves["train/loss"][:, 24], nan=np.inf), axis=0)
    shown = [value for _, value in points(events, "1 loss/train/loss")]
    assert shown == pytest.approx(medians[: len(shown)].tolist())
    assert max(shown) <= 10 * shown[0] < medians[len(shown)]
    assert np.isfinite(medians[len(shown)])  # it went on, far above
    assert len(points(events, "4 training/lr")) == len(shown)
    assert not any(tag.startswith("(final)") for tag in events.Tags()["scalars"])


def test_bands_are_those_of_the_best_eight(written):
    results = CASES["rate"]
    order = np.argsort(describe_metric(results).median)[:8]
    best = sorted(path.name for path in written.glob("best=*"))
    rates = [results.configurations[i]["optimizer.lr"] for i in order]
    assert best == [f"best={rank},lr={rate:.4g}" for rank, rate in enumerate(rates, 1)]
    events = read(written / best[0])
    for name, share in (("median", 0.5), ("q10", 0.1), ("q90", 0.9)):
        values = [value for _, value in points(events, f"bands/val/loss/{name}")]
        expected = np.quantile(results.curves["val/loss"][:, order[0]], share, axis=0)
        assert values == pytest.approx(expected.tolist(), rel=1e-6)


def test_a_band_is_as_long_as_its_line_and_not_much_higher(tmp_path):
    """Or TensorBoard would draw neither, and nothing but the band."""
    results = CASES["rate"]
    diverged = np.mean(results.status == "diverged", axis=0)
    partly = int(np.flatnonzero((diverged > 0.1) & (diverged < 0.5))[-1])
    bands = best_bands(results, np.array([partly, 24]), np.arange(results.epoch.shape[1]))
    assert bands.runs == [f"best=1,lr={RATES[partly]:.4g}"]  # most seeds of the other diverged
    assert np.isfinite(bands.values).all()
    for number, metric in enumerate(bands.charts):
        median, lower, upper = bands.values[0, :, 3 * number : 3 * number + 3].T
        assert np.all((lower <= median) & (median <= upper)), metric
        assert upper.max() == pytest.approx(10 * median[0]), metric


def test_a_single_member_has_its_own_curve(written):
    results = CASES["rate"]
    events = read(written / "member=3,lr=0.0003162,seed=0")
    assert [value for _, value in points(events, "1 loss/val/loss")] == pytest.approx(
        results.curves["val/loss"][0, 3].tolist()
    )
    loss = results.curves["train/loss"][39, 24]
    drawn = [value for _, value in points(read(written / "member=999,lr=1,seed=39"), "1 loss/train/loss")]
    assert drawn == pytest.approx(loss[loss <= 10 * loss[0]].tolist())
    assert len(drawn) < np.sum(np.isfinite(loss))
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
    (picture,) = events.Images("0 sweep/final_metric")
    size = Image.open(io.BytesIO(picture.encoded_image_string)).size
    assert (picture.width, picture.height) == size
    (text,) = events.Tensors("0 sweep/ranking")
    table = text.tensor_proto.string_val[0].decode()
    statistics = describe_metric(CASES["rate"])
    assert f"| 1 | 0.1 | 40 | 0 | {statistics.median[18]:.4g} |" in table
    assert table.count("\n|") == 22
    assert "5 more" in table
    (stored,) = events.Tensors("custom_scalars__config__")
    layout = Layout.FromString(stored.tensor_proto.string_val[0])
    (category,) = layout.category
    titles = [chart.title for chart in category.chart]
    assert titles == ["recovery/error_norm", "recovery/max_abs_error", "train/loss", "val/loss"]
    there = set(read(written / "best=1,lr=0.1").Tags()["scalars"])
    shown = [series for chart in category.chart for series in chart.margin.series]
    assert {tag for series in shown for tag in (series.value, series.lower, series.upper)} == there


@pytest.mark.parametrize("case", CASES)
def test_every_shape_of_sweep_is_written(case, tmp_path):
    write_sweep_events(CASES[case], tmp_path, "any", {})
    bands = {name for name in runs(tmp_path) if name.startswith("best=")}
    assert len(bands) <= 8
    assert len(runs(tmp_path) - bands) == len(CASES[case].configurations) + 1


def test_names_of_configurations(tmp_path):
    grid = product(optimizer__kind=["sgd"], model__hidden=[[4, 4], []], model__init__std=[0.1, 0.1000001])
    write_sweep_events(valley(grid, seeds=2, records=2), tmp_path, "any", {})
    assert {name for name in runs(tmp_path) if not name.startswith("best=")} == {
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
    (text,) = read(tmp_path / "summary").Tensors("0 sweep/ranking")
    table = text.tensor_proto.string_val[0].decode()
    assert "Of 2000 configurations 390 are here: the 195 best ones" in table
    best = describe_metric(results).median.argmin()
    assert any(name.startswith(f"lr={grid[best]['optimizer.lr']:.4g}") for name in runs(tmp_path))


def test_long_records_are_thinned(tmp_path):
    results = valley(product(optimizer__lr=RATES[:1]), seeds=2, records=5000)
    write_sweep_events(results, tmp_path, "long", {})
    steps = [step for step, _ in points(read(tmp_path / "lr=0.0001"), "1 loss/val/loss")]
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
    kinds = {"3 model.kind", "5 optimizer.kind"}
    assert dict(session.hparams).keys() == {"1 optimizer.lr", "2 status", *kinds, "model.hidden"}
    assert session.hparams["1 optimizer.lr"].number_value == pytest.approx(0.01)
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
            {"metric": {"tag": "(final)/1 val/loss"}},
            {"hparam": "1 optimizer.lr", "order": "ORDER_ASC"},
        ],
        "startIndex": 0,
        "sliceSize": 100,
    }
    groups = ask(f"{server}/hparams/session_groups", question, lambda a: a.get("totalSize") == 25)
    rows = groups["sessionGroups"]
    assert [row["hparams"]["1 optimizer.lr"] for row in rows] == pytest.approx(RATES)
    assert all(row["hparams"]["3 model.kind"] == "linear" for row in rows)
    assert rows[0]["name"] == "line/sweep-0001/lr=0.0001"
    found = [
        {value["name"]["tag"]: value["value"] for value in row["metricValues"]}.get("(final)/1 val/loss")
        for row in rows
    ]
    expected = [float(value) if np.isfinite(value) else None for value in median]
    assert found == [value if value is None else pytest.approx(value) for value in expected]
    diverged = np.mean(results.status == "diverged", axis=0)
    words = {0.0: "completed", 1.0: "diverged"}
    expected_ends = [words.get(share, "some seeds diverged") for share in diverged.tolist()]
    assert [row["hparams"]["2 status"] for row in rows] == expected_ends
    assert rows[0]["sessions"][0]["status"] == "STATUS_SUCCESS"
    assert rows[-1]["sessions"][0]["status"] == "STATUS_FAILURE"
    layout = ask(f"{server}/custom_scalars/layout", None, lambda a: a.get("category"))
    assert layout["category"][0]["chart"][0]["margin"]["series"]
