"""The process of the compiler, started where files lie about that have the names of modules."""

import os
import subprocess
import sys

import pytest

from lrcli.engines.compiled.machine_code import Code, compiler_missing, make
from lrcli.errors import EngineError

if compiler_missing():
    pytest.skip(compiler_missing(), allow_module_level=True)

PYTHONS = ("random", "types", "copy", "enum", "string", "sitecustomize", "usercustomize")
INSTALLED = ("numba", "llvmlite", "numpy", "yaml", "lrcli")
EXPERIMENT = """\
dataset: {kind: linear, w: [2.0], b: 1, num_train: 40, num_val: 20}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: sgd, lr: 0.1}
training: {batch_size: 10}
logging: {tensorboard: false}
"""


def plant(folder, names):
    """Files that say in another one that they were run, and fail."""
    for name in names:
        text = f"open({str(folder / 'ran')!r}, 'a').write({name!r})\nraise ImportError({name!r})\n"
        (folder / f"{name}.py").write_text(text)


@pytest.fixture
def student(tmp_path, monkeypatch):
    """A student's folder, in which the program is started."""
    plant(tmp_path, PYTHONS + INSTALLED)
    (tmp_path / ".numba_config.yaml").write_text("disable_jit: 1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check_that_it_runs(student):
    """It imports all that it needs, and only then misses the function."""
    with pytest.raises(EngineError, match="nonsense could not be compiled: KeyError: 'nonsense'"):
        make([Code("nonsense", "float32", 1, 1)])
    assert not (student / "ran").exists()


@pytest.mark.parametrize("entry", [None, "", "{student}"])
def test_this_process_finds_modules_in_the_current_directory(student, monkeypatch, entry):
    """As an interactive Python does, and a script that lies there."""
    if entry is not None:
        monkeypatch.setattr(sys, "path", [entry.format(student=student), *sys.path])
    check_that_it_runs(student)


@pytest.mark.parametrize("value", [".", "{student}{pathsep}"])
def test_python_is_told_to_find_modules_there(student, monkeypatch, value):
    monkeypatch.setenv("PYTHONPATH", value.format(student=student, pathsep=os.pathsep))
    check_that_it_runs(student)


def test_modules_of_python_come_before_any_folder(student, monkeypatch, tmp_path_factory):
    """A folder that is not the current one comes before what is installed, as it does in this process."""
    folder = tmp_path_factory.mktemp("script")
    plant(folder, PYTHONS)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    check_that_it_runs(student)
    assert not (folder / "ran").exists()


def test_settings_of_numba_in_the_current_directory(student, tmp_path_factory, monkeypatch):
    """With them there would be no machine code at all."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))
    (content,) = make([Code("shuffle", "float32", 1, 1)])
    assert len(content) > 1000


@pytest.mark.usefixtures("machine_code")
def test_the_program_as_a_module(student):
    """`python -m` puts the current directory first; what Python imports before lrcli is its own affair."""
    (student / "types.py").unlink()
    (student / "sitecustomize.py").unlink()
    (student / "lrcli.py").unlink()
    (student / "exp.yaml").write_text(EXPERIMENT)
    words = [sys.executable, "-m", "lrcli", "train", "exp.yaml", "-q", "--run-dir", "run"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (student / "ran").exists()
