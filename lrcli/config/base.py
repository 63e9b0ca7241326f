"""The base of everything that can be written in an experiment file.

A `Config` is a frozen record. Its fields are the keys of a YAML mapping, its `Field` bounds are the
validation, and its descriptions are what users are shown, so the three cannot drift apart.
"""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

__all__ = ["Config"]


class Config(BaseModel):
    """One mapping of an experiment file.

    Unknown keys are refused, values are not converted (``true`` is no number, ``"1"`` is no integer)
    and NaN and infinity are no numbers. Build one from outside data with
    `lrcli.config.validation.validate`, which turns mistakes into messages with their location.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        defer_build=True,
    )

    @classmethod
    def key_order(cls) -> list[str]:
        """Its keys in the order to show them: ``kind``, its own, its family's, those of larger families."""
        return list(_key_order(cls))

    @model_serializer(mode="wrap")
    def _in_key_order(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data = serialize(self)
        return {name: data[name] for name in self.key_order() if name in data}


@cache
def _key_order(config: type[Config]) -> tuple[str, ...]:
    """See `Config.key_order`; asked for once for each member of a sweep."""
    fields = config.model_fields
    if "kind" not in fields:
        return tuple(fields)
    families = [c for c in config.__mro__ if issubclass(c, Config) and "kind" not in c.model_fields]
    shared = {name: sum(name in c.model_fields for c in families) for name in fields}
    return tuple(sorted(fields, key=lambda name: (name != "kind", shared[name])))
