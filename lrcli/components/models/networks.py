"""Networks: layers with an activation between them."""

import itertools
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from lrcli.components.initializers import Parameter
from lrcli.components.models.base import Array, Model, dense_in_original_units, dense_layer
from lrcli.components.models.network_derivatives import ACTIVATIONS, DerivativesOfLayers

__all__ = ["MLP"]


class MLP(Model):
    """Dense layers with an activation between them: h1 = act(x w1 + b1), ..., o = h w + b.

    The last layer has no activation: its output is a number or a logit.

    Source: Rumelhart, Hinton and Williams 1986; the layers are those of torch.nn.Linear.
    """

    dense = True
    identifiable = False
    size_key = "hidden"

    kind: Literal["mlp"]
    hidden: list[Annotated[int, Field(ge=1, le=10**12)]] = Field(
        examples=[[4, 4]], description="units of each hidden layer; may be empty"
    )
    activation: Literal["relu", "tanh", "sigmoid"] = Field("relu", description="after each hidden layer")
    input_noise: float = Field(
        0.0, ge=0, description="standard deviation of noise added to the inputs, in training only"
    )

    @property
    def noise_of_inputs(self) -> float:
        return self.input_noise

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        sizes = [num_features, *self.hidden, num_outputs]
        layers = enumerate(itertools.pairwise(sizes), start=1)
        return tuple(
            parameter._replace(of_features=parameter.name == "w1")
            for i, (rows, columns) in layers
            for parameter in dense_layer(f"w{i}", f"b{i}", rows, columns)
        )

    def in_original_units(
        self, parameters: Mapping[str, Array], mean: Array, scale: Array
    ) -> dict[str, Array]:
        """The first layer alone meets the inputs."""
        w, b = dense_in_original_units(parameters["w1"], parameters["b1"], mean, scale)
        return {**parameters, "w1": w, "b1": b}

    def outputs(self, parameters: Mapping[str, Array], inputs: Array) -> Array:
        """Without the noise of the inputs, which is of training alone."""
        return self.derivatives(parameters, inputs).outputs

    def hidden_values(self, parameters: Mapping[str, Array], inputs: Array) -> list[Array]:
        """What the units of each hidden layer answer, (N, units) each, without the noise of the inputs."""
        return self.derivatives(parameters, inputs).hidden

    def derivatives(self, parameters: Mapping[str, Array], features: Array) -> DerivativesOfLayers:
        layers = range(1, len(self.hidden) + 2)
        weights, biases = ([parameters[f"{kind}{i}"] for i in layers] for kind in "wb")
        return DerivativesOfLayers(ACTIVATIONS[self.activation], weights, biases, features)
