"""Files that are no experiments: one that an experiment extends is named in messages, never quoted.

Whoever writes ``extends: /etc/passwd`` must not get to see that file through its "mistakes".
"""

import re
from typing import Any

from lrcli.config.base import Config
from lrcli.config.document import EXTENDS
from lrcli.config.keys import models_at

__all__ = ["resembles", "text_resembles"]

_COMMON = {"name", "path", "args"}  # keys that blocks of other programs have, too
_KEY = re.compile(r"^[\"']?([\w.-]+)[\"']?[ \t]*:", re.MULTILINE)


def resembles(data: Any, config: type[Config]) -> bool:
    """Whether data were meant to be such a mapping, mistakes aside.

    Either every key is one of the class's, or half of them are and one of its blocks has a key that belongs
    there: words such as ``name`` and ``model`` stand in many a file.
    """
    if not isinstance(data, dict) or not data:
        return False
    known = [key for key in data if _is_key(key, config)]
    if len(known) == len(data):
        return True
    return 2 * len(known) >= len(data) and any(_fits(key, data, config) for key in known)


def text_resembles(text: str, config: type[Config]) -> bool:
    """The same of a text that is no YAML: by the words at the beginnings of its lines, one a required key."""
    keys = _KEY.findall(text)
    known = [key for key in keys if _is_key(key, config)]
    required = [key for key in known if key != EXTENDS and config.model_fields[key].is_required()]
    return bool(required) and 2 * len(known) >= len(keys)


def _is_key(key: str, config: type[Config]) -> bool:
    return key == EXTENDS or key in config.model_fields


def _fits(key: str, data: dict[str, Any], config: type[Config]) -> bool:
    """Whether a key holds a block, and the block one of its own keys."""
    if key == EXTENDS or not isinstance(data[key], dict):
        return False
    said = set(data[key]) - _COMMON
    return any(set(model.model_fields) & said for model in models_at(config, (key,), data))
