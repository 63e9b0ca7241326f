"""Which components have a compiled form; one that has none breaks nothing, and is trained by torch."""

import json
import subprocess
import sys
from typing import Literal, get_args

import pytest
from builders import component

from lrcli.components.losses import Loss
from lrcli.components.models import MLP
from lrcli.components.registry import GROUPS
from lrcli.engines.compiled import registry
from lrcli.engines.compiled.machine_code import Code, compiler_missing
from lrcli.engines.compiled.registry import refusal
from lrcli.experiment.compatibility import incompatibilities
from lrcli.experiment.loading import load
from lrcli.running.engine_choice import engine_of

CONTENT = {
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "num_train": 40, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "huber"},
    "optimizer": {"kind": "sgd", "lr": 0.03},
    "training": {"epochs": 1, "batch_size": 10},
    "logging": {"tensorboard": False, "figures": False},
}
WHY = "{} has no compiled form; the compiled engine takes {}"


class Quartic(Loss):
    """(o - y)^4, which nobody has written a kernel for."""

    kind: Literal["quartic"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "exp.yaml"
    path.write_text(json.dumps(CONTENT))
    return path


# The registry and what it registers.


def test_the_kernels_are_those_of_the_registry():
    pytest.importorskip("numba")
    from lrcli.engines.compiled.kernels.losses import LOSS_KERNELS
    from lrcli.engines.compiled.kernels.models import ACTIVATION_KERNELS
    from lrcli.engines.compiled.kernels.optimizers import OPTIMIZER_KERNELS

    assert set(LOSS_KERNELS) == set(registry.LOSSES)
    assert set(ACTIVATION_KERNELS) == set(registry.ACTIVATIONS)
    assert set(OPTIMIZER_KERNELS) == set(registry.OPTIMIZERS)


def test_what_is_registered_is_a_component():
    assert set(registry.LOSSES) <= set(GROUPS["loss"])
    assert set(registry.OPTIMIZERS) <= set(GROUPS["optimizer"])
    assert set(registry.ACTIVATIONS) <= set(get_args(MLP.model_fields["activation"].annotation))
    assert set(registry.MODELS) <= {kind for kind, model in GROUPS["model"].items() if model.dense}


PARTS = {
    "model": component("model", kind="mlp", hidden=[3]),
    "loss": component("loss", kind="huber"),
    "optimizer": component("optimizer", kind="adam"),
}


@pytest.mark.parametrize(
    ("names", "key", "kind", "others"),
    [
        ("MODELS", "model.kind", "mlp", "linear and polynomial"),
        ("ACTIVATIONS", "model.activation", "relu", "tanh and sigmoid"),
        ("LOSSES", "loss.kind", "huber", "mse, half_mse, l1, bce and cross_entropy"),
        ("OPTIMIZERS", "optimizer.kind", "adam", "sgd, rmsprop and adamw"),
    ],
)
def test_the_refusal_names_the_key_and_the_kind(monkeypatch, names, key, kind, others):
    assert refusal(**PARTS, device="cpu") is None
    monkeypatch.setattr(registry, names, tuple(name for name in getattr(registry, names) if name != kind))
    assert refusal(**PARTS, device="cpu") == (key, WHY.format(kind, others))


# A loss without a compiled form.


def test_a_new_loss_goes_to_torch_and_compiled_is_refused(file):
    experiment = load(file).experiment.model_copy(update={"loss": Quartic(kind="quartic")})
    reason = WHY.format("quartic", "mse, half_mse, l1, huber, bce and cross_entropy")
    assert engine_of(experiment) == ("torch", reason)
    assert list(incompatibilities(experiment)) == []
    (mistake,) = incompatibilities(experiment.model_copy(update={"engine": "compiled"}))
    assert mistake.message == f"compiled cannot take this experiment: {reason}"


NEW_LOSS = """
from lrcli.components.registry import GROUPS
GROUPS["loss"] = {"quartic": None, **GROUPS["loss"]}
from lrcli.engines.compiled.machine_code import Code, find, _file_name
print(_file_name(Code("train", "float32", 1, 1)))
"""


@pytest.mark.skipif(compiler_missing() is not None, reason="no compiler")
def test_a_new_loss_leaves_the_machine_code_as_it_is():
    """Its file is found again; the numbers in it are those of the registry."""
    from lrcli.engines.compiled.machine_code import _file_name

    done = subprocess.run([sys.executable, "-c", NEW_LOSS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == _file_name(Code("train", "float32", 1, 1))


def test_without_a_compiled_form_the_commands_say_why(file, program, monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "LOSSES", tuple(kind for kind in registry.LOSSES if kind != "huber"))
    reason = WHY.format("huber", "mse, half_mse, l1, bce and cross_entropy")
    assert f"torch: {reason}" in program("show", file)[1]
    program("check", file)
    asked = tmp_path / "asked.yaml"
    asked.write_text(json.dumps(CONTENT | {"engine": "compiled"}))
    said = program("check", asked, code=2)[2]
    assert f"engine: compiled cannot take this experiment: {reason}" in " ".join(said.split())
    program("train", file, "--run-dir", tmp_path / "run", "--quiet")
    environment = json.loads((tmp_path / "run" / "result.json").read_text())["environment"]
    assert (environment["engine"], environment["engine_chosen"]) == ("torch", reason)
