"""Ctrl-C at moments at which nothing can, or nothing more should, be raised."""

import signal
import subprocess
import sys

import pytest

from lrcli.api.interrupts import finishing_on_ctrl_c, leaving_on_ctrl_c
from lrcli.running.location import Interruption


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
    with finishing_on_ctrl_c(interruption):
        press()
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            press()
    assert capsys.readouterr().err == "\nstopping; Ctrl-C again to stop without saving\n"
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_while_an_object_is_destroyed(capsys):
    """As the threads of an engine are at the end of its training: Python would print a traceback."""
    with finishing_on_ctrl_c(Interruption()):
        press()
        Dying(press)
        with pytest.raises(KeyboardInterrupt):
            press()
    assert "Traceback" not in capsys.readouterr().err


def test_other_errors_of_destructors_are_told(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))
    with finishing_on_ctrl_c(Interruption()):
        Dying(lambda: 1 / 0)
    Dying(lambda: 1 / 0)
    assert told == [ZeroDivisionError] * 2


def test_while_it_is_drawn_an_impatient_second_takes_nothing(capsys):
    """The first one has let the result be written, which the second would have cut off."""
    before, written = signal.getsignal(signal.SIGINT), []
    with leaving_on_ctrl_c():
        with pytest.raises(KeyboardInterrupt):
            press()
        press()
        written.append("result")
        press()
    assert written == ["result"]
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().err == ""


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
