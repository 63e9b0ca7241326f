"""Which workers of a cluster may train: each is checked, those that come later, too.

    with admitted(opened, wanted) as workers:
        opened.client.submit(..., workers=[address])  # of workers.accepted

On every worker a plugin (`lrcli.cluster.gate`) holds what the worker is against what is wanted, and says
whether it fits. At the end the plugin is taken back, with the files that it has written.

Which worker trains a part is for the client to say. Dask's resources would not do: a task that waits for one
is looked at again only when a worker joins, not when a worker that is there is given it.
"""

import contextlib
import pickle
import threading
import time
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from distributed import WorkerPlugin, get_worker

from lrcli.cluster.facts import Wanted
from lrcli.cluster.opening import Opened
from lrcli.cluster.roster import PREFIX, Workers, listed
from lrcli.errors import ClusterError

__all__ = ["admitted", "code_paths"]

_LOOKING = 0.05  # seconds
_CLOSING = 3.0


class _Sent(WorkerPlugin):
    """The text of `lrcli.cluster.gate`; where it arrives, it becomes what a name in it makes of arguments."""

    def __init__(self, made: str, /, **arguments: Any) -> None:
        text = files("lrcli.cluster").joinpath("gate.py").read_text(encoding="utf-8")
        self._values = {"text": text, "made": made, "arguments": arguments}

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (_MAKING, self._values)


_MAKING = (
    "(lambda space: (exec(compile(text, 'lrcli/cluster/gate.py', 'exec'), space),"
    " space[made](**arguments))[1])({'__name__': 'lrcli_gate'})"
)


@contextlib.contextmanager
def admitted(opened: Opened, wanted: Wanted) -> Iterator[Workers]:
    """The workers that may train, from when there is one; late ones are checked as they come.

    Args:
        opened: the cluster.
        wanted: what they must have.

    Raises:
        ClusterError: all were refused, none came in time, or the scheduler is gone.
    """
    client = opened.client
    workers = Workers(client.id)
    client.subscribe_topic(workers.topic, workers.hear)
    client.subscribe_topic("all", workers.follow)
    try:
        workers.see([*client.nthreads()])
        _register(opened, workers, wanted)
        _wait(opened, workers)
        yield workers
    finally:
        _leave(opened, workers)


def code_paths(name: str) -> Mapping[str, str]:
    """From the path of each Python file of the user's to where it is on the worker that this is called on.

    Args:
        name: that of `Workers`.
    """
    gate: Any = get_worker().plugins[name]
    return dict(gate.paths)


def _register(opened: Opened, workers: Workers, wanted: Wanted) -> None:
    """Send the plugin to all workers; nobody waits for one that does not answer."""
    settings = pickle.dumps(wanted)
    plugin = _Sent("Gate", topic=workers.topic, version=wanted.facts["lrcli"], settings=settings)

    def send() -> None:
        with contextlib.suppress(Exception):  # it may be forbidden to ask the scheduler so
            for name in opened.client.run_on_scheduler(_Sent("finding_left", prefix=PREFIX)):
                opened.client.unregister_worker_plugin(name)
        # Where a worker dies over it, or the scheduler, that is seen elsewhere.
        with contextlib.suppress(Exception):
            opened.client.register_plugin(plugin, name=workers.name)

    threading.Thread(target=send, name="lrcli plugin", daemon=True).start()


def _wait(opened: Opened, workers: Workers) -> None:
    """Wait for the first worker that may train.

    Raises:
        ClusterError: there is not going to be one.
    """
    started = time.monotonic()
    while not workers.accepted:
        opened.check()
        opened.check_starting()
        waited = time.monotonic() - started
        unchecked = workers.unchecked
        if not unchecked and set(workers.refused) - set(workers.gone):
            raise ClusterError(f"{opened.address}: no worker can train this", workers.refusals())
        if opened.patience is not None and waited > opened.patience:
            raise ClusterError(f"{opened.address}: {_lacking(opened, unchecked, waited)}")
        workers.changed.wait(_LOOKING)
        workers.changed.clear()
    if opened.processes is not None:
        opened.processes.came()


def _lacking(opened: Opened, unchecked: set[str], waited: float) -> str:
    if unchecked:
        return f"{listed([*unchecked])} did not answer for {waited:.0f} seconds"
    start = "" if opened.owned else f"; start one with dask worker {opened.address}"
    return f"the cluster has no worker, and none came for {waited:.0f} seconds{start}"


def _leave(opened: Opened, workers: Workers) -> None:
    """Take everything back, as far as the cluster still answers."""
    client = opened.client
    if client.status != "running":
        return

    def leave() -> None:
        with contextlib.suppress(Exception):  # what does not answer any more has nothing left of it
            client.unregister_worker_plugin(workers.name)

    leaving = threading.Thread(target=leave, name="lrcli leaves", daemon=True)
    leaving.start()
    leaving.join(_CLOSING)
