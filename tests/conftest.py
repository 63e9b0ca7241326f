"""Every test runs on the CPU, offline, with plain output."""

import gc
import os
import sys

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it, before torch is loaded


@pytest.fixture(autouse=True)
def _plain_output(monkeypatch):
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def program(monkeypatch, capsys):
    """Runs lrcli in this process: its exit code, what it wrote to standard output, and to standard error."""
    from lrcli.cli import main

    def run(*words, code=0):
        """Any exit code is fine where `code` is None."""
        monkeypatch.setattr(sys, "argv", ["lrcli", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert code is None or (caught.value.code or 0) == code, err
        return caught.value.code or 0, out, err

    yield run
    gc.unfreeze()  # the command line leaves its objects to the operating system
    gc.enable()
