"""Progress of runs and sweeps on standard error: on terminals of every kind, and elsewhere."""

import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from screen import Screen

from lrcli.reporting import progress
from lrcli.reporting.runs import progress as of_runs
from lrcli.reporting.runs.progress import ProgressReport
from lrcli.reporting.sweeps.progress import SweepProgressReport
from lrcli.running.moments import Waiting
from lrcli.running.preparation import Compiling
from lrcli.running.single import Finished, Started
from lrcli.sweeps.running import SweepFinished, SweepProgress, SweepStarted
from lrcli.sweeps.trainer import Workers
from lrcli.training.records import Progress, Records

STEPS = 4  # in an epoch
DRAWN = re.compile(r"[\u2800-\u28ff━┤│└]")


@pytest.fixture
def terminal(monkeypatch):
    """Makes standard error a terminal, on which nothing appears unless `appear` says that it is time."""

    def make(width=80, height=24, **environment):
        for name in ("NO_COLOR", "TMUX", "STY", "XTERM_VERSION", "TTY_INTERACTIVE", "TTY_COMPATIBLE"):
            monkeypatch.delenv(name, raising=False)
        variables = {"TERM": "xterm", "COLUMNS": str(width), "LINES": str(height), **environment}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        screen = Screen(width, height)
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    monkeypatch.setattr(progress, "_APPEARS_AFTER", 1000.0)
    monkeypatch.setattr(progress, "_PAINT_SECONDS", (0.0, 0.0))
    return make


@pytest.fixture
def long(monkeypatch):
    """Every run takes long enough for its curves to stay."""
    monkeypatch.setattr(of_runs, "_SHORT", 0.0)


def records(first, last, loss=lambda epochs: 2.0**-epochs, **others):
    """Of some epochs, the last included: the loss of training, and twice that on the validation set."""
    epochs = np.arange(first, last + 1)
    values = loss(epochs.astype(float))
    metrics = {
        "train/running_loss": np.where(epochs, values, np.nan),
        "train/loss": values,
        "val/loss": 2 * values,
    }
    metrics |= {name.replace("_", "/"): np.full(len(epochs), value) for name, value in others.items()}
    columns = {name: column[:, None] for name, column in metrics.items()}
    steps = epochs * STEPS
    return Records(last, last * STEPS, epochs, steps, columns, np.ones((len(epochs), 1), bool), dict)


def started(epochs):
    return Started(Path("run"), epochs, epochs * STEPS, "cpu", dict)


FINISHED = Finished(None)


def run(report, epochs, *events, ends=True):
    """A run that is seen, from its start to these events, and its end."""
    report.show(started(epochs))
    report.show(records(0, 0))
    report._appear()
    for event in events:
        report.show(event)
    if ends:
        report.show(FINISHED)


# Runs on a terminal -------------------------------------------------------------------------------


def test_a_run_of_a_moment_shows_its_last_epochs_and_nothing_else(terminal):
    screen = terminal()
    with ProgressReport() as report:
        for event in (started(3), records(0, 0), records(1, 3), FINISHED):
            report.show(event)
    assert screen.written == (
        "epoch 0  train/loss 1      val/loss 2\n"
        "epoch 1  train/loss 0.5    val/loss 1\n"
        "epoch 2  train/loss 0.25   val/loss 0.5\n"
        "epoch 3  train/loss 0.125  val/loss 0.25\n"
        "\n"
    )


def test_the_last_five_of_many(terminal):
    screen = terminal()
    with ProgressReport() as report:
        for event in (
            started(12),
            records(0, 0),
            records(1, 9),
            records(10, 12, val_accuracy=0.75),
            FINISHED,
        ):
            report.show(event)
    assert [line.split()[:2] for line in screen.lines()] == [["epoch", str(n)] for n in range(8, 13)]
    assert "train/loss 0.0002441" in screen.lines()[-1]


def test_while_it_trains(terminal, long):
    screen = terminal()
    with ProgressReport() as report:
        report.show(started(500))
        report.show(records(0, 0, train_accuracy=0.5, val_accuracy=0.25))
        assert screen.written == ""
        report._appear()
        for last in range(1, 13):
            report.show(records(last, last, train_accuracy=0.875, val_accuracy=0.75))
            time.sleep(0.01)
        status, latest, *chart = screen.lines()
        assert re.fullmatch(r"epoch 12/500 +[━╸╺]+  [\d,]+ steps/s  \d+:\d\d left", status)
        assert latest == "⠒⠒⠒ train/loss 0.0002441  ⠒ ⠒ val/loss 0.0004883  val/accuracy 0.75"
        assert len(chart) == 8
        assert all(len(line) < 80 for line in screen.lines())
        report.show(FINISHED)
    legend, *curves = screen.lines()
    assert legend == f"epoch 12  {latest}"
    assert curves == chart
    assert screen.rows()[-2:] == ["", ""]


@pytest.mark.parametrize(
    ("width", "height"), [(80, 24), (40, 10), (200, 50), (30, 7), (31, 3), (60, 1), (40, 2)]
)
def test_it_fits_every_terminal(terminal, long, width, height):
    screen = terminal(width, height)
    with ProgressReport() as report:
        run(report, 100, *(records(n, n, val_accuracy=1.0) for n in range(1, 20)), ends=False)
        shown = screen.lines()
        assert len(shown) < max(height, 1) + (height == 1)
        assert all(len(line) < width for line in shown)
        if height > 1:
            assert shown[0].startswith("epoch 19/100")
        report.show(FINISHED)
    assert all(len(line) < width for line in screen.lines())
    epochs = [line.split()[1] for line in screen.lines() if re.match(r"epoch \d+\b", line)]
    assert epochs == (
        ["19"] if any("┤" in line for line in screen.lines()) else ["15", "16", "17", "18", "19"]
    )


def test_with_few_epochs_lines_say_more(terminal, long):
    screen = terminal()
    with ProgressReport() as report:
        run(report, 4, records(1, 4))
    assert [line.split()[1] for line in screen.lines()] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("loss", [np.nan, np.inf, 1e300])
def test_losses_that_are_no_numbers(terminal, long, loss):
    screen = terminal()
    with ProgressReport() as report:
        run(report, 50, records(1, 20), records(21, 22, lambda epochs: np.full(2, loss)))
    assert f"train/loss {loss:.4g}" in screen.lines()[0]


def test_without_the_losses_of_whole_sets(terminal, long):
    screen = terminal()
    with ProgressReport() as report:
        report.show(started(50))
        for first, last in ((0, 0), (1, 20)):
            event = records(first, last)
            for name in ("train/loss", "val/loss"):
                del event.metrics[name]
            report.show(event)
            report._appear()
        report.show(FINISHED)
    assert screen.lines()[0] == "epoch 20  ⠒⠒⠒ train/running_loss 9.537e-07"


def test_an_error_leaves_what_was_seen(terminal, long):
    screen = terminal()
    report = ProgressReport()
    run(report, 50, records(1, 20), ends=False)
    report.__exit__(OSError, OSError("full"), None)
    assert screen.lines()[0].startswith("epoch 20  ⠒⠒⠒ train/loss")
    assert screen.written.count("\x1b[?25l") == screen.written.count("\x1b[?25h") == 1


def test_progress_between_records(terminal):
    screen = terminal()
    with ProgressReport() as report:
        run(report, 50, Progress(7, 28), ends=False)
        assert screen.lines()[0].startswith("epoch 7/50 ")
        assert "train/loss 1 " in screen.lines()[1]


def test_ascii_where_there_is_no_braille(terminal, long):
    screen = terminal()
    screen.encoding = "ascii"
    with ProgressReport() as report:
        run(report, 50, records(1, 20), ends=False)
        assert "* train/loss 9.537e-07  o val/loss 1.907e-06" in screen.lines()[1]
        report.show(FINISHED)
    screen.written.encode("ascii")


def test_it_appears_by_itself_where_nothing_happens(terminal, monkeypatch):
    """As in a first epoch that takes long."""
    screen = terminal()
    monkeypatch.setattr(progress, "_APPEARS_AFTER", 0.01)
    with ProgressReport() as report:
        report.show(started(2))
        report.show(records(0, 0))
        deadline = time.monotonic() + 20
        while "val/loss" not in screen.written and time.monotonic() < deadline:
            time.sleep(0.01)
        assert screen.lines()[0].startswith("epoch 0/2")
        assert "steps/s" not in screen.lines()[0]


def test_painting_takes_little_of_the_time(terminal, monkeypatch):
    screen = terminal()
    now = [1e9]  # seconds, later than any real ones
    with ProgressReport() as report:
        run(report, 10_000, ends=False)
        monkeypatch.setattr(progress, "_PAINT_SECONDS", (0.1, 2.0))
        monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

        def refresh():
            now[0] += 0.004
            painted.append(now[0])

        painted = []
        report._area.refresh = refresh
        for epoch in range(1, 10_001):
            report.show(records(epoch, epoch, np.ones_like))
            now[0] += 0.001
        assert len(painted) == pytest.approx(10 / 0.4, abs=2)
        report._paint()
        count = len(painted)
        report.show(records(10_001, 10_001, np.ones_like))
        assert len(painted) == count
        report._console.size = (60, 24)
        report.show(records(10_002, 10_002, np.ones_like))
        assert len(painted) == count + 1
        del report._area.refresh
    assert screen.lines()


# Messages -----------------------------------------------------------------------------------------


def test_a_message_goes_above_what_is_drawn(terminal):
    screen = terminal()
    with ProgressReport() as report:
        run(report, 50, records(1, 20), ends=False)
        before = screen.lines()
        report.say("stopping")
        assert screen.lines() == ["stopping", *before]
        sys.stderr.write("from elsewhere\n")
        assert screen.lines() == ["stopping", "from elsewhere", *before]


def test_a_message_before_anything_is_drawn(terminal):
    screen = terminal()
    with ProgressReport() as report:
        report.show(started(50))
        report.say("stopping")
    assert screen.written == "\nstopping\n"


def test_a_message_while_it_is_drawn(terminal):
    """As of a signal in the middle of a painting."""
    screen = terminal()
    with ProgressReport() as report:
        run(report, 50, records(1, 20), ends=False)
        write = screen.write

        def interrupted(text):
            screen.write = write
            write(text[:200])
            report.say("stopping")
            write(text[200:])

        screen.write = interrupted
        report.show(records(21, 21))
        lines = screen.lines()
        assert lines[0] == "stopping"
        assert lines[1].startswith("epoch 21/50")
        assert len(lines) == 11


def test_an_interruption_while_it_is_drawn(terminal):
    screen = terminal()

    def stop(width, height):
        del report._draw
        raise KeyboardInterrupt

    report = ProgressReport()
    run(report, 50, records(1, 20), ends=False)
    report._draw = stop
    with pytest.raises(KeyboardInterrupt):
        report.show(records(21, 21))
    report.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [line.split()[1] for line in screen.lines()] == ["17", "18", "19", "20", "21"]
    assert sys.stderr is screen


# Elsewhere ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        {"NO_COLOR": "1"},
        {"TERM": "dumb"},
        {"width": 29},
        {"isatty": False},
        {"isatty": False, "FORCE_COLOR": "1"},
    ],
    ids=str,
)
def test_plain_lines(terminal, kind):
    kind = dict(kind)
    is_terminal = kind.pop("isatty", True)
    screen = terminal(**kind)
    screen.isatty = lambda: is_terminal
    screen.width = 1000
    with ProgressReport() as report:
        run(report, 100, records(1, 35), records(36, 100))
    assert "\x1b" not in screen.written
    lines = screen.lines()
    assert [line.split("  ")[0] for line in lines] == [f"epoch {n}/100" for n in range(10, 101, 10)]
    losses = "train/running_loss 0.000976562  train/loss 0.000976562  val/loss 0.00195312"
    assert lines[0] == f"epoch 10/100  step 40  {losses}"


# Sweeps -------------------------------------------------------------------------------------------


def sweep(screen, *events):
    report = SweepProgressReport("val/loss")
    report.show(SweepStarted(Path("sweep"), 1000, 50_000, "cpu"))
    report._appear()
    for event in events:
        time.sleep(0.01)
        report.show(event)
    return report


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 200])
def test_a_sweep_has_one_line_that_fits(terminal, width):
    screen = terminal(width)
    report = sweep(screen, SweepProgress(39_500, 1000, 12, 0.0046381))
    (line,) = screen.lines()
    assert len(line) < width
    numbers = re.findall(r"[\d.,:/]+%?", line)
    assert set(numbers) <= {"1,000", "/", "0.004638", "12", "39,500/50,000", "79%", numbers[-1]}
    assert line.startswith("1,000 members")
    assert ("0.004638" in line) == (width >= 80)
    report.show(SweepFinished(None, None))
    assert screen.lines() == []


def test_a_sweep_in_a_terminal_of_another_width(terminal):
    screen = terminal(120)
    report = sweep(screen, SweepProgress(10, 1000, 12, 0.5))
    for width, step in ((50, 20), (33, 30), (110, 40)):
        screen.resize(width)
        report._console.size = (width, 24)
        report.show(SweepProgress(step, 1000, 12, 0.5))
        assert len(screen.lines()) == 1
    report.show(SweepFinished(None, None))
    assert screen.lines() == []


@pytest.mark.parametrize(
    ("width", "says"), [(80, "for this machine, once: some seconds"), (40, "engine, once")]
)
def test_compiling_is_told_until_it_is_done(terminal, width, says):
    screen = terminal(width)
    with SweepProgressReport("val/loss") as report:
        report.show(Compiling())
        (line,) = screen.lines()
        assert line.startswith("compiling the engine")
        assert line.endswith(says)
        report.show(SweepStarted(Path("sweep"), 4, 40, "cpu"))
        assert screen.lines() == []
        report._appear()
        report.show(SweepProgress(20, 2, 0, 1.0))
        report.show(Compiling())  # as where a later part needs other code
        assert screen.lines() == [line]
        report.show(SweepProgress(40, 2, 0, 0.5))
        assert screen.lines()[0].startswith("2 members")
    assert screen.lines() == []


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 200])
def test_workers_have_one_line_that_fits(terminal, width):
    screen = terminal(width)
    workers = Workers(40, "tcp://node1:8786", "http://node1:8787/status")
    with SweepProgressReport("val/loss") as report:
        report.show(
            Waiting("waiting for workers of tcp://node1:8786; Ctrl-C gives up", "waiting for workers")
        )
        (line,) = screen.lines()
        assert line.startswith("waiting for workers")
        report.show(SweepStarted(Path("sweep"), 1_000_000, 50_000, "cpu", 1234, workers))
        told = " ".join(screen.lines())
        assert (
            "trained by 40 workers of the scheduler at tcp://node1:8786; Dask shows them" in told
            or width < 80
        )
        report._appear()
        report.show(SweepProgress(39_500, 5000, 12, 0.0046381, 1000, replace(workers, count=39)))
        line = screen.lines()[-1]
        assert len(line) <= width
        assert line.startswith("39 workers")
        assert ("1,000/1,234 parts" in line) == (width > 40)


def test_a_sweep_elsewhere(terminal):
    screen = terminal(NO_COLOR="1")
    report = sweep(
        screen, Compiling(), SweepProgress(5_000, 1000, 0, np.nan), SweepProgress(50_000, 1000, 7, 0.25)
    )
    report.show(SweepFinished(None, None))
    assert screen.written.splitlines() == [
        "\x1b[1mnote: \x1b[0mcompiling the engine for this machine, once: some seconds",
        "step 5,000/50,000  1,000 members",
        "step 50,000/50,000  1,000 members  best val/loss 0.25  diverged 7",
    ]
