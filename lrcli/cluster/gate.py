"""What is sent to workers and to the scheduler, as this text: they may have no lrcli, or another one.

It needs nothing but Python and Dask. What Dask would pickle instead are the names of lrcli's own modules, or
by value the instructions of one version of Python.
"""

import asyncio
import os
import pickle
from collections.abc import Callable
from typing import Any

from distributed import WorkerPlugin

__all__ = ["Gate", "finding_left"]


class Gate(WorkerPlugin):
    """Says whether a worker can train what the client would; the client gives parts to those that can.

    Attributes:
        paths: from the path of each Python file of the user's to where it is on this worker.
    """

    def __init__(self, topic: str, version: str, settings: bytes) -> None:
        """Check nothing yet.

        Args:
            topic: of events, on which it says what it has found.
            version: of lrcli that the client has.
            settings: for lrcli of that version, pickled.
        """
        self.paths: dict[str, str] = {}
        self._topic = topic
        self._version = version
        self._settings = settings
        self._remove: Callable[[], None] | None = None

    async def setup(self, worker: Any) -> None:
        """Check, and say what was found."""
        reasons, facts = await asyncio.to_thread(self._admit, worker.local_directory)
        worker.log_event(self._topic, {"gate": {"reasons": reasons, "facts": facts, "pid": os.getpid()}})

    async def teardown(self, worker: Any) -> None:
        """Leave the worker as it was."""
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


def finding_left(prefix: str) -> Callable[..., list[str]]:
    """What finds the plugins of clients that have gone without taking them back, as one that was killed has.

    Args:
        prefix: of their names; the rest of each is its client's.
    """

    def find(dask_scheduler: Any = None) -> list[str]:
        names = [name for name in dask_scheduler.worker_plugins if name.startswith(prefix)]
        return [name for name in names if name.removeprefix(prefix) not in dask_scheduler.clients]

    return find
