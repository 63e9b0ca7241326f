"""What every model says of itself. Its arithmetic in training is the engines'."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrcli.components.component import Component
from lrcli.components.initializers import AnyInitializer, Default, Own, Parameter, Uniform, Values
from lrcli.components.models.derivatives import Derivatives, DerivativesOfCurve, DerivativesOfDesign
from lrcli.components.models.least_squares import by_name, least_squares
from lrcli.components.randomness import generator

__all__ = ["Array", "Model", "NonlinearCurve", "dense_in_original_units", "dense_layer", "scalars"]

Array = NDArray[np.float64]


class Model(Component):
    """Base of all models.

    A model must have `parameters`. All else has a default that says nothing: without an equation none is
    shown, without a best fit there is nothing to hold learned parameters against.

    Attributes:
        one_feature: the model is a curve over a single input x.
        dense: made of products of matrices alone; quickest on the CPU at the sizes lrcli is for.
        linear_in_parameters: its output is `design` times its parameters, so least squares solves it.
        identifiable: other parameters give another function, but for those of `nearest_equivalent`.
        many_valleys: its squared errors may have many minima; `best_fit` is the lowest of those it finds.
        size_key: the key that makes its parameters many; None where the number of features does.
    """

    one_feature: ClassVar[bool] = False
    dense: ClassVar[bool] = False
    linear_in_parameters: ClassVar[bool] = False
    identifiable: ClassVar[bool] = True
    size_key: ClassVar[str | None] = None
    many_valleys: ClassVar[bool] = False

    init: AnyInitializer = Field(
        default_factory=lambda: Default(kind="default"), description="where the parameters start"
    )

    @property
    def noise_of_inputs(self) -> float:
        """The standard deviation of what training adds to the inputs."""
        return 0.0

    @property
    def highest_power(self) -> int:
        """Of an input among the features; high powers make their sums of squares lose digits."""
        return 1

    @property
    def has_best_fit(self) -> bool:
        """Whether `best_fit` finds parameters, of most data."""
        return self.linear_in_parameters

    @property
    def truths(self) -> dict[str, Array] | None:
        """True values that the experiment file itself gives, of all its parameters or of some.

        From parameter name to array in the parameter's shape; None where it gives none.
        """
        return None

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        """The model's parameters for D features and O outputs, in their canonical order."""
        raise NotImplementedError

    def initial(self, num_features: int, num_outputs: int, seed: int) -> dict[str, Array]:
        """The parameters as training begins with them, from name to array in the parameter's shape.

        Args:
            num_features: D.
            num_outputs: O.
            seed: of the run; each parameter has a generator of its own.
        """
        parameters = self.parameters(num_features, num_outputs)
        return {p.name: self.init.draw(p, generator(seed, "init", i)) for i, p in enumerate(parameters)}

    def features(self, inputs: Array) -> Array:
        """What the model is given in place of the inputs, worked out once for all examples.

        Args:
            inputs: (..., D).

        Returns:
            (..., F); the inputs themselves unless the model says otherwise.
        """
        return inputs

    def design(self, features: Array) -> Array:
        """The X of o = X theta; only of a model that is linear in its parameters.

        Theta is the matrices of the parameters, one below the other, in their canonical order.

        Args:
            features: (..., N, F).

        Returns:
            (..., N, P); the features themselves unless the model says otherwise.
        """
        if not self.linear_in_parameters:
            raise NotImplementedError
        return features

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array | None:
        """The model's outputs in float64, (N, O).

        Args:
            parameters: of one member, from name to array in the parameter's shape.
            inputs: (N, D).

        Returns:
            None where the model has no formula here; one with a best fit should have it, since the loss of
            that fit is not known without.
        """
        return None

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> Derivatives | None:
        """The derivatives of the model's outputs by its parameters, in float64.

        Args:
            parameters: of one member, from name to array in the parameter's shape.
            features: (N, F).

        Returns:
            None where the model has no formula here.
        """
        if not self.linear_in_parameters:
            return None
        design = self.design(features)
        theta = np.concatenate([values.reshape(-1) for values in parameters.values()])
        return DerivativesOfDesign(design, design @ theta.reshape(design.shape[-1], -1))

    def best_fit(
        self, inputs: Array, targets: Array, penalty: Array | None = None
    ) -> dict[str, Array] | None:
        """The parameters p with the smallest sum of squared errors plus sum of penalty p^2.

        Args:
            inputs: (N, D).
            targets: (N, O).
            penalty: (P,) of each number among the parameters; None: none. Only a model that is linear in its
                parameters takes one.

        Returns:
            None where there are none, or they cannot be found.
        """
        if not self.linear_in_parameters:
            return None
        theta = least_squares(self.design(self.features(inputs)), targets, penalty)
        return by_name(theta, self.parameters(inputs.shape[-1], targets.shape[-1]))

    def in_original_units(
        self, parameters: Mapping[str, Array], mean: Array, scale: Array
    ) -> dict[str, Array] | None:
        """The parameters that give of inputs x what the given ones give of (x - mean) / scale.

        Args:
            parameters: from name to (..., *shape).
            mean: (..., D), whose leading axes are the last of theirs, or none.
            scale: likewise.

        Returns:
            likewise; None where the model does not know how.
        """
        return None

    def equation(self, parameters: Mapping[str, Array]) -> str | None:
        """The curve's equation, such as ``y = 0.038 + 0.8736 x - 0.0066 x^2 - 0.0957 x^3``.

        Args:
            parameters: of one member, from name to array in the parameter's shape.

        Returns:
            None where the model is no curve over a single x.
        """
        return None

    def nearest_equivalent(
        self, learned: Mapping[str, Array], reference: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Of all parameters that give the same function as the learned ones, those nearest to the reference.

        Where a model has signs to choose they are those of the reference, and an angle is within half a turn.

        Args:
            learned: from parameter name to (R, *shape).
            reference: likewise.

        Returns:
            likewise; the learned ones themselves unless the model has symmetries.
        """
        return dict(learned)

    def torch_form(self) -> Any:
        """What the torch engine computes, of a model that lrcli does not have itself.

        Returns:
            (parameters, inputs) -> outputs in torch, whose gradient autograd derives: a parameter is
            (R, rows, columns), a scalar (R, 1, 1), inputs (R, B, F), outputs (R, B, O), R members each. Or a
            `lrcli.engines.torch.models.TorchModel`, with a gradient of its own.
        """
        raise NotImplementedError

    def mistakes(self, num_features: int, num_outputs: int) -> Iterator[tuple[str, str]]:
        """What keeps the model from taking D features and giving O outputs: (key, message) pairs."""
        kind = getattr(self, "kind", "")
        if self.one_feature and num_features != 1:
            yield "kind", f"a {kind} is a curve over one feature, but the dataset has {num_features}"
            return
        if self.one_feature and num_outputs != 1:
            yield "kind", f"a {kind} has one output, but the loss needs {num_outputs}"
            return
        if isinstance(self.init, Own) and kind != "module":
            yield "init.kind", "own is what the constructor of a module does; this model has none"
        if isinstance(self.init, Values):
            for name, message in self.init.mismatch(self.parameters(num_features, num_outputs)):
                yield f"init.values.{name}".rstrip("."), message
        if isinstance(self.init, Uniform) and not self.init.low < self.init.high:
            yield "init.high", f"must be greater than low, which is {self.init.low:g}"


class NonlinearCurve(Model):
    """Base of the curves over a single x that are not linear in their parameters, each a single number.

    What minimises their loss is looked for by their `derivatives`, near the true parameters.
    """

    one_feature = True

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> DerivativesOfCurve:
        raise NotImplementedError


def dense_layer(weight: str, bias: str, rows: int, columns: int) -> tuple[Parameter, Parameter]:
    """The weight and the bias of a dense layer of so many inputs and outputs."""
    return (
        Parameter(weight, (rows, columns), (rows, columns), fan_in=rows, fan_out=columns),
        Parameter(bias, (columns,), (1, columns), fan_in=rows, fan_out=columns, is_bias=True),
    )


def dense_in_original_units(w: Array, b: Array, mean: Array, scale: Array) -> tuple[Array, Array]:
    """The weights (..., D, O) and biases (..., O) of a layer, for x in place of (x - mean) / scale."""
    weights = w / scale[..., None]
    return weights, b - np.einsum("...d,...do->...o", mean, weights)


def scalars(*names: str) -> tuple[Parameter, ...]:
    """Parameters of a single number each."""
    return tuple(Parameter(name, (), (1, 1), fan_in=1) for name in names)
