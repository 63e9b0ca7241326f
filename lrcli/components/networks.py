"""Networks: layers with an activation between them."""

import itertools
from typing import Annotated, Literal

from pydantic import Field

from lrcli.components.initializers import Parameter
from lrcli.components.model import Model, dense_layer

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
            parameter
            for i, (rows, columns) in layers
            for parameter in dense_layer(f"w{i}", f"b{i}", rows, columns)
        )
