"""Which result.json this version understands; without the types of results, which take a moment to import."""

from collections.abc import Mapping
from typing import Any

from lrcli.storage.digests import is_sealed

__all__ = ["COMMANDS", "SCHEMA", "what_is_wrong"]

COMMANDS = ("train", "sweep")
SCHEMA = 2  # a reader knows every schema up to its own; from 2 on a result ends with a digest of itself


def what_is_wrong(content: bytes, data: Mapping[str, Any]) -> str:
    """Why a result cannot be read, and what to do, as a clause; empty where it can.

    Args:
        content: of the file.
        data: what it says.
    """
    schema, whole = data.get("schema", SCHEMA), is_sealed(content)
    is_number, has_digest = type(schema) is int, "sha256" in data
    if is_number and schema > SCHEMA and (whole or not has_digest):
        return f"is of schema {schema}, from a newer lrcli; this one knows {SCHEMA}: update lrcli"
    known = is_number and schema >= 1
    without_digest = known and schema == 1 and not has_digest and data.get("command") in COMMANDS
    return "" if (whole and known) or without_digest else "has been damaged or edited by hand; train again"
