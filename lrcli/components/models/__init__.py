"""The table of models: what `model.kind` may be."""

from typing import Annotated

from pydantic import Field

from lrcli.components.models.base import Model
from lrcli.components.models.curves import Legendre, Sinusoid
from lrcli.components.models.linear import Linear, Polynomial
from lrcli.components.models.module import Module
from lrcli.components.models.networks import MLP

__all__ = ["MLP", "AnyModel", "Legendre", "Linear", "Model", "Module", "Polynomial", "Sinusoid"]

AnyModel = Annotated[Linear | Polynomial | Legendre | Sinusoid | MLP | Module, Field(discriminator="kind")]
