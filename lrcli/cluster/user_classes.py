"""A cluster of a class that the user names, such as that of a batch system, made as Dask is configured."""

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from lrcli.cluster.words import ClassOfCluster
from lrcli.errors import ClusterError, UsageError

__all__ = ["cluster_of", "told_of"]

_NEEDED = ("scheduler_address", "scale", "close")  # of a cluster


@contextlib.contextmanager
def cluster_of(word: ClassOfCluster) -> Iterator[Any]:
    """A cluster of a class that the user names.

    Raises:
        UsageError: it cannot be made.
    """
    make = _found(word)
    try:
        cluster = make()
    except Exception as error:
        raise UsageError(f"--cluster {word}: could not be made without arguments: {told_of(error)}") from None
    if any(not hasattr(cluster, name) for name in _NEEDED):
        raise UsageError(f"--cluster {word}: makes no cluster of Dask's, but a {type(cluster).__name__}")
    try:
        if word.workers is not None:
            try:
                cluster.scale(word.workers)
            except Exception as error:
                raise ClusterError(f"--cluster {word}: could not start workers: {told_of(error)}") from None
        yield cluster
    finally:
        with contextlib.suppress(Exception):  # that its jobs could not be ended was logged by it
            cluster.close()


def _found(word: ClassOfCluster) -> Callable[[], Any]:
    top = word.module.partition(".")[0]
    try:
        module = importlib.import_module(word.module)
    except ImportError as error:
        if error.name == top:
            raise UsageError(f"--cluster {word}: there is no package {top}; is it installed here?") from None
        raise UsageError(f"--cluster {word}: {word.module} cannot be imported: {told_of(error)}") from None
    except Exception as error:
        raise UsageError(f"--cluster {word}: {word.module} cannot be imported: {told_of(error)}") from None
    make = getattr(module, word.name, None)
    if make is None:
        raise UsageError(f"--cluster {word}: {word.module} has no {word.name}")
    if not callable(make) or (isinstance(make, type) and any(not hasattr(make, name) for name in _NEEDED)):
        raise UsageError(f"--cluster {word}: is no class of clusters, which has {', '.join(_NEEDED)}")
    return make  # type: ignore[no-any-return]


def told_of(error: Exception) -> str:
    """What an error says, on one line."""
    text = " ".join(str(error).split())
    return text or type(error).__name__
