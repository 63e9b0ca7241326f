"""A new model and a new loss are their definitions, rows in the tables, and arithmetic for an engine.

What they do not say of themselves is not known, and everything else works all the same.
"""

import json
import subprocess
import sys

import pytest

PROGRAM = '''
import contextlib
import io
import json
import os
import sys
from typing import Annotated, Literal

import torch
from pydantic import Field

import lrcli.components.losses as losses
import lrcli.components.models as models
from lrcli.components.models.base import Model, scalars


class Decay(Model):
    """o = size exp(-rate x)."""

    one_feature = True
    kind: Literal["decay"]

    def parameters(self, num_features, num_outputs):
        return scalars("size", "rate")


class Fourth(losses.Loss):
    """(o - y)^4."""

    kind: Literal["fourth"]


models.AnyModel = Annotated[Decay | models.Linear, Field(discriminator="kind")]
losses.AnyLoss = Annotated[Fourth | losses.MSE | losses.BCE, Field(discriminator="kind")]

import lrcli.engines.torch.losses as torch_losses
import lrcli.engines.torch.models as torch_models

torch_models._MODELS["decay"] = lambda model: torch_models.by_autograd(
    lambda p, x: p["size"] * torch.exp(-p["rate"] * x)
)
torch_losses._LOSSES["fourth"] = lambda loss: torch_losses.TorchLoss(
    lambda o, y: ((o - y) ** 4, 4 * (o - y) ** 3), None
)

from lrcli.cli import main

answers = []
for place, *words in json.load(sys.stdin):
    os.chdir(place)
    sys.argv = ["lrcli", *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    answers.append([code, " ".join(out.getvalue().split()), err.getvalue()])
print(json.dumps(answers))
'''
FILE = """
engine: torch
dataset: {kind: sine, num_train: 20, num_val: 10, noise: 0.1}
model: {kind: MODEL}
loss: {kind: LOSS}
optimizer: {kind: sgd, lr: 0.0001}
training: {epochs: 3}
logging: {tensorboard: false, figures: false}
"""
SWEEP = ["sweep", "exp.yaml", "--lr", "1e-5,1e-4,1e-3", "--seeds", "5"]


BEST = "training.best={metric: recovery/error_norm}"
LINES = {  # of command lines, by model and loss
    ("decay", "mse"): [
        ["check", "exp.yaml"],
        [*SWEEP, "--dry-run"],
        ["train", "exp.yaml", "--run-dir", "run"],
        [*SWEEP, "logging.figures=true", "--run-dir", "sweep"],
        ["train", "exp.yaml", BEST, "--run-dir", "none"],
    ],
    ("linear", "fourth"): [["train", "exp.yaml", "--run-dir", "run"], [*SWEEP, "--run-dir", "sweep"]],
}


@pytest.fixture(scope="module")
def replies(tmp_path_factory):
    """What one process, to which the two are known, says to some command lines, and where.

    From model and loss to a directory and codes, output and errors.
    """
    places = {names: tmp_path_factory.mktemp("place") for names in LINES}
    for (model, loss), place in places.items():
        (place / "exp.yaml").write_text(FILE.replace("MODEL", model).replace("LOSS", loss))
    lines = [[str(places[names]), *line] for names, every in LINES.items() for line in every]
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, input=json.dumps(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = iter(json.loads(done.stdout))
    return {names: (places[names], [next(answers) for _ in every]) for names, every in LINES.items()}


def test_a_model_that_says_nothing_of_itself(replies):
    place, (checked, estimated, trained, swept, refused) = replies["decay", "mse"]
    assert [checked[0], estimated[0], trained[0], swept[0]] == [0, 0, 0, 0]
    assert "of training" in estimated[1]
    assert "exp: completed" in trained[1]
    assert "No true parameters, and no best possible ones, are known for this model" in trained[1]
    assert "fitted:" not in trained[1]
    result = json.loads((place / "run/result.json").read_text())
    assert result["reference"]["against"] is None
    assert result["recovery"] == []
    assert "best: optimizer.lr=0.001" in swept[1]
    assert (place / "sweep/figures/final_metric.svg").exists()
    assert "error/" not in (place / "sweep/results.csv").read_text()
    assert refused[0] == 2
    assert "recovery/error_norm is not recorded here" in refused[2]
    assert not (place / "none").exists()


def test_a_loss_that_says_nothing_of_itself(replies):
    _, (trained, swept) = replies["linear", "fourth"]
    assert [trained[0], swept[0]] == [0, 0]
    assert "fitted: y = " in trained[1]
    assert "best possible: least squares, which is not what the loss fourth makes smallest" in trained[1]
    assert "best: optimizer.lr=0.001" in swept[1]
