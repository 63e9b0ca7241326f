"""Problems: what is drawn, and on what it depends."""

import numpy as np
import pytest
from builders import LINEAR, SINE, XOR, built_in, component, problem

from lrcli.components.randomness import generator
from lrcli.errors import UsageError

LINEAR_MODEL, HALF = {"kind": "linear"}, {"kind": "half_mse"}


def test_every_dataset_is_here():
    assert {case["kind"] for case in (LINEAR, SINE, XOR)} == set(built_in("dataset"))


def test_randomness_depends_on_seed_purpose_and_index_alone():
    def draw(*key):
        return generator(*key).standard_normal(4).tolist()

    assert draw(1, "data", 0) == draw(1, "data", 0)
    keys = [(s, p, i) for s in (0, 1) for p in ("data", "init", "shuffle", "noise") for i in (0, 1)]
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence(7, spawn_key=(2, 3))))
    assert draw(7, "shuffle", 3) == expected.standard_normal(4).tolist()
    with pytest.raises(KeyError):
        generator(0, "colour", 0)


@pytest.mark.parametrize("dataset", [LINEAR, SINE, XOR], ids=lambda d: d["kind"])
def test_a_seeds_draws_are_the_same_in_any_company(dataset):
    model = {"kind": "mlp", "hidden": [3]}
    together = problem(dataset, model, HALF, [5, 2, 9])
    for index, seed in enumerate([5, 2, 9]):
        alone = problem(dataset, model, HALF, [seed])
        for split in together.splits:
            assert together.splits[split].inputs[index].tobytes() == alone.splits[split].inputs[0].tobytes()
            assert together.splits[split].targets[index].tobytes() == alone.splits[split].targets[0].tobytes()
        for name, values in together.initial.items():
            assert values[index].tobytes() == alone.initial[name][0].tobytes()
        np.testing.assert_array_equal(together.order(index, 4), alone.order(0, 4))


def test_orders_are_permutations_that_differ_from_epoch_to_epoch():
    pb = problem(LINEAR, LINEAR_MODEL, HALF)
    orders = [pb.order(0, epoch).tolist() for epoch in (1, 2, 3)]
    assert all(sorted(order) == list(range(100)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


def test_linear_data_follow_their_rule():
    keys = {**LINEAR, "noise": 0.5, "feature_std": [1.0, 3.0], "num_train": 20_000}
    split = problem(keys, LINEAR_MODEL, HALF).splits["train"]
    np.testing.assert_allclose(split.inputs[0].std(0), [1, 3], rtol=0.03)
    noise = split.targets[0] - split.inputs[0] @ np.array([[2.0], [-3.4]]) - 4.2
    assert noise.std() == pytest.approx(0.5, rel=0.03)
    assert abs(noise.mean()) < 0.02


def test_sine_data_follow_their_rule():
    keys = {**SINE, "amplitude": 2.0, "frequency": 3.0, "phase": 0.5, "offset": 1.0, "low": 0.0, "high": 4.0}
    split = problem(keys, LINEAR_MODEL, HALF).splits["train"]
    x = split.inputs[0, :, 0]
    np.testing.assert_array_equal(x, np.linspace(0, 4, 60))
    np.testing.assert_allclose(split.targets[0, :, 0], 2 * np.sin(3 * x + 0.5) + 1, rtol=1e-15)
    drawn = problem({**keys, "spacing": "uniform"}, LINEAR_MODEL, HALF).splits["train"].inputs[0, :, 0]
    assert 0 <= drawn.min() < drawn.max() < 4
    assert np.any(np.diff(drawn) < 0)


def test_xor_data_follow_their_rule():
    split = problem({**XOR, "num_train": 5000}, LINEAR_MODEL, {"kind": "bce"}).splits["train"]
    x, y = split.inputs[0], split.targets[0, :, 0]
    np.testing.assert_array_equal(y, np.where(x[:, 0] * x[:, 1] < 0, 0.0, 1.0))
    assert x.min() >= -1
    assert x.max() < 1
    noisy = problem({**XOR, "num_train": 5000, "label_noise": 0.2}, LINEAR_MODEL, {"kind": "bce"})
    flipped = np.mean(noisy.splits["train"].targets[0, :, 0] != y)
    assert flipped == pytest.approx(0.2, abs=0.02)


def test_classes_become_one_hot():
    pb = problem(XOR, {"kind": "mlp", "hidden": []}, {"kind": "cross_entropy"})
    binary = problem(XOR, {"kind": "mlp", "hidden": []}, {"kind": "bce"})
    targets = pb.splits["val"].targets[0]
    assert targets.shape == (20, 2)
    np.testing.assert_array_equal(targets.argmax(1), binary.splits["val"].targets[0, :, 0])
    np.testing.assert_array_equal(targets.sum(1), 1)


def test_outliers_are_in_training_data_only():
    clean, dirty = (problem({**LINEAR, **more}, LINEAR_MODEL, HALF) for more in ({}, {"outliers": {5: 1e4}}))
    differs = clean.splits["train"].targets[0, :, 0] != dirty.splits["train"].targets[0, :, 0]
    assert np.flatnonzero(differs).tolist() == [5]
    assert dirty.splits["train"].targets[0, 5, 0] == 1e4
    np.testing.assert_array_equal(clean.splits["val"].targets, dirty.splits["val"].targets)


def test_a_dataset_seed_fixes_the_data_and_nothing_else():
    pb = problem({**LINEAR, "seed": 3}, LINEAR_MODEL, HALF, [0, 1])
    np.testing.assert_array_equal(pb.splits["train"].inputs[0], pb.splits["train"].inputs[1])
    assert not np.array_equal(pb.initial["w"][0], pb.initial["w"][1])
    assert not np.array_equal(pb.order(0, 1), pb.order(1, 1))
    assert (
        problem(LINEAR, LINEAR_MODEL, HALF, [3]).splits["train"].inputs[0].tobytes()
        == pb.splits["train"].inputs[0].tobytes()
    )


def test_splits_without_examples_are_left_out():
    pb = problem({**LINEAR, "num_val": 0}, LINEAR_MODEL, HALF)
    assert set(pb.splits) == {"train"}
    assert set(problem({**LINEAR, "num_test": 5}, LINEAR_MODEL, HALF).splits) == {"train", "val", "test"}


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ({**SINE, "low": -1e7, "high": 1e7}, {"kind": "polynomial", "degree": 50}),
        ({**LINEAR, "w": [1e308, 1e308]}, LINEAR_MODEL),
    ],
)
def test_data_too_large_to_compute_with(dataset, model):
    with pytest.raises(UsageError, match="dataset: its numbers are too large"):
        problem(dataset, model, HALF)


def test_polynomial_features_are_powers():
    model = component("model", kind="polynomial", degree=3)
    assert model.features(np.array([[2.0], [-1.0]])).tolist() == [[1, 2, 4, 8], [1, -1, 1, -1]]
