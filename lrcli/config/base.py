"""The base of everything that can be written in an experiment file.

A `Config` is a frozen record. Its fields are the keys of a YAML mapping, its `Field` bounds are the
validation, and its descriptions are what users are shown, so the three cannot drift apart.
"""

from pydantic import BaseModel, ConfigDict

__all__ = ["Config"]


class Config(BaseModel):
    """One mapping of an experiment file.

    Unknown keys are refused, values are not converted (``true`` is no number, ``"1"`` is no integer)
    and NaN and infinity are no numbers. Build one from outside data with
    `lrcli.config.validation.validate`, which turns mistakes into messages with their place.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        defer_build=True,
    )
