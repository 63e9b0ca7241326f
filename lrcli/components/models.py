"""The table of models: what `model.kind` may be."""

from typing import Annotated

from pydantic import Field

from lrcli.components.curves import Legendre, Sinusoid
from lrcli.components.linear_models import Linear, Polynomial
from lrcli.components.model import Model
from lrcli.components.networks import MLP

__all__ = ["MLP", "AnyModel", "Legendre", "Linear", "Model", "Polynomial", "Sinusoid"]

AnyModel = Annotated[Linear | Polynomial | Legendre | Sinusoid | MLP, Field(discriminator="kind")]
