"""Ctrl-C and other signals, also when nothing can, or nothing more should, be raised."""

import signal
import subprocess
import sys

import pytest

from lrcli.api import interrupts
from lrcli.api.following import Following
from lrcli.api.interrupts import finishing_on_signals, leaving_on_signals, stopping_on_signals
from lrcli.errors import ClusterError
from lrcli.running.location import Interruption
from lrcli.running.preparation import Compiling
from lrcli.sweeps.running import SweepStarted
from lrcli.training.records import Progress


class Dying:
    """Something is done while it is destroyed."""

    def __init__(self, last):
        self.last = last

    def __del__(self):
        self.last()


def press():
    signal.raise_signal(signal.SIGINT)


def test_once_is_noted_and_twice_stops(capsys):
    interruption, before = Interruption(), signal.getsignal(signal.SIGINT)
    with finishing_on_signals(interruption):
        press()
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            press()
    assert capsys.readouterr().err == "\nstopping; Ctrl-C again to stop without saving\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_while_an_object_is_destroyed(capsys):
    """As the threads of an engine are at the end of its training: Python would print a traceback."""
    with finishing_on_signals(Interruption()):
        press()
        Dying(press)
        with pytest.raises(KeyboardInterrupt):
            press()
    assert "Traceback" not in capsys.readouterr().err


def test_other_errors_of_destructors_are_told(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))
    with finishing_on_signals(Interruption()):
        Dying(lambda: 1 / 0)
    Dying(lambda: 1 / 0)
    assert told == [ZeroDivisionError] * 2


def test_while_it_is_drawn_an_impatient_second_takes_nothing(capsys):
    """The first one has let the result be written, which the second would have cut off."""
    before, written = signal.getsignal(signal.SIGINT), []
    with leaving_on_signals():
        with pytest.raises(KeyboardInterrupt):
            press()
        press()
        written.append("result")
        press()
    assert written == ["result"]
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().err == ""


OTHERS = [name for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


@pytest.fixture(params=OTHERS)
def number(request):
    """Of a signal that ends programs, which nobody answers yet."""
    number = getattr(signal, request.param)
    before = signal.signal(number, signal.SIG_DFL)
    yield number
    assert signal.getsignal(number) is signal.SIG_DFL
    signal.signal(number, before)


def test_other_signals_are_as_ctrl_c(number, capsys, monkeypatch):
    monkeypatch.setattr(interrupts, "_SAME", 0.0)
    interruption = Interruption()
    with finishing_on_signals(interruption):
        signal.raise_signal(number)
        assert (interruption.requested, interruption.signal) == (True, number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    name = signal.Signals(number).name
    assert capsys.readouterr().err == f"\nstopping, as {name} asks for; once more to stop without saving\n"


def test_one_that_is_sent_twice_is_one(number, capsys):
    """As a closed terminal and its shell do, and `timeout`; but Ctrl-C after it is another."""
    interruption = Interruption()
    with finishing_on_signals(interruption):
        for _ in range(3):
            signal.raise_signal(number)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            press()
    assert interruption.signal == number
    assert capsys.readouterr().err.count("stopping") == 1


def test_what_is_ignored_stays_ignored(number):
    """Under nohup, and in the background."""
    interruption, pressed = Interruption(), signal.getsignal(signal.SIGINT)
    for ignored in (number, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    try:
        for answer in (finishing_on_signals(interruption), leaving_on_signals(), stopping_on_signals()):
            with answer:
                signal.raise_signal(number)
                press()
    finally:
        signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, pressed)
    assert not interruption.requested


def test_a_program_keeps_its_own_answer(number):
    told = []
    signal.signal(number, lambda number, _frame: told.append(number))
    with finishing_on_signals(Interruption()):
        signal.raise_signal(number)
    signal.signal(number, signal.SIG_DFL)
    assert told == [number]


def test_the_command_knows_what_a_run_was_told(number):
    """Its exit code says which signal it was; of several the first."""
    with stopping_on_signals() as stopped:
        with finishing_on_signals(Interruption()):
            signal.raise_signal(number)
        assert stopped.signal == number
        with leaving_on_signals(), pytest.raises(KeyboardInterrupt):
            press()
        assert stopped.signal == number
        with pytest.raises(KeyboardInterrupt):
            press()


def test_a_terminal_that_is_gone_stops_nothing(number):
    def fail(_text):
        raise OSError(5, "Input/output error")

    interruption = Interruption()
    with finishing_on_signals(interruption, fail):
        signal.raise_signal(number)
    assert interruption.requested


def test_before_training_and_while_it_compiles_nobody_waits(number):
    """Then nothing would look at the wish for seconds, and nothing is lost."""
    for events, at_once in (([], True), ([Compiling()], True), ([Compiling(), Progress(1, 1)], False)):
        with Following() as following:
            for event in events:
                following.observe(event)
            if at_once:
                with pytest.raises(KeyboardInterrupt):
                    signal.raise_signal(number)
            else:
                signal.raise_signal(number)
            assert following.interruption.signal == number


def test_who_lost_the_cluster_is_told_how_to_go_on(tmp_path):
    for error, told in ((ClusterError("gone"), [tmp_path]), (ValueError("a bug"), [])):
        stopped = []
        following = Following(stopped=stopped.append)
        following.observe(SweepStarted(tmp_path, 1, 1, "cpu"))
        following.__exit__(type(error), error, None)
        assert stopped == told


INTERRUPTED = """
import runpy, sys
_, how, module, *sys.argv[1:] = sys.argv

class Finder:
    def find_spec(self, name, *_):
        if name == module:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
if how == "command":
    from lrcli.__main__ import main
    main()
runpy.run_module("lrcli", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("how", "module", "words"),
    [
        ("command", "typer", ["--version"]),
        ("command", "lrcli.cli.sweep", ["check", "none.yaml"]),
        ("command", "lrcli.experiment.loading", ["check", "none.yaml"]),  # by the command
        ("command", "lrcli.reporting.messages", ["check", "none.yaml"]),  # by what tells its error
        ("module", "lrcli.cli.app", ["--version"]),
    ],
)
def test_while_modules_are_imported(how, module, words, tmp_path):
    """As Ctrl-C does in the first moments of the command: an interrupt where a module is looked for."""
    program = [sys.executable, "-c", INTERRUPTED, how, module, *words]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60)
    assert ended.returncode == 130
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) <= 1
