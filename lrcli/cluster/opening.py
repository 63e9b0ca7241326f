"""Opening a cluster: from a word of ``--cluster`` to a client of its scheduler.

    with open_cluster("tcp://lab:8786") as opened:
        opened.client.submit(...)

Only this package imports Dask, and only here for the first time.
"""

import asyncio
import contextlib
import importlib
import queue
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lrcli.cluster.greeting import check_scheduler
from lrcli.cluster.local import LocalWorkers, local_cluster
from lrcli.cluster.quiet import LastError, quiet
from lrcli.cluster.user_classes import cluster_of, told_of
from lrcli.cluster.words import ClassOfCluster, Local, Scheduler, Word, parse_word
from lrcli.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Opened", "need_dask", "open_cluster"]

_ANSWER = 5.0  # seconds that a scheduler may take for it
_CLOSING = 3.0
_LOST = "15s"  # without a sign of life a connection is lost; Dask allows no less than 12, and waits 30


@dataclass(frozen=True)
class Opened:
    """A cluster that can be used.

    Attributes:
        client: of its scheduler; it does not become Dask's default one.
        address: of the scheduler.
        dashboard: address of the page that shows its work; empty: there is none.
        patience: how many seconds a first worker may take; None: as long as it takes.
        owned: it ends when the client does.
        processes: the workers, where they are processes of this machine that lrcli has started.
        errors: what Dask said last of its own.
    """

    client: "Client"
    address: str
    dashboard: str
    patience: float | None
    owned: bool
    processes: LocalWorkers | None
    errors: LastError

    def check(self) -> None:
        """Return while the scheduler is there.

        Raises:
            ClusterError: it has gone away.
        """
        if self.client.status != "running":
            raise ClusterError(f"{self.address}: the scheduler of the cluster has gone away")

    def check_starting(self) -> None:
        """Return unless a cluster that was made here cannot start workers; none has come yet.

        Raises:
            ClusterError: it cannot, as far as it says.
        """
        if self.processes is not None:
            self.processes.check()
        elif self.owned and self.errors.text:
            raise ClusterError(f"{self.address}: the cluster could not start a worker: {self.errors.text}")


@contextlib.contextmanager
def open_cluster(text: str) -> Iterator[Opened]:
    """A cluster for a while; what was started for it ends with it.

    Args:
        text: the word, see `lrcli.cluster.words`.

    Raises:
        UsageError: the word means nothing, or Dask is not installed.
        ClusterError: there is no scheduler, or it cannot be used.
    """
    word = parse_word(text)
    need_dask()
    with quiet() as errors, contextlib.ExitStack() as stack:
        cluster, processes = stack.enter_context(_started(word))
        client = stack.enter_context(_client(text, cluster))
        yield Opened(
            client,
            _address(client),
            _dashboard(client) if not isinstance(word, Local) or find_spec("bokeh") else "",
            {Scheduler: 20.0, Local: 60.0, ClassOfCluster: None}[type(word)],
            not isinstance(word, Scheduler),
            processes,
            errors,
        )


def need_dask() -> None:
    """Return if Dask is there.

    Raises:
        UsageError: it is not installed.
    """
    try:
        importlib.import_module("distributed")
    except ImportError as error:
        missing = error.name or "distributed"
        raise UsageError(
            f"--cluster needs Dask, and {missing} is not installed: pip install 'lrcli[cluster]'"
        ) from None


@contextlib.contextmanager
def _started(word: Word) -> Iterator[tuple[Any, LocalWorkers | None]]:
    """What a client is made of: a cluster or an address; and the worker processes of this machine."""
    if isinstance(word, Scheduler):
        import dask

        check_scheduler(word, _tls(word) if word.scheme == "tls" else None)
        with dask.config.set({"distributed.comm.timeouts.tcp": _LOST}):
            _check_kind(word)
            yield word.address, None
    elif isinstance(word, Local):
        with local_cluster(word.workers) as (cluster, processes):
            yield cluster, processes
    else:
        with cluster_of(word) as cluster:
            yield cluster, None


def _check_kind(word: Scheduler) -> None:
    """Return if a scheduler answers, and one of a version that this one of Dask understands.

    A client that is refused says so on standard error when Python ends; so it is asked for before.

    Raises:
        ClusterError: it does not.
    """
    from distributed import rpc
    from distributed.security import Security

    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()

    async def ask() -> Any:
        arguments = Security().get_connection_args("client")
        async with rpc(word.address, timeout=_ANSWER, connection_args=arguments) as peer:
            return await peer.identity()

    def put() -> None:
        try:
            answer.put(asyncio.run(asyncio.wait_for(ask(), _ANSWER)))
        except Exception as error:
            answer.put(error)

    threading.Thread(target=put, daemon=True).start()  # where this thread has a loop of its own, in notebooks
    try:
        found = answer.get(timeout=_ANSWER + 1)
    except queue.Empty:
        found = TimeoutError()
    if isinstance(found, Exception):
        told = "no answer in time" if isinstance(found, TimeoutError) else told_of(found)
        raise ClusterError(f"{word.address}: its answer is not one of Dask {_version()}: {told}")
    kind = found.get("type") if isinstance(found, dict) else None
    if kind != "Scheduler":
        raise ClusterError(
            f"{word.address}: is no scheduler, but a {kind or 'program'} of Dask; say its scheduler's"
        )


def _tls(word: Scheduler) -> ssl.SSLContext:
    """What Dask's configuration says of encryption.

    Raises:
        UsageError: it says nothing, or what cannot be used.
    """
    from distributed.security import Security

    try:
        context: ssl.SSLContext | None = Security().get_connection_args("client").get("ssl_context")
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"{word.address}: the certificates of Dask's configuration cannot be used: {error}"
        ) from None
    if context is None:
        keys = "distributed.comm.tls.ca-file, client.cert and client.key"
        raise UsageError(f"{word.address}: needs certificates; name them in Dask's configuration ({keys})")
    return context


@contextlib.contextmanager
def _client(text: str, cluster: Any) -> Iterator["Client"]:
    from distributed import Client

    try:
        client = Client(cluster, timeout=_ANSWER, set_as_default=False, direct_to_workers=False)
    except Exception as error:  # of whatever a scheduler of another version may answer
        raise ClusterError(
            f"--cluster {text}: could not be used as a scheduler of Dask {_version()}: {told_of(error)}"
        ) from None
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone; nothing waits for an answer of it
            client.close(timeout=_CLOSING)


def _address(client: "Client") -> str:
    scheduler: Any = client.scheduler
    return str(scheduler.address)


def _dashboard(client: "Client") -> str:
    with contextlib.suppress(Exception):  # the scheduler has none, or the template of its address is wrong
        return str(client.dashboard_link or "")
    return ""


def _version() -> str:
    """Of Dask here."""
    return str(importlib.import_module("distributed").__version__)
