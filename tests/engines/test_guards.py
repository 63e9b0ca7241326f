"""Kernels keep to the memory that they are given: every region of it lies between guards."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builders import LINEAR, SINE, XOR, advance, compiled, evaluate, flat, population, problem

pytest.importorskip("numba")

from lrcli.engines.compiled import calls
from lrcli.engines.compiled import engine as compiled_engine
from lrcli.engines.compiled.arguments import Arguments
from lrcli.engines.compiled.signatures import RECORDS

POINTS = XOR | {"num_train": 23, "num_val": 11}
CASES = {  # the data, the model, the loss, the optimizer, the training
    "line": (LINEAR, {"kind": "linear"}, "l1", {"kind": "sgd", "momentum": 0.5}, {"batch_size": 16}),
    "many features": (
        LINEAR | {"w": [0.1] * 50},
        {"kind": "linear"},
        "huber",
        {"kind": "sgd", "weight_decay": 0.1, "decay": "weights"},
        {"batch_size": 7, "drop_last": True},
    ),
    "quadratic form": (
        SINE,
        {"kind": "polynomial", "degree": 8},
        "mse",
        {"kind": "rmsprop", "centered": True, "momentum": 0.5},
        {"batch_size": "full"},
    ),
    "polynomial in batches": (
        SINE,
        {"kind": "polynomial", "degree": 3},
        "half_mse",
        {"kind": "adamw", "schedule": {"kind": "exponential", "gamma": 0.99}},
        {"batch_size": 13, "shuffle": False},
    ),
    "classes": (
        POINTS,
        {"kind": "mlp", "hidden": [5, 17]},
        "cross_entropy",
        {"kind": "adam", "amsgrad": True},
        {"batch_size": 9, "clip_grad_norm": 0.5},
    ),
    "noisy": (
        POINTS,
        {"kind": "mlp", "hidden": [3], "input_noise": 0.1, "activation": "sigmoid"},
        "bce",
        {"kind": "sgd", "momentum": 0.9, "nesterov": True},
        {"batch_size": 5},
    ),
}
EPOCHS = 5
LANES = [(1, 4), (1, 32), (32, 1)]
any_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
any_lanes = pytest.mark.parametrize("lanes", LANES, ids=str)


def engine_of(case, rate):
    """An engine for three seeds and 36 members: of whole blocks, of a last one that is not full."""
    dataset, model, loss, optimizer, training = case
    pb = problem(dataset, model, {"kind": loss}, seeds=(0, 1))
    members = population(
        {**optimizer, "lr": rate},
        {"epochs": EPOCHS, **training},
        [0, 0, 1] * 12,
        lr=np.geomspace(1e-4, rate, 36),
    )
    return compiled(pb, members, "float32")


def answers(case, rate):
    engine = engine_of(case, rate)
    advance(engine, 1, 2)
    for _ in engine.advance(3, [3, EPOCHS]):
        pass
    said = [engine.epoch_metrics(), *(evaluate(engine, split) for split in ("train", "val"))]
    numbers = [values.reshape(-1, 36).T for part in said for values in part.values()]
    before = {name: values[0] for name, values in engine.parameters().items()}
    return np.column_stack([flat(before), flat(engine), engine.diverged_steps(), *numbers])


@pytest.mark.parametrize("rate", [1e-3, 1e35], ids=["calm", "wild"])
@any_lanes
@any_case
def test_kernels_keep_to_their_memory(case, lanes, rate, monkeypatch):
    """Nothing beyond it is written to; what is read there would make other numbers."""
    monkeypatch.setattr(compiled_engine, "_lanes", lambda *_: lanes)
    monkeypatch.setattr(compiled_engine, "_cores", lambda: 2)
    expected = answers(case, rate)
    monkeypatch.setattr(calls, "GUARDED", True)
    np.testing.assert_array_equal(answers(case, rate), expected)


# Planted errors.


@pytest.mark.parametrize("region", RECORDS["train"].scratch)
def test_a_region_that_is_one_number_short_is_named(region, monkeypatch):
    """As after an offset that is off by one."""
    monkeypatch.setattr(calls, "GUARDED", True)
    monkeypatch.setattr(compiled_engine, "_lanes", lambda *_: (32, 1))
    whole = Arguments.num_bytes
    monkeypatch.setattr(Arguments, "num_bytes", lambda self, name: whole(self, name) - 4 * (name == region))
    engine = engine_of(CASES["classes"], 1e35)
    with pytest.raises(AssertionError, match=f"^the kernel wrote beyond {region}$"):
        advance(engine, 1, EPOCHS)


@pytest.mark.parametrize(
    ("size", "region"),
    [("count", "gradient"), ("arrays", "kept"), ("features", "lane_inputs"), ("outputs", "lane_targets")],
)
def test_a_size_that_is_one_too_large_is_noticed(size, region, monkeypatch):
    """Whatever offset is made of it in the kernel."""
    monkeypatch.setattr(calls, "GUARDED", True)
    monkeypatch.setattr(compiled_engine, "_lanes", lambda *_: (32, 1))
    table_of = Arguments.table

    def larger(self):
        table = table_of(self)
        if self.record is not RECORDS["train"]:
            return table
        copy = type(table).from_buffer_copy(table)
        setattr(copy, size, getattr(copy, size) + 1)
        return copy

    monkeypatch.setattr(Arguments, "table", larger)
    engine = engine_of(CASES["classes"], 1e-3)
    with pytest.raises(AssertionError, match=rf"^the kernel wrote beyond .*\b{region}\b"):
        advance(engine, 1, EPOCHS)


def test_an_array_that_is_written_to_but_declared_to_be_read_is_named(monkeypatch):
    monkeypatch.setattr(calls, "GUARDED", True)
    fields = RECORDS["train"].fields
    monkeypatch.setitem(fields, "broken", fields["broken"]._replace(written=False))
    engine = engine_of(CASES["classes"], 1e35)
    with pytest.raises(AssertionError, match=r"^the kernel wrote to broken, which it may only read$"):
        advance(engine, 1, EPOCHS)


SHUFFLE = """
import numpy as np
from lrcli.engines.compiled import calls
from lrcli.engines.compiled.arguments import Arguments
from lrcli.engines.compiled.machine_code import Code, load, make
from lrcli.engines.compiled.signatures import RECORDS

calls.GUARDED = True
arguments = Arguments(RECORDS["shuffle"], "float64", 1, 1)
sizes = {"data_rows": 2, "words": 2, "examples": 7, "features": 3, "outputs": 1, "epochs": 2}
arguments.set(sizes | {"first_epoch": 0})
for name, field in RECORDS["shuffle"].arguments.items():
    if field.kind == "array":
        shape, dtype = arguments.declared(name)
        arguments.set({name: np.full(shape, 2, dtype)})
(content,) = make([Code("shuffle", "float64", 1, 1)])
try:
    calls.Kernel(load(content), arguments, calls.Threads(1))({})
except AssertionError as error:
    print(error)
"""
PLANTS = {
    "an offset": ("there * given.features + i]", "there * given.features + i + 1]", "shuffled_inputs"),
    "scratch": ("for i in range(count):", "for i in range(count + 1):", "order"),
}


@pytest.mark.parametrize(("old", "new", "region"), PLANTS.values(), ids=PLANTS)
def test_an_error_in_the_source_of_a_kernel_is_noticed(tmp_path, old, new, region):
    """Of the smallest kernel, compiled from a copy of the package."""
    copy = tmp_path / "lrcli"
    shutil.copytree(Path(calls.__file__).parents[2], copy, ignore=shutil.ignore_patterns("*.pyc.*"))
    source = copy / "engines" / "compiled" / "kernels" / "shuffling.py"
    text = source.read_text(encoding="utf-8")
    assert old in text
    source.write_text(text.replace(old, new), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    words = [sys.executable, "-c", SHUFFLE]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    assert done.stdout == f"the kernel wrote beyond {region}\n"
