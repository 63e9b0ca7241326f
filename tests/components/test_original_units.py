"""Parameters for inputs before they were standardised: the same function, for every model of the table."""

import numpy as np
import pytest

from lrcli.authoring.descriptions import example
from lrcli.components.models.base import Model
from lrcli.components.registry import GROUPS

MODELS = {kind: {} for kind in GROUPS["model"]} | {
    "polynomial 7": {"kind": "polynomial", "degree": 7},
    "polynomial 0": {"kind": "polynomial", "degree": 0},
    "no hidden layer": {"kind": "mlp", "hidden": []},
    "two layers": {"kind": "mlp", "hidden": [3, 2], "activation": "tanh"},
}


def built(kind, keys):
    config = GROUPS["model"][keys.get("kind", kind)]
    return config.model_validate(keys or example(config))


@pytest.mark.parametrize(("kind", "keys"), MODELS.items(), ids=MODELS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_function_is_the_same(kind, keys, outputs):
    model = built(kind, keys)
    if type(model).in_original_units is Model.in_original_units:
        pytest.skip("a model that does not know its parameters in other units")
    features, outputs = (1, 1) if model.one_feature else (4, outputs)
    rng = np.random.default_rng(5)
    mean, scale = rng.normal(3, 2, (6, features)), rng.uniform(0.5, 20, (6, features))
    parameters = {p.name: rng.standard_normal((2, 6, *p.shape)) for p in model.parameters(features, outputs)}
    found = model.in_original_units(parameters, mean, scale)
    assert {name: values.shape for name, values in found.items()} == {
        name: values.shape for name, values in parameters.items()
    }
    for member in range(6):
        x = mean[member] + scale[member] * rng.standard_normal((9, features))
        for record in range(2):
            before = {name: values[record, member] for name, values in parameters.items()}
            after = {name: values[record, member] for name, values in found.items()}
            expected = model.outputs(before, (x - mean[member]) / scale[member])
            assert np.allclose(model.outputs(after, x), expected, rtol=1e-9, atol=1e-9)
            alone = model.in_original_units(before, mean[member], scale[member])
            assert all(np.allclose(alone[name], after[name], rtol=1e-12) for name in after)


@pytest.mark.parametrize(("kind", "keys"), MODELS.items(), ids=MODELS)
def test_there_and_back(kind, keys):
    model = built(kind, keys)
    if type(model).in_original_units is Model.in_original_units:
        pytest.skip("a model that does not know its parameters in other units")
    features = 1 if model.one_feature else 3
    rng = np.random.default_rng(6)
    mean, scale = rng.normal(0, 1, features), rng.uniform(0.5, 2, features)
    parameters = {p.name: rng.standard_normal(p.shape) for p in model.parameters(features, 1)}
    there = model.in_original_units(parameters, mean, scale)
    back = model.in_original_units(there, -mean / scale, 1 / scale)
    assert all(np.allclose(back[name], parameters[name]) for name in parameters)
