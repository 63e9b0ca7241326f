"""What is sent to every worker and to the scheduler, as this text: they may have no lrcli, or another one.

It needs nothing but Python and Dask. What Dask would pickle instead are the names of lrcli's own modules, or
by value the instructions of one version of Python.
"""

import asyncio
import contextlib
import os
import pickle
from collections.abc import Callable
from typing import Any

from distributed import WorkerPlugin

__all__ = ["Gate", "forgetting"]


class Gate(WorkerPlugin):
    """Says whether a worker can train what the client would; one that can gets a resource that parts need.

    Attributes:
        name: of the sweep on this cluster: of the plugin, of the resource, and of the topic of what it says.
        paths: from the path of each Python file of the user's to where it is on this worker.
    """

    def __init__(self, name: str, version: str, settings: bytes) -> None:
        """Check nothing yet.

        Args:
            name: see above.
            version: of lrcli that the client has.
            settings: for lrcli of that version, pickled.
        """
        self.name = name
        self.paths: dict[str, str] = {}
        self._version = version
        self._settings = settings
        self._remove: Callable[[], None] | None = None

    async def setup(self, worker: Any) -> None:
        """Check, and say what was found."""
        reasons, facts = await asyncio.to_thread(self._admit, worker.local_directory)
        if not reasons:
            await worker.set_resources(**{self.name: 1})
        worker.log_event(self.name, {"gate": {"reasons": reasons, "facts": facts, "pid": os.getpid()}})

    async def teardown(self, worker: Any) -> None:
        """Leave the worker as it was."""
        with contextlib.suppress(Exception):  # it may be ending, or the scheduler is
            await worker.set_resources(**{self.name: 0})
        for resources in (worker.state.total_resources, worker.state.available_resources):
            resources.pop(self.name, None)
        if self._remove is not None:
            await asyncio.to_thread(self._remove)

    def _admit(self, directory: str) -> tuple[list[str], dict[str, Any]]:
        """The reasons against this process, and its facts."""
        try:
            import lrcli

            version = lrcli.__version__
        except Exception as error:
            return [f"lrcli cannot be imported there ({type(error).__name__}: {error})"], {}
        if version != self._version:
            return [f"lrcli {version} there, {self._version} here"], {"lrcli": version}
        try:
            from lrcli.cluster.admission import admit

            wanted = pickle.loads(self._settings)  # noqa: S301 - of the client that sends the parts, too
            reasons, facts, self.paths, self._remove = admit(wanted, directory)
        except Exception as error:
            return [f"lrcli cannot be used there ({type(error).__name__}: {error})"], {}
        return reasons, facts


def forgetting(name: str) -> Callable[..., None]:
    """What takes out of a scheduler what a sweep has left there, once nothing of it is trained any more."""

    def forget(dask_scheduler: Any = None) -> None:
        tasks = (task for worker in dask_scheduler.workers.values() for task in worker.processing)
        if any(name in (task.resource_restrictions or {}) for task in tasks):
            return
        dask_scheduler.resources.pop(name, None)
        for worker in dask_scheduler.workers.values():
            worker.resources.pop(name, None)
            worker.used_resources.pop(name, None)
        with contextlib.suppress(AttributeError):  # where this version of Dask keeps what was said on a topic
            dask_scheduler._broker._topics.pop(name, None)  # noqa: SLF001

    return forget
