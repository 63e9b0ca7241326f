"""The JSON Schema of experiment files, for editors and other tools.

It is made of the classes that validate a file, so it accepts what the loader accepts, as far as each
key can be judged by itself. What only two keys together can tell (a loss that needs classes, the ends
of a range in the wrong order) is left to ``lrcli check``.

A choice of ``kind`` is written as a condition for each kind, not as ``oneOf``: an editor that has to
guess which branch was meant completes the wrong keys and marks the wrong word.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lrcli.config.document import EXTENDS
from lrcli.experiment.experiment import Experiment

__all__ = ["schema", "schema_text"]

Schema = dict[str, Any]

_DIALECT = "http://json-schema.org/draft-07/schema#"  # the one that editors know best
_REF = "#/$defs/"
_WHOLE, _GRID = "experiment", "gridspec"
_ONLY_PYDANTIC_READS = {"title", "discriminator"}


def schema() -> Schema:
    """The schema, with a definition for each kind, such as ``optimizer.adam``.

    Each has a second form, such as ``optimizer.adam.part``, for files that extend another: they say
    only what they change, so nothing is required of them and an empty value undoes a key.
    """
    whole = Experiment.model_json_schema()
    whole["required"].remove("name")  # by default the file's stem
    definitions: dict[str, Schema] = whole.pop("$defs") | {_WHOLE: whole}
    kinds = {ref: name for body in definitions.values() for ref, name in _kinds(body)}
    names = {_REF + key: kinds.get(_REF + key, key.lower()) for key in definitions}
    named = {names[_REF + key]: body for key, body in definitions.items()}
    rewritings = [_Rewriting(named, names, partial=False), _Rewriting(named, names, partial=True)]
    extends = {
        "type": "string",
        "minLength": 1,
        "description": "the file that this one changes; its path from this one",
    }
    return {
        "$schema": _DIALECT,
        "type": "object",
        "properties": {EXTENDS: extends},
        "if": {"required": [EXTENDS]},
        "then": rewritings[1].reference(_WHOLE),
        "else": rewritings[0].reference(_WHOLE),
        "$defs": {name: body for rewriting in rewritings for name, body in rewriting.definitions(extends)},
    }


def schema_text() -> str:
    """The schema as JSON, a line for each definition."""
    content = schema()
    definitions = content.pop("$defs")
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(body)}" for name, body in definitions.items())
    start = json.dumps(content, indent=1).removesuffix("\n}")
    return f'{start},\n "$defs": {{\n{lines}\n }}\n}}\n'


def _kinds(body: Schema) -> Iterator[tuple[str, str]]:
    """The reference of each kind that the keys of a mapping may choose, and a name such as ``model.mlp``."""
    for key, value in body["properties"].items():
        for kind, ref in value.get("discriminator", {}).get("mapping", {}).items():
            yield ref, f"{key}.{kind}"


@dataclass(frozen=True)
class _Rewriting:
    """Pydantic's definitions, rewritten for whole files or for files that extend another.

    Attributes:
        named: Pydantic's definitions, under the names that they get.
        names: from Pydantic's references to those names.
        partial: for files that extend another.
    """

    named: dict[str, Schema]
    names: dict[str, str]
    partial: bool

    def definitions(self, extends: Schema) -> Iterator[tuple[str, Schema]]:
        """Each definition under its name."""
        for name, body in sorted(self.named.items()):
            if self.partial and name == _GRID:
                continue
            definition = self.rewrite(body)
            if name == _WHOLE and self.partial:
                definition["properties"][EXTENDS] = extends
            if "kind" in definition["properties"]:  # said by the choice
                definition["properties"]["kind"] = True
                definition["required"] = [key for key in definition.get("required", []) if key != "kind"]
            yield self.reference(name)["$ref"].removeprefix(_REF), definition

    def reference(self, name: str) -> Schema:
        """A reference to a definition; a swept key's values are given whole or not at all."""
        return {"$ref": f"{_REF}{name}.part" if self.partial and name != _GRID else _REF + name}

    def rewrite(self, node: Any) -> Any:
        """Anything inside Pydantic's schema, rewritten."""
        if isinstance(node, list):
            return [self.rewrite(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "discriminator" in node:
            return self.choice(node)
        kept = {key: self.rewrite(value) for key, value in node.items() if key not in _ONLY_PYDANTIC_READS}
        if "$ref" in node:
            kept |= self.reference(self.names[node["$ref"]])
        if node.get("default", ...) is None:
            del kept["default"]  # nothing that a file would say
        if self.partial and isinstance(node.get("additionalProperties"), dict):
            kept["additionalProperties"] = _or_empty(kept["additionalProperties"])
            kept.pop("minProperties", None)
        if self.partial and isinstance(node.get("properties"), dict):
            kept.pop("required", None)
            kept["properties"] = {key: _or_empty(value) for key, value in kept["properties"].items()}
        return kept

    def choice(self, node: Schema) -> Schema:
        """A mapping whose ``kind`` decides what else it may hold."""
        refs = node["discriminator"]["mapping"]
        bodies = {kind: self.named[self.names[ref]] for kind, ref in refs.items()}
        said = [{"const": kind, "description": _first_line(body)} for kind, body in bodies.items()]
        branches: list[Schema] = [
            {
                "if": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": kind}}},
                "then": self.reference(self.names[ref]),
            }
            for kind, ref in refs.items()
        ]
        branches.append(self.without_kind(bodies.values()) if self.partial else {"required": ["kind"]})
        about = {key: node[key] for key in ("description", "default") if key in node}
        kinds = {"description": "which one", "oneOf": said}
        return about | {"type": "object", "properties": {"kind": kinds}, "allOf": branches}

    def without_kind(self, bodies: Iterable[Schema]) -> Schema:
        """The keys of any kind, for a part that leaves the kind to the file that it extends."""
        meanings: dict[str, list[Schema]] = {}
        for body in bodies:
            for key, value in self.rewrite(body)["properties"].items():
                if value not in meanings.setdefault(key, []):
                    meanings[key].append(value)
        keys = {key: any_of[0] if len(any_of) == 1 else {"anyOf": any_of} for key, any_of in meanings.items()}
        return {
            "if": {"type": "object", "not": {"required": ["kind"]}},
            "then": {"properties": keys | {"kind": True}, "additionalProperties": False},
        }


def _first_line(body: Schema) -> str:
    return str(body.get("description", "")).partition("\n")[0]


def _or_empty(value: Schema) -> Schema:
    """The value of a key, or nothing; said by its type where it has one, which editors show best."""
    kept = dict(value)
    if "$ref" in kept:
        return {"anyOf": [kept, {"type": "null"}]}
    if isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
    if "enum" in kept:
        kept["enum"] = [*kept["enum"], None]
    if "anyOf" in kept and {"type": "null"} not in kept["anyOf"]:
        kept["anyOf"] = [*kept["anyOf"], {"type": "null"}]
    return kept
