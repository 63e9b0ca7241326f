"""Components that installed packages offer: where they come from is told, and broken ones spoil nothing.

That they do all that lrcli's own do, `test_new_components` shows.
"""

import os
import subprocess
import sys

import pytest
from additions import ENTRIES, install, installed

LINEAR = """
dataset: {kind: linear, w: [2.0], b: 1.0, num_train: 20, num_val: 10}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: sgd, lr: 0.1}
training: {epochs: 2}
logging: {figures: false, tensorboard: false}
"""
GOOD = """
from typing import Literal

from lrcli.components.models.base import Model, scalars


class Line(Model):
    '''o = a x.'''

    one_feature = True
    kind: Literal["line"]

    def parameters(self, num_features, num_outputs):
        return scalars("a")

    def torch_form(self):
        return lambda parameters, x: parameters["a"] * x
"""


def answer(folder, *words):
    """What a fresh process that finds packages in a folder says: its code, and both streams."""
    (folder / "linear.yaml").write_text(LINEAR)
    done = subprocess.run(
        [sys.executable, "-m", "lrcli", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_where_they_come_from_is_told(tmp_path):
    installed(tmp_path)
    code, out, err = answer(tmp_path, "list")
    assert (code, err) == (0, "")
    told = {line.split()[1] for line in out.splitlines() if line.endswith("(of additions 1.2)")}
    assert told == {name for offered in ENTRIES.values() for name in offered}
    assert "Of the installed package additions 1.2." in answer(tmp_path, "describe", "model.exponential")[1]


def test_python_has_them(tmp_path):
    installed(tmp_path)
    program = (
        "import lrcli\n"
        "data, model = {'kind': 'decay', 'rate': 1.5, 'noise': 0.0}, {'kind': 'exponential'}\n"
        "run = lrcli.train({'dataset': data, 'model': model, 'loss': {'kind': 'log_cosh'},"
        " 'optimizer': {'kind': 'adagrad', 'lr': 0.5}}, {'training.epochs': 30, 'logging.figures': False})\n"
        "print(abs(run.recovery['error']).max() < 0.05, run.experiment['loss']['kind'])\n"
        "print(run.result.environment['packages'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True log_cosh\n['additions 1.2']\n", "")


BROKEN = {
    "raises": ("raise RuntimeError('mine\\x1b[31m\\nline')", "X", "cannot be imported"),
    "leaves": ("import sys; sys.exit(3)", "X", "cannot be imported"),
    "lacks": ("", "Nothing", "cannot be imported"),
    "other": ("class X: pass", "X", "is no subclass of lrcli.components.models.base.Model"),
    "number": ("X = 3", "X", "is no subclass of"),
    "kindless": (GOOD.replace('    kind: Literal["line"]\n', ""), "Line", "has no kind"),
    "several": (GOOD.replace('["line"]', '["line", "row"]'), "Line", "has no kind"),
    "taken": (GOOD.replace('["line"]', '["linear"]'), "Line", "the kind linear is that of lrcli"),
    "formless": (GOOD.replace("torch_form", "torch_norm"), "Line", "has no torch_form"),
    "bare": (GOOD.replace("    kind:", "    size: float\n    kind:"), "Line", "its key size needs a default"),
}


def test_broken_ones_are_told_of_and_left_out(tmp_path):
    """All at once, in one line each that names package and entry point; the sound ones are there."""
    for name, (code, target, _) in BROKEN.items():
        install(tmp_path, name, "0.1", code, {"lrcli.models": {"entry": target}})
    install(tmp_path, "sound", "0.1", GOOD, {"lrcli.models": {"line": "Line"}})
    install(tmp_path, "twin", "0.1", GOOD, {"lrcli.models": {"line": "Line"}})
    code, out, err = answer(tmp_path, "list", "model")
    assert code == 0
    assert next(line for line in out.splitlines() if "(of " in line).split()[1] == "line"
    told = err.splitlines()
    assert len(told) == len(BROKEN) + 1
    for name, (_, target, message) in BROKEN.items():
        (line,) = [line for line in told if f"entry of {name} 0.1 ({name}:{target})" in line]
        assert line.startswith("warning: lrcli.models: ")
        assert message in line
    assert any(
        "line of twin 0.1 (twin:Line) is left out: the kind line is that of sound 0.1" in t for t in told
    )
    assert "\x1b" not in err
    code, _, err = answer(tmp_path, "train", "linear.yaml", "--quiet")
    assert code == 0
    assert len(err.splitlines()) == len(told)


def test_a_shell_that_completes_hears_nothing_of_them(tmp_path, monkeypatch):
    install(tmp_path, "raises", "0.1", "raise RuntimeError", {"lrcli.models": {"entry": "X"}})
    asked = {"_LRCLI_COMPLETE": "complete_bash", "COMP_WORDS": "lrcli\ndescribe\nmodel.li", "COMP_CWORD": "2"}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    code, out, err = answer(tmp_path)
    assert (code, out.split(), err) == (0, ["model.linear"], "")


def test_a_package_may_be_imported_first(tmp_path):
    """Its modules import lrcli's own, which then look for the package."""
    installed(tmp_path)
    program = (
        "import additions\nfrom lrcli.components.registry import GROUPS\n"
        "assert GROUPS['model']['exponential'] is additions.Exponential"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, env=environment, check=True)


@pytest.mark.parametrize("name", ["importlib.metadata"])
def test_without_packages_nothing_is_imported_to_look_for_them(name):
    program = f"import sys, lrcli.components.choices; print({name!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
