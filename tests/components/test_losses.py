"""Losses against torch.nn.functional, values and slopes, in float64."""

import pytest
import torch
from builders import built_in, component
from torch.nn import functional

from lrcli.engines.torch.losses import torch_loss

R, B = 3, 11


def numbers(outputs, generator):
    return torch.randn(R, B, outputs, generator=generator, dtype=torch.float64)


def binary(outputs, generator):
    return (numbers(outputs, generator) > 0).double()


def one_hot(outputs, generator):
    return functional.one_hot(torch.randint(outputs, (R, B), generator=generator), outputs).double()


def half_mse(o, y, reduction):
    return functional.mse_loss(o, y, reduction=reduction) / 2


def cross_entropy(o, y, reduction):
    return functional.cross_entropy(o, y.argmax(-1), reduction=reduction)


# kind, options, outputs, targets, torch's own
CASES = [
    ("mse", {}, 1, numbers, functional.mse_loss),
    ("mse", {}, 3, numbers, functional.mse_loss),
    ("half_mse", {}, 1, numbers, half_mse),
    ("l1", {}, 1, numbers, functional.l1_loss),
    ("huber", {}, 1, numbers, functional.huber_loss),
    (
        "huber",
        {"delta": 0.3},
        1,
        numbers,
        lambda o, y, reduction: functional.huber_loss(o, y, delta=0.3, reduction=reduction),
    ),
    ("bce", {}, 1, binary, functional.binary_cross_entropy_with_logits),
    ("cross_entropy", {}, 2, one_hot, cross_entropy),
    ("cross_entropy", {}, 5, one_hot, cross_entropy),
]


def test_every_loss_is_here():
    assert {case[0] for case in CASES} == set(built_in("loss"))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("kind", "options", "outputs", "targets", "oracle"), CASES)
def test_values_and_slopes_are_those_of_torch(kind, options, outputs, targets, oracle, reduction):
    generator = torch.Generator().manual_seed(1)
    o = 3 * numbers(outputs, generator)
    y = targets(outputs, generator)
    loss = torch_loss(component("loss", kind=kind, reduction=reduction, **options))
    values, slope = loss.terms(o.clone(), y)
    for member in range(R):
        leaf = o[member].clone().requires_grad_()
        expected = oracle(leaf, y[member], reduction=reduction)
        expected.backward()
        scale = 1 / values[member].numel() if reduction == "mean" else 1.0
        torch.testing.assert_close(values[member].sum() * scale, expected.detach(), rtol=1e-12, atol=1e-13)
        torch.testing.assert_close(slope[member] * scale, leaf.grad, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("logit", [-1e4, -800.0, 0.0, 800.0, 1e4])
def test_bce_neither_overflows_nor_loses_digits(logit):
    loss = torch_loss(component("loss", kind="bce"))
    o = torch.full((1, 1, 1), logit, dtype=torch.float64)
    for target in (0.0, 1.0):
        values, slope = loss.terms(o.clone(), torch.full_like(o, target))
        assert torch.isfinite(values).all()
        assert torch.isfinite(slope).all()


def test_terms_share_no_memory():
    o, y = torch.ones(1, 2, 1), torch.zeros(1, 2, 1)
    for kind in built_in("loss"):
        values, slope = torch_loss(component("loss", kind=kind)).terms(o.clone(), y)
        before = values.clone()
        slope.mul_(7)
        assert torch.equal(values, before)


@pytest.mark.parametrize(
    ("kind", "outputs", "targets", "expected"),
    [
        ("bce", [[0.1], [-0.1], [2.0]], [[1.0], [1.0], [0.0]], [True, False, False]),
        ("mse", [[0.6], [0.4], [0.4]], [[1.0], [1.0], [0.0]], [True, False, True]),
        ("cross_entropy", [[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]], [True, False]),
    ],
)
def test_the_predicted_class(kind, outputs, targets, expected):
    loss = torch_loss(component("loss", kind=kind))
    correct = loss.correct(torch.tensor([outputs]), torch.tensor([targets]))
    assert correct.flatten().tolist() == expected
