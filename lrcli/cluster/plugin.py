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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from distributed import WorkerPlugin, get_worker

from lrcli.cluster.facts import Wanted
from lrcli.cluster.opening import Opened
from lrcli.errors import ClusterError
from lrcli.wording import counted

__all__ = ["Accepted", "Workers", "admitted", "code_paths"]

_PREFIX = "lrcli-"
_LOOKING = 0.05  # seconds
_CLOSING = 3.0


@dataclass(frozen=True)
class Accepted:
    """A worker that may train.

    Attributes:
        address: of it.
        facts: what it is, as `lrcli.cluster.facts.facts_here` has it.
        pid: of its process.
    """

    address: str
    facts: Mapping[str, Any]
    pid: int


class Workers:
    """The workers of a cluster as they come and go; safe to ask from any thread.

    Attributes:
        name: of the plugin on each.
        topic: of what they say (`distributed.Worker.log_event`); the client's own, which the scheduler clears
            when the client has gone.
        listener: called, in Dask's own thread, with the address of a worker and what it has said that is not
            of this package; None: nobody listens.
        changed: set when one has come, was refused, or has gone.
    """

    def __init__(self, topic: str) -> None:
        """None is known yet.

        Args:
            topic: see above.
        """
        self.name = _PREFIX + topic
        self.topic = topic
        self.listener: Callable[[str, Mapping[str, Any]], None] | None = None
        self.changed = threading.Event()
        self._lock = threading.Lock()
        self._present: set[str] = set()
        self._accepted: dict[str, Accepted] = {}
        self._refused: dict[str, tuple[str, ...]] = {}
        self._gone: dict[str, None] = {}

    @property
    def accepted(self) -> dict[str, Accepted]:
        """Those that are there and may train, by address."""
        with self._lock:
            return dict(self._accepted)

    def has(self, worker: Accepted) -> bool:
        """Whether a worker is still the one that was accepted; another may have come at its address."""
        with self._lock:
            return self._accepted.get(worker.address) is worker

    @property
    def refused(self) -> dict[str, tuple[str, ...]]:
        """The reasons against each that may not, those that have gone included."""
        with self._lock:
            return dict(self._refused)

    @property
    def gone(self) -> tuple[str, ...]:
        """The addresses of those that have gone and have not been started again there, in order."""
        with self._lock:
            return tuple(self._gone)

    @property
    def unchecked(self) -> set[str]:
        """The addresses of those that have not answered yet."""
        with self._lock:
            return self._present - set(self._accepted) - set(self._refused)

    def refusals(self) -> list[str]:
        """A sentence for each reason, with the workers that it is about."""
        by_reasons: dict[tuple[str, ...], list[str]] = {}
        for address, reasons in self.refused.items():
            by_reasons.setdefault(reasons, []).append(address)
        return [f"{_listed(addresses)}: {'; '.join(reasons)}" for reasons, addresses in by_reasons.items()]

    def see(self, addresses: list[str]) -> None:
        """Note workers that are there, but for those that are known to have gone since that was asked."""
        with self._lock:
            self._present.update(set(addresses) - set(self._gone))

    def hear(self, event: tuple[float, Any]) -> None:
        """Take what a worker says on the topic; what the scheduler says there is of no interest."""
        told = event[1]
        if not isinstance(told, Mapping) or "worker" not in told:
            return
        address, gate = str(told["worker"]), told.get("gate")
        if not isinstance(gate, Mapping):
            if self.listener is not None:
                self.listener(address, told)
            return
        with self._lock:
            if gate["reasons"]:
                self._refused[address] = tuple(map(str, gate["reasons"]))
            elif address not in self._gone:
                accepted = Accepted(address, dict(gate["facts"]), int(gate["pid"]))
                self._accepted.setdefault(address, accepted)  # one that is checked twice is the same one
        self.changed.set()

    def follow(self, event: tuple[float, Any]) -> None:
        """Take what the scheduler says of workers that come and go."""
        told = event[1]
        action = told.get("action") if isinstance(told, Mapping) else None
        if action not in ("add-worker", "remove-worker"):
            return
        address = str(told["worker"])
        with self._lock:
            if action == "add-worker":  # where its port is fixed, at the address of one that has gone
                self._present.add(address)
                self._gone.pop(address, None)
                self._refused.pop(address, None)
            else:
                self._present.discard(address)
                self._gone[address] = None
                self._accepted.pop(address, None)
        self.changed.set()


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
            for name in opened.client.run_on_scheduler(_Sent("finding_left", prefix=_PREFIX)):
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
        return f"{_listed([*unchecked])} did not answer for {waited:.0f} seconds"
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


def _listed(addresses: list[str]) -> str:
    """A few addresses, and how many more."""
    shown = sorted(addresses)[:3]
    more = len(addresses) - len(shown)
    return ", ".join(shown) + (f" and {counted(more, 'other worker')}" if more else "")
