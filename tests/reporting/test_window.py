"""The window that follows a training, without a display: what it draws, and when there can be none."""

import os
import subprocess
import sys

import pytest
from builders import EXPERIMENTS
from matplotlib import pyplot as plt

from lrcli import api
from lrcli.experiment.loading import load
from lrcli.reporting.runs.window import FigureWindow
from lrcli.running.location import OutputLocation
from lrcli.training.records import Records


@pytest.fixture
def shown(monkeypatch):
    """Windows are drawn in memory; every wish to show them is noted."""
    wishes = []
    monkeypatch.setenv("MPLBACKEND", "agg")
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda block: wishes.append(block))
    monkeypatch.setattr(plt, "pause", lambda seconds: wishes.append("drawn"))
    yield wishes
    plt.close("all")


def train(tmp_path, *observers):
    words = ["training.epochs=30", "logging.figures=false", "engine=torch"]
    loaded = load(EXPERIMENTS / "xor_mlp.yaml", words)
    return api.train(loaded, OutputLocation(run_dir=tmp_path / "run"), observers)


def test_the_last_picture_is_of_the_whole_run(shown, tmp_path):
    window = FigureWindow()
    result = train(tmp_path, window.observe)
    assert result.status == "completed"
    assert shown[0] is False  # opened, and training went on
    assert "drawn" in shown
    (number,) = plt.get_fignums()
    loss, regions = plt.figure(number).subfigs
    training = loss.axes[0].lines[0]
    assert training.get_xdata().tolist() == list(range(31))
    assert training.get_ydata()[-1] == pytest.approx(result.metrics["train/loss"])
    assert regions.axes[0].images
    window.wait()
    assert shown[-1] is True


def test_it_is_drawn_while_training_but_not_at_every_record(shown, tmp_path):
    window, records = FigureWindow(), []
    train(tmp_path, window.observe, lambda event: records.append(isinstance(event, Records)))
    assert 2 <= shown.count("drawn") < sum(records)


def test_closing_it_ends_nothing(shown, tmp_path):
    window = FigureWindow()

    def close(event):
        if isinstance(event, Records):
            plt.close("all")

    assert train(tmp_path, window.observe, close).status == "completed"
    assert shown.count("drawn") == 1
    window.wait()
    assert True not in shown


def test_what_cannot_be_drawn_ends_no_training(shown, tmp_path, monkeypatch):
    def broken(run):
        raise ZeroDivisionError

    monkeypatch.setattr("lrcli.reporting.runs.window.drawings", broken)
    with pytest.warns(UserWarning, match="the window could not be drawn: ZeroDivisionError"):
        result = train(tmp_path, FigureWindow().observe)
    assert result.status == "completed"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "there is no display" if sys.platform == "linux" else ""),
        ({"MPLBACKEND": "agg", "DISPLAY": ":0"}, "MPLBACKEND is agg, which has no windows"),
    ],
)
def test_why_there_is_no_window(change, told):
    if not told:
        pytest.skip("a display is always there")
    env = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"}}
    code = "from lrcli.reporting.runs.window import why_no_window as why; print(why())"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=env | change, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == told


def test_without_a_display_training_goes_on(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}} | {
        "MPLBACKEND": "agg"
    }
    words = [sys.executable, "-m", "lrcli", "train", EXPERIMENTS / "linear.yaml", "--live"]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert "--live: " in done.stderr
    assert "tensorboard --logdir runs" in done.stderr
    assert "logging.figures_every" in done.stderr
    assert "completed" in done.stdout
