"""The arguments of kernels that stay the same for a whole run; see `lrcli.engines.compiled.signatures`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.engines.compiled.arguments import Value
from lrcli.engines.compiled.layout import Layout
from lrcli.engines.compiled.memory import aligned
from lrcli.engines.compiled.registry import OptimizerSpec, activation_number, loss_number
from lrcli.training.population import Population
from lrcli.training.problem import Problem
from lrcli.training.quadratic import is_quadratic, quadratic_form

__all__ = [
    "clipping_arguments",
    "example_arguments",
    "network_arguments",
    "quadratic_arguments",
    "tile_size",
    "training_arguments",
    "uses_quadratic_form",
]

_TILE_BYTES = 2**14  # half of the processor's first cache, for the values of examples
_DEGREE, _PARAMETERS = 8, 16  # up to which losses are taken for quadratic forms


def network_arguments(problem: Problem, layout: Layout) -> dict[str, Value]:
    """The model and its loss, and the sizes of blocks."""
    return {
        "sizes": np.array(layout.sizes, np.int64),
        "depth": len(layout.sizes) - 1,
        "num_values": layout.values,
        "features": layout.sizes[0],
        "outputs": layout.sizes[-1],
        "activation": activation_number(problem.model),
        "loss": loss_number(problem.loss),
        "delta": getattr(problem.loss, "delta", 1.0),
        "blocks": layout.blocks,
        "count": layout.count,
    }


def example_arguments(inputs: NDArray[Any], targets: NDArray[Any]) -> dict[str, Value]:
    """Inputs (S, epochs, N, F) and targets (S, epochs, N, O)."""
    rows, epochs, examples, _ = inputs.shape
    return {"inputs": inputs, "targets": targets, "data_rows": rows, "epochs": epochs, "examples": examples}


def tile_size(layout: Layout, most: int, dtype: np.dtype[Any]) -> int:
    """How many examples are looked at together, at most so many.

    As many as have values that take no more memory than the parameters, or than is little.
    """
    lanes = layout.members * dtype.itemsize
    example = (2 * layout.values + layout.sizes[0]) * lanes
    room = max(_TILE_BYTES, layout.count * layout.units * lanes)
    return max(1, min(most, room // example))


def training_arguments(
    problem: Problem, population: Population, spec: OptimizerSpec, batches: list[int], layout: Layout
) -> dict[str, Value]:
    """How a step is made.

    Args:
        problem: what is trained.
        population: its members.
        spec: of the optimizer.
        batches: the examples in each batch of an epoch.
        layout: of the members.
    """
    decays = population.optimizer.decays
    edges = layout.decay_edges([decays(p) for p in problem.parameters for _ in range(p.size)])
    scale, weight = _scales(problem, batches[0], sum(batches))
    last_scale, last_weight = _scales(problem, batches[-1], sum(batches))
    return {
        "batch": batches[0],
        "steps": len(batches),
        "scale": scale,
        "weight": weight,
        "last_scale": last_scale,
        "last_weight": last_weight,
        "optimizer": spec.number,
        "option_1": spec.options[0],
        "option_2": spec.options[1],
        "decay": spec.decay,
        "undecayed": spec.undecayed,
        "decay_edges": edges,
        "num_decay_edges": len(edges),
        "num_coefficients": len(spec.coefficients),
    }


def _scales(problem: Problem, size: int, used: int) -> tuple[float, float]:
    """What the derivatives of a batch are multiplied by, and its terms in the loss of its epoch."""
    terms = problem.num_terms
    scale = 1 / (size * terms) if problem.loss.reduction == "mean" else 1.0
    return scale, scale * size / used


def clipping_arguments(population: Population, layout: Layout, dtype: np.dtype[Any]) -> dict[str, Value]:
    """The limit of each member's gradient norm."""
    limits = population.hyperparameters.get("clip_grad_norm", np.full(population.size, np.inf))
    return {"limits": layout.spread(limits, dtype), "clips": bool(np.isfinite(limits).any())}


def uses_quadratic_form(problem: Problem, batches: list[int], layout: Layout) -> bool:
    """Whether gradients are those of a quadratic form: each step sees all examples, and the form is small."""
    model, size = problem.model, problem.splits["train"].size
    well_conditioned = model.highest_power <= _DEGREE
    few = layout.count <= min(_PARAMETERS, size)
    return is_quadratic(problem) and batches == [size] and well_conditioned and few


def quadratic_arguments(
    problem: Problem, rows: NDArray[np.intp], layout: Layout, dtype: np.dtype[Any], *, used: bool
) -> dict[str, Value]:
    """The loss of the training set as a quadratic form, for each member that of its row of data.

    Args:
        problem: what is trained.
        rows: (R,) the row of data of each member.
        layout: of the members.
        dtype: of training.
        used: whether there is a form.
    """
    if not used:
        blocks, members = layout.blocks, layout.members
        return {
            "is_quadratic": False,
            "quadratic_count": 0,
            "matrix": aligned((blocks, 0, 0, members), np.float64),
            "minimum": aligned((blocks, 0, members), np.float64),
            "least": aligned((blocks, members), np.float64),
        }
    form, order = quadratic_form(problem, dtype), layout.order
    matrix = form.matrix[:, order][:, :, order]
    return {
        "is_quadratic": True,
        "quadratic_count": len(order),
        "matrix": layout.spread(np.moveaxis(matrix[rows], 0, -1), np.float64),
        "minimum": layout.spread(form.minimum[:, order][rows].T, np.float64),
        "least": layout.spread(form.least[rows], np.float64),
    }
