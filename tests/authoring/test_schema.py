import json
from pathlib import Path

import pytest
import yaml
from generated import checked, config_classes, contents, mutated, sound, split
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from lrcli.authoring.schema import schema, schema_text
from lrcli.components.registry import GROUPS
from lrcli.config.dumping import yaml_text
from lrcli.config.source import read
from lrcli.errors import ExperimentError
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import load

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SCHEMA = schema()
ACCEPTS = Draft7Validator(SCHEMA).is_valid
CHECKS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # shrinking a whole file takes minutes
    max_examples=60,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)

# What several numbers tell together, which the schema leaves to lrcli check.
OF_SEVERAL_NUMBERS = ("range needs lo < hi", "log_range needs lo > 0", "range needs a whole number n from 2")

GOOD = """
dataset: {kind: linear, w: [2.0], b: 4.2}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: adam}
"""


def refusal(content):
    """The first lines of what the loader's validation says against a content."""
    try:
        checked(content)
    except ExperimentError as error:
        return [message.splitlines()[0] for message in error.mistakes]
    return []


def agree(content):
    """The schema accepts what validation accepts, but for the rules about several numbers."""
    mistakes = refusal(content)
    beyond = [m for m in mistakes if not any(rule in m for rule in OF_SEVERAL_NUMBERS)]
    if ACCEPTS(content):
        assert beyond == []
    else:
        assert mistakes != []


def change(text):
    """GOOD with other keys, given as YAML."""
    return yaml.safe_load(GOOD) | yaml.safe_load(text)


def test_the_schema_is_one():
    Draft7Validator.check_schema(SCHEMA)


def test_the_file_in_the_repository_is_this_version_s():
    assert (EXPERIMENTS / "lrcli.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_text_is_the_schema():
    assert json.loads(schema_text()) == SCHEMA


@pytest.mark.parametrize("file", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_examples_are_accepted(file):
    assert list(Draft7Validator(SCHEMA).iter_errors(read(file, file.name).data)) == []


@CHECKS
@given(contents())
def test_keys_valid_by_themselves(content):
    agree(content)


@CHECKS
@given(mutated())
def test_mutated_contents(content):
    agree(content)


@pytest.mark.parametrize("content", [None, [], "text", 3, True, {}])
def test_what_is_no_experiment(content):
    assert not ACCEPTS(content)


@pytest.mark.parametrize(
    "text",
    [
        "seed: 1.0",
        "training: {epochs: 1000.0}",
        "training: {batch_size: full}",
        "training: {clip_grad_norm: null, best: null}",
        "sweep: null",
        "sweep: {grid: {optimizer.lr: {values: [1, a, null]}}}",
        "sweep: {grid: {optimizer.lr: {range: [1, 2, 3]}}, seeds: [0, 3]}",
        "sweep: {grid: {optimizer.lr: {range: [1, 2, 3], values: null}}}",
        "sweep: {grid: [{a: {values: [1]}}, {b: {log_range: [1, 2, 3.0]}}]}",
        "dataset: {kind: linear, w: [1], b: 0, seed: null, outliers: {'0': 1, '12': 2.5}}",
        "dataset: {kind: linear, w: [1], b: 0, feature_std: [1, 2]}",
        "expect: {a: '<=.5e-3', b: ' == +1. '}",
        "model: {kind: linear, init: {kind: values, values: {w: [[1]], b: {c: null}}}}",
        "device: cuda:123",
        "name: a.b",
        "name: 実験-1",
        "name: Übung_é",
        "name: опыт.2",
        "name: conx",
        "name: " + "a" * 100,
        "name: " + "実" * 63,
    ],
)
def test_good_files(text):
    content = change(text)
    assert refusal(content) == []
    assert list(Draft7Validator(SCHEMA).iter_errors(content)) == []


@pytest.mark.parametrize(
    "text",
    [
        "optimiser: {}",
        "dataset: null",
        "dataset: linear",
        "dataset: {}",
        "dataset: {kind: null}",
        "dataset: {kind: cubic}",
        "dataset: {kind: [linear], w: [1], b: 1}",
        "dataset: {kind: linear, w: [1]}",
        "dataset: {kind: linear, w: [], b: 1}",
        "dataset: {kind: linear, w: 1, b: 1}",
        "dataset: {kind: linear, w: [true], b: 1}",
        "dataset: {kind: linear, w: [1], b: '1'}",
        "dataset: {kind: linear, w: [1], b: 1, feature_std: [-1]}",
        "dataset: {kind: linear, w: [1], b: 1, outliers: {'01': 1}}",
        "dataset: {kind: linear, w: [1], b: 1, outliers: {'-1': 1}}",
        "dataset: {kind: linear, w: [1], b: 1, amplitude: 1}",
        "dataset: {kind: linear, w: [1], b: 1, num_train: 0}",
        "dataset: {kind: linear, w: [1], b: 1, num_train: 1000000000001}",
        "model: {kind: linear, init: {kind: values}}",
        "model: {kind: linear, init: {kind: constant, value: null}}",
        "model: {kind: mlp, hidden: [0]}",
        "model: {kind: polynomial, degree: 51}",
        "loss: {kind: mse, reduction: max}",
        "optimizer: {kind: adam, betas: [0.9]}",
        "optimizer: {kind: adam, betas: [0.9, 1]}",
        "optimizer: {kind: adam, lr: 0}",
        "optimizer: {kind: adam, lr: null}",
        "optimizer: {kind: adam, schedule: {kind: step}}",
        "optimizer: {kind: adam, schedule: {kind: cosine, gamma: 1}}",
        "training: null",
        "training: {epochs: 1.5}",
        "training: {epochs: '1'}",
        "training: {batch_size: half}",
        "training: {batch_size: true}",
        "training: {best: {}}",
        "training: {early_stopping: {metric: a, patience: 0}}",
        "logging: {figures: 1}",
        "sweep: {}",
        "sweep: {grid: {}}",
        "sweep: {grid: []}",
        "sweep: {grid: {a: null}}",
        "sweep: {grid: {a: {}}}",
        "sweep: {grid: {a: {values: []}}}",
        "sweep: {grid: {a: {values: null}}}",
        "sweep: {grid: {a: {values: [1], range: [1, 2, 3]}}}",
        "sweep: {grid: {a: {range: [1, 2]}}}",
        "sweep: {grid: {a: {range: [1, 2, x]}}}",
        "sweep: {grid: {a: {values: [1]}}, seeds: []}",
        "sweep: {grid: {a: {values: [1]}}, seeds: [1, 1]}",
        "sweep: {grid: {a: {values: [1]}}, seeds: 0}",
        "expect: {a: 0.1}",
        "expect: {a: '0.1'}",
        "expect: {a: null}",
        'expect: {a: "<1\\n\\n", b: "1"}',
        "expect: null",
        "seed: -1",
        "seed: true",
        "name: ''",
        "name: a/b",
        'name: "a\\n"',
        "name: a.",
        "name: a b",
        "name: con",
        "name: Nul.x",
        "name: lpt1",
        'name: "a\\u202eb"',
        'name: "a\\u00a0b"',
        'name: "\\x1b"',
        "name: -a",
        "name: " + "a" * 101,
        "name: " + "実" * 64,
        "device: cuda:1234",
        'device: "cpu\\n"',
        "description: 3",
        "engine: jax",
    ],
)
def test_bad_files(text):
    content = change(text)
    assert refusal(content) != []
    assert not ACCEPTS(content)


@pytest.mark.parametrize("key", ["dataset", "model", "loss", "optimizer"])
def test_required_keys(key):
    content = yaml.safe_load(GOOD)
    del content[key]
    assert not ACCEPTS(content)
    assert ACCEPTS(content | {"extends": "base.yaml"})


@CHECKS
@given(data=st.data())
def test_a_base_and_a_child_say_what_one_file_says(data, tmp_path_factory):
    content = data.draw(sound())
    base, child = data.draw(split(content))
    whole, parts = tmp_path_factory.getbasetemp() / "whole", tmp_path_factory.getbasetemp() / "parts"
    for directory in (whole, parts):
        directory.mkdir(exist_ok=True)
    (whole / "exp.yaml").write_text(yaml_text(content), encoding="utf-8")
    (parts / "base.yaml").write_text(yaml_text(base), encoding="utf-8")
    child["extends"] = "base.yaml"
    (parts / "exp.yaml").write_text(yaml_text(child), encoding="utf-8")
    assert list(Draft7Validator(SCHEMA).iter_errors(child)) == []
    if base:
        assert load(parts / "exp.yaml").experiment == load(whole / "exp.yaml").experiment


UNDOABLE = """
dataset: {kind: linear, w: [2.0], b: 4.2, outliers: {'3': 1, '4': 2}}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: adam, eps: 1e-3, schedule: {kind: cosine, min_lr: 1e-4}}
training: {epochs: 3, best: {metric: lr, mode: max}, early_stopping: {metric: lr, patience: 2}}
sweep:
  grid: {optimizer.lr: {values: [1]}, optimizer.eps: {values: [1]}}
  seeds: 3
expect: {train/loss: '< 1', lr: '< 1'}
"""


@pytest.mark.parametrize(
    "text",
    [
        "dataset: {outliers: }",
        "dataset: {outliers: {'3': }}",
        "optimizer: {eps: }",
        "optimizer: {schedule: }",
        "optimizer: {schedule: {min_lr: }}",
        "optimizer: {kind: adam, eps: }",
        "training: ",
        "training: {epochs: }",
        "training: {best: {mode: }}",
        "training: {early_stopping: {patience: }}",
        "sweep: ",
        "sweep: {seeds: }",
        "sweep: {grid: {}}",
        "sweep: {grid: {optimizer.eps: }}",
        "sweep: {grid: {optimizer.eps: {range: [1, 2, 3]}}}",
        "expect: ",
        "expect: {lr: }",
    ],
)
def test_an_empty_value_undoes_a_key(text, tmp_path):
    (tmp_path / "base.yaml").write_text(UNDOABLE)
    (tmp_path / "exp.yaml").write_text(f"extends: base.yaml\n{text}\n")
    load(tmp_path / "exp.yaml")
    content = read(tmp_path / "exp.yaml", "exp.yaml").data
    assert list(Draft7Validator(SCHEMA).iter_errors(content)) == []


@pytest.mark.parametrize(
    "text",
    [
        "extends: 3",
        "extends: ",
        "extends: [a.yaml]",
        "extends: a.yaml\noptimizer: {kind: adamm}",
        "extends: a.yaml\noptimizer: {kind: adam, momentum: 1}",
        "extends: a.yaml\noptimizer: {lrr: 1}",
        "extends: a.yaml\noptimizer: {lr: fast}",
        "extends: a.yaml\ntraining: {epochs: 0}",
        "extends: a.yaml\nsweep: {grid: {a: {values: [1], range: [1, 2, 3]}}}",
    ],
)
def test_bad_children(text):
    assert not ACCEPTS(yaml.safe_load(text))


def definition_names():
    kinds = {config: f"{group}.{kind}" for group, rows in GROUPS.items() for kind, config in rows.items()}
    return {config: kinds.get(config, config.__name__.lower()) for config in config_classes()}


@pytest.mark.parametrize("form", ["", ".part"])
def test_every_key_is_there_with_its_description(form):
    definitions = SCHEMA["$defs"]
    for config, name in definition_names().items():
        keys = definitions.get(name + form, definitions[name])["properties"]
        own = set(config.model_fields) | ({"extends"} if config is Experiment and form else set())
        assert set(keys) == own
        for key, field in config.model_fields.items():
            if key != "kind":
                assert field.description
                written = keys[key] if "description" in keys[key] else keys[key]["anyOf"][0]
                assert written["description"] == field.description


@pytest.mark.parametrize(
    ("group", "definition"),
    [
        *((group, "experiment") for group in ("dataset", "model", "loss", "optimizer")),
        ("init", "model.mlp"),
        ("schedule", "optimizer.sgd"),
    ],
)
@pytest.mark.parametrize("form", ["", ".part"])
def test_every_kind_is_there_with_its_meaning(group, definition, form):
    kinds = SCHEMA["$defs"][definition + form]["properties"][group]["properties"]["kind"]["oneOf"]
    assert {kind["const"] for kind in kinds} == set(GROUPS[group])
    assert all(kind["description"] for kind in kinds)
