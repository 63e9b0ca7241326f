"""The workers of a cluster as its client knows them: who is there, who may train, who has gone."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lrcli.wording import counted

__all__ = ["PREFIX", "Accepted", "Workers", "listed"]

PREFIX = "lrcli-"  # of the names of plugins


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
        self.name = PREFIX + topic
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
        return [f"{listed(addresses)}: {'; '.join(reasons)}" for reasons, addresses in by_reasons.items()]

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


def listed(addresses: list[str]) -> str:
    """A few addresses, and how many more."""
    shown = sorted(addresses)[:3]
    more = len(addresses) - len(shown)
    return ", ".join(shown) + (f" and {counted(more, 'other worker')}" if more else "")
