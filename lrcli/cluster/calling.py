"""Calling a function of lrcli on a worker through a scheduler that has no lrcli.

    client.submit(*called("lrcli.cluster.work:train", work, 3), workers=[address], pure=False)

The scheduler unpickles what is submitted, and a function is pickled as the name of its module. So what is
submitted is Python's own `eval`, and names and bytes that only the worker looks into.
"""

import pickle
from collections.abc import Callable
from typing import Any

__all__ = ["called"]

_CALL = "__import__('pkgutil').resolve_name(function)(*__import__('pickle').loads(arguments))"


def called(function: str, *arguments: Any) -> tuple[Callable[..., Any], str, dict[str, Any]]:
    """What `distributed.Client.submit` takes for a call.

    Args:
        function: ``package.module:name``.
        arguments: of the call; pickled here.
    """
    return eval, _CALL, {"function": function, "arguments": pickle.dumps(arguments)}
