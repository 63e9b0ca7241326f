"""What the true parameters of a model are, from whoever knows them."""

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets import Dataset
from lrcli.components.models import Model

__all__ = ["true_parameters"]

Array = NDArray[np.float64]


def true_parameters(dataset: Dataset, model: Model) -> dict[str, Array] | None:
    """The parameters that learned ones are held against, of all of the model's or of some.

    Args:
        dataset: whose rule a model of some kinds can be.
        model: which may be given its true values.

    Returns:
        From parameter name to array; None where neither knows any.
    """
    truths = model.truths
    return dataset.true_parameters(getattr(model, "kind", "")) if truths is None else truths
