"""Standard errors of least squares: the roots of the diagonal of s^2 (X'X)^-1.

s^2 = RSS / (N - P) estimates the variance of the noise from the residuals, as every statistics package
prints it. Where columns of X depend on each other, P is their rank, and (X'X)^-1 the pseudoinverse, which is
right for the numbers that the data determine. Source: Seber and Lee 2003, Linear Regression Analysis, section
3.2.
"""

from collections.abc import Mapping

import numpy as np

from lrcli.analysis.reference import Examples
from lrcli.components.datasets.base import Array, Scaling
from lrcli.components.models.base import Model
from lrcli.components.models.least_squares import by_name

__all__ = ["standard_errors"]

_MOST_WORK = 1e9  # N P^2; more takes minutes
_CLEAR = 1e-12  # of the largest eigenvalue of X'X, its columns of length 1: what smaller ones are is rounding


def standard_errors(
    model: Model, values: Mapping[str, Array], examples: Examples, scaling: Scaling | None
) -> dict[str, Array] | None:
    """Those of the best parameters, in original units.

    Args:
        model: the model.
        values: from parameter name to (K, *shape), of least squares on the inputs as they are.
        examples: what they were trained on.
        scaling: what the inputs were standardised with, (S, D) each; None: nothing.

    Returns:
        From parameter name to (K, *shape), NaN where there are no more examples than parameters; None where
        the model is not linear in its parameters, has several outputs, or is too large.
    """
    if not model.linear_in_parameters or examples.targets.shape[2] != 1:
        return None
    size = sum(value[0].size for value in values.values())
    if max(examples.inputs.shape[1], size) * size**2 > _MOST_WORK:
        return None
    found = []
    for number, row in enumerate(examples.rows.tolist()):
        best = {name: value[number] for name, value in values.items()}
        covariance = _covariance(model, best, examples.inputs[row], examples.targets[row])
        if scaling is not None:
            change = _change(model, examples.inputs.shape[2], scaling.mean[row], scaling.scale[row])
            covariance = change.T @ covariance @ change
        found.append(np.sqrt(np.clip(np.diag(covariance), 0, None)))
    parameters = model.parameters(examples.inputs.shape[2], 1)
    return by_name(np.stack(found)[:, :, None], parameters)


def _covariance(model: Model, best: Mapping[str, Array], inputs: Array, targets: Array) -> Array:
    """(P, P) of the parameters in their canonical order."""
    columns = model.design(model.features(inputs))
    theta = np.concatenate([value.reshape(-1, 1) for value in best.values()])
    residuals = targets - columns @ theta
    lengths = np.linalg.norm(columns, axis=0)
    lengths = np.where(lengths == 0, 1.0, lengths)
    products = (columns.T @ columns) / lengths / lengths[:, None]
    eigenvalues, directions = np.linalg.eigh(products)
    kept = eigenvalues > _CLEAR * eigenvalues.max()
    freedom = len(columns) - int(kept.sum())
    if freedom < 1:
        return np.full(products.shape, np.nan)
    inverse = (directions[:, kept] / eigenvalues[kept]) @ directions[:, kept].T / lengths / lengths[:, None]
    return np.asarray(float(np.sum(residuals**2)) / freedom * inverse)


def _change(model: Model, num_features: int, mean: Array, scale: Array) -> Array:
    """(P, P) whose row j is what becomes of the parameters of which number j alone is 1."""
    parameters = model.parameters(num_features, 1)
    size = sum(parameter.size for parameter in parameters)
    changed = model.in_original_units(by_name(np.eye(size)[:, :, None], parameters), mean, scale) or {}
    return np.concatenate([changed[p.name].reshape(size, -1) for p in parameters], axis=1)
