"""Which engine trains an experiment, and why."""

import json

import pytest

import lrcli.running.engine_choice as engines
from lrcli.engines.compiled.machine_code import compiler_missing
from lrcli.engines.compiled.registry import refusal
from lrcli.errors import EngineError, ExperimentError
from lrcli.experiment.loading import load
from lrcli.running.preparation import prepare
from lrcli.training.population import build_population
from lrcli.training.problem import Draw

LINE = {
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "num_train": 40, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.03},
    "training": {"epochs": 1, "batch_size": 10},
}
SINE = LINE | {"dataset": {"kind": "sine", "num_train": 40}, "loss": {"kind": "mse"}}
XOR = LINE | {"dataset": {"kind": "xor", "num_train": 40}, "loss": {"kind": "bce"}}
DENSE = {
    "linear": LINE,
    "polynomial": SINE | {"model": {"kind": "polynomial", "degree": 3}},
    "mlp": XOR | {"model": {"kind": "mlp", "hidden": [4, 3]}},
}
OTHER = {kind: SINE | {"model": {"kind": kind}} for kind in ("legendre", "sinusoid")}


@pytest.fixture
def experiment(tmp_path):
    """An experiment from the content of its file."""

    def load_it(content, **keys):
        path = tmp_path / "exp.yaml"
        path.write_text(json.dumps(content | keys))
        return load(path).experiment

    return load_it


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """As on a machine that has a compiler."""
    monkeypatch.setattr(engines, "compiler_missing", lambda: None)


@pytest.mark.parametrize("device", ["auto", "cpu"])
@pytest.mark.parametrize("content", DENSE.values(), ids=DENSE)
def test_dense_models_are_compiled(experiment, content, device):
    one = experiment(content, device=device)
    assert refusal(one.model, one.loss, one.optimizer, one.device) is None
    assert engines.engine_of(one) == ("compiled", "a dense model on the cpu")
    assert engines.engine_of(experiment(content, device=device, engine="torch")) == ("torch", "asked for")
    assert engines.engine_of(experiment(content, device=device, engine="compiled")) == (
        "compiled",
        "asked for",
    )


@pytest.mark.parametrize("content", OTHER.values(), ids=OTHER)
def test_other_models_go_to_torch(experiment, content):
    engine, reason = engines.engine_of(experiment(content))
    assert engine == "torch"
    assert reason.startswith(f"{content['model']['kind']} is no dense model")


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_other_devices_go_to_torch(experiment, device):
    one = experiment(LINE, device=device)
    assert engines.engine_of(one) == ("torch", f"the compiled engine computes on the cpu, not on {device}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *[(content, f"{kind} is no dense model") for kind, content in OTHER.items()],
        *[(LINE | {"device": device}, f"cpu, not on {device}") for device in ("cuda", "cuda:1", "mps")],
    ],
)
def test_what_cannot_be_compiled_is_refused_at_the_key(experiment, content, message):
    with pytest.raises(ExperimentError) as caught:
        experiment(content, engine="compiled")
    (mistake,) = caught.value.mistakes
    assert "engine: compiled cannot take this experiment: " in mistake
    assert message in mistake


def test_an_engine_that_there_is_not(experiment):
    with pytest.raises(ExperimentError, match=r"engine: .*'?auto'?, '?compiled'? or '?torch'?"):
        experiment(LINE, engine="jax")


# How wide.


def test_the_work_of_a_step(experiment):
    """Two weights and a bias, for ten examples, three times; a full batch has all of them."""
    assert engines.multiply_adds(experiment(LINE)) == 3 * 3 * 10
    full = experiment(LINE, training={"epochs": 1, "batch_size": "full"})
    assert engines.multiply_adds(full) == 3 * 3 * 40
    larger = experiment(LINE, training={"epochs": 1, "batch_size": 1000})
    assert engines.multiply_adds(larger) == 3 * 3 * 40
    mlp = experiment(DENSE["mlp"])
    assert engines.multiply_adds(mlp) == 3 * (2 * 4 + 4 + 4 * 3 + 3 + 3 + 1) * 10


WIDE = XOR | {"model": {"kind": "mlp", "hidden": [1000, 1000]}}


def test_wide_layers_go_to_torch(experiment):
    engine, reason = engines.engine_of(experiment(WIDE))
    assert engine == "torch"
    assert "wide enough for a library" in reason
    assert engines.engine_of(experiment(WIDE, engine="compiled")) == ("compiled", "asked for")


@pytest.mark.parametrize("more", [0, 1])
def test_how_wide_is_too_wide(experiment, monkeypatch, more):
    one = experiment(DENSE["mlp"])
    monkeypatch.setattr(engines, "_WIDE", sum(parameter.size for parameter in one.parameters) - more)
    assert engines.engine_of(one)[0] == ["compiled", "torch"][more]


def test_neither_members_nor_seeds_nor_the_length_matter(experiment):
    """What a sweep trains with an engine, a replay trains with the same."""
    base = experiment(LINE)
    for keys in (
        {"seed": 7},
        {"training": {"epochs": 10**6, "batch_size": 10}},
        {"sweep": {"grid": {"optimizer.lr": {"values": [0.1, 0.2]}}, "seeds": 10**4}},
        {"optimizer": {"kind": "adam"}},
        {"dtype": "float64"},
    ):
        assert engines.engine_of(experiment(LINE, **keys)) == engines.engine_of(base)


# What is installed.

MISSING = "numba not installed"


def test_without_a_compiler_auto_is_torch_and_says_why(experiment, monkeypatch):
    monkeypatch.setattr(engines, "compiler_missing", lambda: MISSING)
    assert engines.engine_of(experiment(LINE)) == ("torch", MISSING)
    assert engines.engine_of(experiment(LINE, engine="compiled")) == ("compiled", "asked for")
    assert engines.engine_of(experiment(WIDE))[1] != MISSING  # which is torch's in any case


def prepared(experiment):
    draws = [Draw(experiment.seed, experiment.dataset, experiment.model)]
    return prepare(experiment, draws, build_population(experiment.optimizer, experiment.training, [0]))


def test_without_a_compiler_compiled_is_refused(experiment, monkeypatch):
    monkeypatch.setattr(engines, "compiler_missing", lambda: MISSING)
    with pytest.raises(EngineError, match=f"^engine: .*{MISSING}.*engine: torch"):
        prepared(experiment(LINE, engine="compiled"))
    assert prepared(experiment(LINE)).engine.environment["engine_chosen"] == MISSING


@pytest.mark.skipif(compiler_missing() is not None, reason="no compiler")
def test_the_engine_says_what_it_is(experiment):
    made = prepared(experiment(LINE)).engine.environment
    assert (made["engine"], made["engine_chosen"]) == ("compiled", "a dense model on the cpu")
    assert (made["device"], "torch" in made, "numba" in made) == ("cpu", False, True)
    made = prepared(experiment(LINE, engine="torch")).engine.environment
    assert (made["engine"], made["engine_chosen"], made["device"]) == ("torch", "asked for", "cpu")
    assert "torch" in made
