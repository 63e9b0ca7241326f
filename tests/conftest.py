"""Every test runs on the CPU, offline, with plain output.

The machine code of the compiled engine is made by whichever test is the first to need it, and lies where
a user's does; no test may mind that. One that looks at the clock asks for `machine_code`.
"""

import contextlib
import functools
import gc
import os
import signal
import subprocess
import sys

import pytest
import typer.main

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it, before torch is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads wait by working, where each core has a test
gc.set_threshold(20_000, 20, 100)  # or a tenth of the time goes into looking through all that is loaded


@pytest.fixture(autouse=True)
def _plain_output(monkeypatch):
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk():
    """A test may end before its files are on the disk: it needs to survive no loss of power.

    Each file that is written waits twice, and many are. Processes of their own wait as a user's do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: os.fstat(file) and None)  # what is not open is refused
        yield


@pytest.fixture(autouse=True, scope="session")
def _command_line_made_once():
    """Typer makes it of functions whenever it is called, which takes most of the time of a short command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@contextlib.contextmanager
def alone(path):
    """One process at a time, where the system has locks for that."""
    with path.open("w") as file:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def machine_code(tmp_path_factory):
    """Has it on the disk for small experiments and sweeps in float32: none waits for the compiler."""
    from lrcli.engines.compiled.machine_code import compiler_missing

    if compiler_missing():
        return
    from builders import LINEAR, population, problem

    from lrcli.engines.compiled.engine import CompiledEngine

    line = problem(LINEAR, {"kind": "linear"}, {"kind": "half_mse"})
    with alone(tmp_path_factory.getbasetemp().parent / "machine_code.lock"):  # of all workers
        for size in (1, 10):
            members = population({"kind": "sgd", "lr": 0.1}, {"batch_size": 10}, [0] * size)
            CompiledEngine(line, members, "float32").compile()


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


@pytest.fixture
def lrcli_in(program, monkeypatch):
    """Runs lrcli in this process and in a directory; it gives what `subprocess.run` would."""

    def run(directory, *words, code=0):
        with monkeypatch.context() as context:
            context.chdir(directory)
            code, out, err = program(*words, code=code)
        return subprocess.CompletedProcess(words, code, out, err)

    return run


@pytest.fixture(scope="session")
def silent_lrcli():
    """As `lrcli_in`, for what the tests of a file share; what it says is lost."""
    from lrcli.cli import main

    def run(directory, *words):
        with pytest.MonkeyPatch.context() as context:
            context.chdir(directory)
            context.setattr(sys, "argv", ["lrcli", *map(str, words)])
            with pytest.raises(SystemExit) as caught:
                main()
        gc.unfreeze()
        gc.enable()
        assert not caught.value.code

    return run


@pytest.fixture(scope="session")
def empty_figure():
    """The files of a small figure without anything in it, from type to bytes."""
    from lrcli.reporting import figure_files
    from lrcli.reporting.drawing import Drawing

    small = figure_files.figure_of(Drawing("", "", lambda figure: None, (1, 1)))
    return {form: figure_files.figure_bytes(small, form) for form in figure_files.FILES_BESIDE}


@pytest.fixture
def small_figures(monkeypatch, empty_figure):
    """Runs and sweeps draw their figures, but the files hold an empty one: files take most of the time."""
    from lrcli.reporting import figure_files

    def drawn(drawing):
        figure_files.figure_of(drawing)
        return empty_figure

    monkeypatch.setattr(figure_files, "_files", drawn)


@pytest.fixture
def empty_figures(monkeypatch, empty_figure):
    """Runs and sweeps have their figures, but all are empty: for tests of other things."""
    monkeypatch.setattr("lrcli.reporting.figure_files._files", lambda drawing: empty_figure)


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """A suite that is started in the background ignores Ctrl-C, and so would what it tests."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
