"""The table of models: what `model.kind` may be."""

from typing import Annotated

from pydantic import Field

from lrcli.components.models.base import Model
from lrcli.components.models.curves import Legendre, Sinusoid
from lrcli.components.models.linear import Linear, Polynomial
from lrcli.components.models.module import Module
from lrcli.components.models.networks import MLP
from lrcli.components.models.physics import ExponentialDecay, Ohm, Planck

__all__ = [
    "MLP",
    "AnyModel",
    "ExponentialDecay",
    "Legendre",
    "Linear",
    "Model",
    "Module",
    "Ohm",
    "Planck",
    "Polynomial",
    "Sinusoid",
]

AnyModel = Annotated[
    Linear | Polynomial | Legendre | Sinusoid | MLP | Ohm | Planck | ExponentialDecay | Module,
    Field(discriminator="kind"),
]
