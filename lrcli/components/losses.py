"""Losses: what training makes small.

A loss is a value for each term, reduced to one number by their mean or their sum. The regression
losses and ``bce`` have a term for each output of each example; ``cross_entropy`` has one for each
example. o is the model's output, y the target.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrcli.components.component import Component
from lrcli.components.user_code import FromFile

__all__ = ["AnyLoss", "HalfMSE", "Loss", "PythonLoss"]

Array = NDArray[np.float64]

_LEAST_SHARE = 1e-300  # of a class that no example has: its logarithm is finite


class Loss(Component):
    """Base of all losses.

    All has a default that says nothing: without a formula no loss of given outputs is known.

    Attributes:
        needs_classes: its targets must be classes, not numbers.
        quadratic_factor: c, where each term is c (o - y)^2; None where it is no square.
        of_logits: outputs are logits, and each term is minus the log-likelihood of the class: convex in the
            parameters of a model that is linear in them.
        knee: the error from which on a term grows as the error itself, and not as its square: delta of
            Huber's loss, 0 of absolute errors; None where no term does, or nothing is known.
    """

    needs_classes: ClassVar[bool] = False
    quadratic_factor: ClassVar[float | None] = None
    of_logits: ClassVar[bool] = False

    @property
    def knee(self) -> float | None:
        return None

    reduction: Literal["mean", "sum"] = Field("mean", description="over the terms of a batch or a set")

    def mistakes(self, num_classes: int | None) -> Iterator[tuple[str, str]]:
        """What one field alone cannot tell: (key, message) pairs.

        One output tells two classes apart; more of them have numbers that are no quantities.

        Args:
            num_classes: of the dataset; None where its targets are numbers.
        """
        if num_classes is not None and num_classes > 2 and self.num_outputs(num_classes) == 1:
            kind = getattr(self, "kind", "")
            yield "kind", f"{kind} tells 2 classes apart, but there are {num_classes}; take cross_entropy"

    def num_outputs(self, num_classes: int | None) -> int:
        """O, the numbers that the model must produce for one example.

        Args:
            num_classes: of the dataset; None where its targets are numbers.
        """
        return 1

    @property
    def gives_logit(self) -> bool:
        """Whether a single output is class 1 from 0 on, and not from one half on."""
        return self.of_logits

    def num_terms(self, num_classes: int | None) -> int:
        """The terms that one example has in the loss: one for each output, unless the loss says otherwise."""
        return self.num_outputs(num_classes)

    def terms(self, outputs: Array, targets: Array) -> Array | None:
        """The terms of the loss, in any shape.

        Args:
            outputs: (N, O).
            targets: (N, O), one-hot where there is an output for each class.

        Returns:
            None where the loss has no formula here.
        """
        return None

    def slopes(self, outputs: Array, targets: Array) -> Array | None:
        """The derivative of the sum of the terms by each output, (N, O).

        Args:
            outputs: (N, O).
            targets: (N, O), one-hot where there is an output for each class.

        Returns:
            None where the loss has no formula here.
        """
        return None

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        """How the slopes change with the outputs: the second derivative times changes of the outputs.

        Of a loss that has `slopes`; 0 where its terms have a corner.

        Args:
            outputs: (N, O).
            targets: (N, O).
            changes: (..., N, O).

        Returns:
            (..., N, O).
        """
        raise NotImplementedError

    def torch_form(self) -> Any:
        """What the torch engine computes, of a loss that lrcli does not have itself.

        Returns:
            (outputs, targets) -> the terms in torch, whose slopes autograd derives: outputs and targets
            (R, B, O) of R members, terms (R, B, terms of an example). Or a
            `lrcli.engines.torch.losses.TorchLoss`, with slopes of its own.
        """
        raise NotImplementedError

    def probabilities(self, outputs: Array) -> Array:
        """What outputs (N, O) say of each class, (N, C), adding up to one.

        A logit is taken for what it is, a number between 0 and 1 for the probability of class 1.
        """
        ones = _sigmoid(outputs) if self.gives_logit else np.clip(outputs, 0.0, 1.0)
        return np.concatenate([1 - ones, ones], axis=1)

    def constant_answers(self, targets: Array) -> list[Array]:
        """Outputs (O,) of which one is the best constant answer to all examples, or near it.

        Args:
            targets: (N, O).

        Returns:
            none where the best is not known.
        """
        return []

    def value(self, outputs: Array, targets: Array) -> float | None:
        """The loss of a set of examples; None where it has no formula here.

        Args:
            outputs: (N, O).
            targets: (N, O), one-hot where there is an output for each class.
        """
        with np.errstate(over="ignore"):
            terms = self.terms(outputs, targets)
            if terms is None:
                return None
            return float(terms.mean() if self.reduction == "mean" else terms.sum())

    def constant_value(self, targets: Array) -> float | None:
        """The smallest loss of a model that answers the same for every example; None where it is not known.

        Args:
            targets: (N, O).
        """
        with np.errstate(divide="ignore", over="ignore"):
            answers = self.constant_answers(targets)
        found = [self.value(np.broadcast_to(answer, targets.shape), targets) for answer in answers]
        return min((value for value in found if value is not None), default=None)


class _Square(Loss):
    """c (o - y)^2; the mean is the best constant."""

    quadratic_factor: ClassVar[float]

    def terms(self, outputs: Array, targets: Array) -> Array:
        return self.quadratic_factor * (outputs - targets) ** 2

    def slopes(self, outputs: Array, targets: Array) -> Array:
        return np.asarray(2 * self.quadratic_factor * (outputs - targets))

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        return 2 * self.quadratic_factor * changes

    def constant_answers(self, targets: Array) -> list[Array]:
        return [targets.mean(axis=0)]


class MSE(_Square):
    """(o - y)^2, the squared error.

    Source: torch.nn.MSELoss.
    """

    quadratic_factor = 1.0

    kind: Literal["mse"]


class HalfMSE(_Square):
    """(o - y)^2 / 2, so that its derivative is the error itself.

    Source: Dive into Deep Learning, equation 3.1.5.
    """

    quadratic_factor = 0.5

    kind: Literal["half_mse"]


class _Robust(Loss):
    """A loss to which large errors are no more than large: the median is best for |o - y|, and near that."""

    def constant_answers(self, targets: Array) -> list[Array]:
        return [targets.mean(axis=0), np.median(targets, axis=0)]


class L1(_Robust):
    """|o - y|, the absolute error.

    Source: torch.nn.L1Loss.
    """

    kind: Literal["l1"]

    @property
    def knee(self) -> float:
        return 0.0

    def terms(self, outputs: Array, targets: Array) -> Array:
        return np.abs(outputs - targets)

    def slopes(self, outputs: Array, targets: Array) -> Array:
        return np.sign(outputs - targets)

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        return np.zeros_like(changes)


class Huber(_Robust):
    """(o - y)^2 / 2 where |o - y| <= delta, else delta (|o - y| - delta / 2).

    Source: Huber 1964; torch.nn.HuberLoss.
    """

    kind: Literal["huber"]
    delta: float = Field(1.0, gt=0, description="error at which the square turns into a line")

    @property
    def knee(self) -> float:
        return self.delta

    def terms(self, outputs: Array, targets: Array) -> Array:
        errors = outputs - targets
        sizes = np.abs(errors)
        return np.where(sizes <= self.delta, errors**2 / 2, self.delta * (sizes - self.delta / 2))

    def slopes(self, outputs: Array, targets: Array) -> Array:
        return np.clip(outputs - targets, -self.delta, self.delta)

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        return np.where(np.abs(outputs - targets) <= self.delta, changes, 0.0)


class BCE(Loss):
    """log(1 + exp(o)) - y o, binary cross-entropy; the model's one output o is the logit of class 1.

    Source: torch.nn.BCEWithLogitsLoss.
    """

    needs_classes = True
    of_logits = True

    kind: Literal["bce"]

    def terms(self, outputs: Array, targets: Array) -> Array:
        return np.asarray(np.logaddexp(0.0, outputs) - targets * outputs)

    def slopes(self, outputs: Array, targets: Array) -> Array:
        return np.asarray(np.exp(-np.logaddexp(0.0, -outputs)) - targets)

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        """p (1 - p) for the probability p, with all its digits where p is near 0 or 1."""
        power = np.exp(-np.abs(outputs))
        return np.asarray(power / (1 + power) ** 2 * changes)

    def constant_answers(self, targets: Array) -> list[Array]:
        """The logit of the share of class 1."""
        share = np.clip(targets.mean(axis=0), _LEAST_SHARE, 1 - 1e-16)
        return [np.log(share) - np.log1p(-share)]


class CrossEntropy(Loss):
    """log(sum_k exp(o_k)) - o_y, cross-entropy; o holds a logit for each class, y is the class.

    Source: torch.nn.CrossEntropyLoss.
    """

    needs_classes = True
    of_logits = True

    kind: Literal["cross_entropy"]

    def terms(self, outputs: Array, targets: Array) -> Array:
        return np.asarray(np.logaddexp.reduce(outputs, axis=1) - np.sum(outputs * targets, axis=1))

    def slopes(self, outputs: Array, targets: Array) -> Array:
        return _softmax(outputs) - targets

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        """diag(p) - p p' for the probabilities p."""
        shares = _softmax(outputs)
        return np.asarray(shares * (changes - np.sum(shares * changes, axis=-1, keepdims=True)))

    def constant_answers(self, targets: Array) -> list[Array]:
        """The logarithms of the shares of the classes."""
        return [np.log(np.clip(targets.mean(axis=0), _LEAST_SHARE, 1))]

    def probabilities(self, outputs: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.exp(outputs - np.logaddexp.reduce(outputs, axis=1, keepdims=True))

    def num_outputs(self, num_classes: int | None) -> int:
        return num_classes or 1

    def num_terms(self, num_classes: int | None) -> int:
        return 1


class PythonLoss(FromFile, Loss):
    """A loss of yours: a function in a Python file, of outputs (B, O) and targets, with a term per example.

    The name is a function, to which args are given, or a class that makes one, such as a torch.nn.Module. It
    works on tensors and gives (B,), neither their mean nor their sum, which is what reduction says. Where the
    model has an output for each class the targets are one-hot (B, O), else (B, 1). Its derivative is that of
    torch's autograd.

    Source: the user's file.
    """

    kind: Literal["python"]
    outputs: int = Field(
        1, ge=1, le=10**6, examples=[3], description="O, the numbers that the model gives for one example"
    )
    logits: bool = Field(
        False, description="of two classes: an output is class 1 from 0 on, and not from one half on"
    )

    @property
    def gives_logit(self) -> bool:
        return self.logits

    def num_outputs(self, num_classes: int | None) -> int:
        return self.outputs

    def num_terms(self, num_classes: int | None) -> int:
        return 1

    def mistakes(self, num_classes: int | None) -> Iterator[tuple[str, str]]:
        if num_classes == 2 and self.outputs > 2:
            yield "outputs", "must be 1, or 2, one for each class"
        elif num_classes is not None and num_classes > 2 and self.outputs != num_classes:
            yield "outputs", f"must be {num_classes}, one for each class"

    def slopes(self, outputs: Array, targets: Array) -> Array | None:
        """By torch's autograd, where its second derivatives can be relied on, too."""
        if self.needs_code:
            return None
        slopes: Array | None = self.code.slopes(outputs, targets)
        return slopes

    def bends(self, outputs: Array, targets: Array, changes: Array) -> Array:
        bends: Array = self.code.bends(outputs, targets, changes)
        return bends

    def probabilities(self, outputs: Array) -> Array:
        if outputs.shape[1] > 1:
            return np.exp(outputs - np.logaddexp.reduce(outputs, axis=1, keepdims=True))
        return super().probabilities(outputs)


def _softmax(logits: Array) -> Array:
    return np.asarray(np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)))


def _sigmoid(logits: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)))


AnyLoss = Annotated[MSE | HalfMSE | L1 | Huber | BCE | CrossEntropy | PythonLoss, Field(discriminator="kind")]
