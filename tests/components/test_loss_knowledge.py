"""What losses say of themselves, held to their values as torch computes them."""

import numpy as np
import pytest
import torch
from builders import built_in, component
from hypothesis import given
from hypothesis import strategies as st

from lrcli.components.losses import Loss
from lrcli.engines.torch.losses import torch_loss

FACTORS = {"mse": 1.0, "half_mse": 0.5, "l1": None, "huber": None, "bce": None, "cross_entropy": None}
KINDS = list(FACTORS)


def outputs_and_targets(kind, seed=0, count=40):
    rng = np.random.default_rng(seed)
    outputs = 3 * rng.normal(size=(count, 3 if kind == "cross_entropy" else 1))
    labels = rng.integers(3, size=count)
    numbers = rng.exponential(size=(count, 1))
    return outputs, {"cross_entropy": np.eye(3)[labels], "bce": (labels[:, None] > 1) * 1.0}.get(
        kind, numbers
    )


def computed(loss, outputs, targets):
    """The loss by torch, as in training."""
    terms, _ = torch_loss(loss).terms(*(torch.from_numpy(a.copy())[None] for a in (outputs, targets)))
    return float(terms.mean() if loss.reduction == "mean" else terms.sum())


def test_every_loss_is_here():
    assert set(KINDS) == set(built_in("loss"))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_training(kind, reduction):
    outputs, targets = outputs_and_targets(kind)
    loss = component("loss", kind=kind, reduction=reduction)
    assert loss.value(outputs, targets) == pytest.approx(computed(loss, outputs, targets), rel=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_quadratic_factor_is_that_of_the_squares(kind, reduction):
    """And where there is none, no factor would do: twice the error is not four times the loss."""
    loss = component("loss", kind=kind, reduction=reduction)
    assert loss.quadratic_factor == FACTORS[kind]
    outputs, targets = outputs_and_targets(kind)
    squares = (outputs - targets) ** 2
    whole = squares.mean() if reduction == "mean" else squares.sum()
    if loss.quadratic_factor is not None:
        expected = loss.quadratic_factor * whole
        assert computed(loss, outputs, targets) == pytest.approx(expected, rel=1e-12)
    else:
        doubled = computed(loss, targets + 2 * (outputs - targets), targets)
        assert doubled != pytest.approx(4 * computed(loss, outputs, targets), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_minus_log_likelihoods(kind):
    loss = component("loss", kind=kind, reduction="sum")
    assert loss.of_logits == (kind in {"bce", "cross_entropy"})
    if loss.of_logits:
        outputs, targets = outputs_and_targets(kind)
        if kind == "bce":  # against an output of 0 for class 0
            outputs, both = np.hstack([0 * outputs, outputs]), np.hstack([1 - targets, targets])
        else:
            both = targets
        chances = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
        expected = -np.log(np.sum(chances * both, axis=1)).sum()
        own = outputs[:, 1:] if kind == "bce" else outputs
        assert loss.value(own, targets) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_no_constant_answer_is_better(kind):
    rng = np.random.default_rng(1)
    _, targets = outputs_and_targets(kind, seed=1, count=50)
    loss = component("loss", kind=kind)
    best = loss.constant_value(targets)
    answers = rng.normal(size=(2000, targets.shape[1]))
    found = min(computed(loss, np.tile(answer, (50, 1)), targets) for answer in answers)
    slack = 0.05 if kind == "huber" else 1e-12  # whose best lies between mean and median
    assert best <= found * (1 + slack)
    assert best == pytest.approx(found, rel=0.05)


@pytest.mark.parametrize("kind", ["mse", "half_mse", "l1"])
@given(
    numbers=st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=1, max_size=9),
    other=st.floats(-100, 100, allow_subnormal=False),
)
def test_no_constant_number_is_better(kind, numbers, other):
    targets, loss = np.array(numbers)[:, None], component("loss", kind=kind)
    value = loss.value(np.full_like(targets, other), targets)
    assert loss.constant_value(targets) <= value * (1 + 1e-12) + 1e-12


def test_a_constant_answer_is_right_where_there_is_one_class():
    for kind, targets in (
        ("bce", np.ones((5, 1))),
        ("bce", np.zeros((5, 1))),
        ("cross_entropy", np.eye(2)[[1] * 5]),
    ):
        loss = component("loss", kind=kind)
        assert loss.constant_value(targets) == pytest.approx(0, abs=1e-12)


def test_a_loss_need_say_nothing_of_itself():
    loss, numbers = Loss(), np.ones((3, 1))
    assert loss.value(numbers, numbers) is loss.constant_value(numbers) is loss.quadratic_factor is None
    assert not loss.of_logits
