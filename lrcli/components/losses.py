"""Losses: what training makes small.

A loss is a value for each term, reduced to one number by their mean or their sum. The regression
losses and ``bce`` have a term for each output of each example; ``cross_entropy`` has one for each
example. o is the model's output, y the target.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lrcli.config.base import Config

__all__ = ["AnyLoss", "HalfMSE", "Loss"]


class Loss(Config):
    """Base of all losses.

    Attributes:
        needs_classes: its targets must be classes, not numbers.
    """

    needs_classes: ClassVar[bool] = False

    reduction: Literal["mean", "sum"] = Field("mean", description="over the terms of a batch or a set")

    def num_outputs(self, num_classes: int | None) -> int:
        """O, the numbers that the model must produce for one example.

        Args:
            num_classes: of the dataset; None where its targets are numbers.
        """
        return 1

    def num_terms(self, num_classes: int | None) -> int:
        """The terms that one example has in the loss: one for each output, unless the loss says otherwise."""
        return self.num_outputs(num_classes)


class MSE(Loss):
    """(o - y)^2, the squared error.

    Source: torch.nn.MSELoss.
    """

    kind: Literal["mse"]


class HalfMSE(Loss):
    """(o - y)^2 / 2, so that its derivative is the error itself.

    Source: Dive into Deep Learning, equation 3.1.5.
    """

    kind: Literal["half_mse"]


class L1(Loss):
    """|o - y|, the absolute error.

    Source: torch.nn.L1Loss.
    """

    kind: Literal["l1"]


class Huber(Loss):
    """(o - y)^2 / 2 where |o - y| <= delta, else delta (|o - y| - delta / 2).

    Source: Huber 1964; torch.nn.HuberLoss.
    """

    kind: Literal["huber"]
    delta: float = Field(1.0, gt=0, description="error at which the square turns into a line")


class BCE(Loss):
    """log(1 + exp(o)) - y o, binary cross-entropy; the model's one output o is the logit of class 1.

    Source: torch.nn.BCEWithLogitsLoss.
    """

    needs_classes = True

    kind: Literal["bce"]


class CrossEntropy(Loss):
    """log(sum_k exp(o_k)) - o_y, cross-entropy; o holds a logit for each class, y is the class.

    Source: torch.nn.CrossEntropyLoss.
    """

    needs_classes = True

    kind: Literal["cross_entropy"]

    def num_outputs(self, num_classes: int | None) -> int:
        return num_classes or 1

    def num_terms(self, num_classes: int | None) -> int:
        return 1


AnyLoss = Annotated[MSE | HalfMSE | L1 | Huber | BCE | CrossEntropy, Field(discriminator="kind")]
