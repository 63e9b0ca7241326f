"""A cluster on this machine: a scheduler within this process, and worker processes that share its cores.

Dask's own worker processes are made by multiprocessing, which runs the user's script again in each; Ctrl-C
reaches them when it reaches this process; and what they print lands on its terminal. These are processes of
their own: Ctrl-C does not reach them, they end with this process however it ends, and what they say goes
into a file. One that dies is replaced.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Self

from lrcli.errors import ClusterError
from lrcli.training.cores import cores

__all__ = ["LocalWorkers", "local_cluster"]

# Of libraries; the compiled engine takes as many as a worker has cores.
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
_LOOKING = 0.2  # seconds
_HOPELESS = 3  # deaths in a row of processes that never came to work
_CLOSING = 3.0  # seconds


@contextlib.contextmanager
def local_cluster(workers: int) -> Iterator[tuple[Any, "LocalWorkers"]]:
    """The cluster, and its processes, for a while.

    Args:
        workers: how many.

    Raises:
        ClusterError: this machine has no room for them.
    """
    with contextlib.ExitStack() as stack:
        try:
            directory = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="lrcli-", ignore_cleanup_errors=True)
            )
            cluster = stack.enter_context(_scheduler())
            processes = stack.enter_context(LocalWorkers(cluster.scheduler_address, workers, Path(directory)))
        except (OSError, RuntimeError) as error:
            raise ClusterError(
                f"--cluster local: workers cannot be started on this machine: {error}"
            ) from None
        yield cluster, processes


@contextlib.contextmanager
def _scheduler() -> Iterator[Any]:
    """In this process, without workers."""
    from distributed import LocalCluster

    cluster = LocalCluster(
        n_workers=0,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # any free port: another cluster may have Dask's own
    )
    try:
        yield cluster
    finally:
        with contextlib.suppress(Exception):  # its workers are gone: there is nothing to lose
            cluster.close(timeout=_CLOSING)


class LocalWorkers:
    """The worker processes.

    Attributes:
        pids: of those that live.
    """

    def __init__(self, scheduler: str, count: int, directory: Path) -> None:
        """Start none yet.

        Args:
            scheduler: its address.
            count: how many.
            directory: for their temporary files, and for what they say.
        """
        self._directory = directory
        # -P: what lies in the current directory, such as a random.py, is not what is imported.
        own = str(max(1, cores() // count))
        program = [sys.executable, "-P", "-m", "lrcli.cluster.local_worker"]
        self._command = [*program, scheduler, str(directory), own]
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * count
        self._early = 0
        self._came = False
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="lrcli workers", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._replace_dead()
            self._keeper.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._keeper.join()
        self._end()

    def _end(self) -> None:
        alive = [process for process in self._processes if process is not None]
        for process in alive:
            _kill(process)  # what they know is lost on purpose: nobody waits for it
        for process in alive:
            process.wait()
            _stream(process).close()

    @property
    def pids(self) -> list[int]:
        return [each.pid for each in self._processes if each is not None and each.poll() is None]

    def came(self) -> None:
        """Note that one of them has come to work: those that die from now on may be replaced for ever."""
        self._came = True

    def check(self) -> None:
        """Return unless they cannot even start.

        Raises:
            ClusterError: so it is, and what they said.
        """
        if self._hopeless:
            said = (self._directory / "workers.log").read_text(encoding="utf-8", errors="replace").split("\n")
            last = next((line for line in reversed(said) if line.strip()), "nothing")
            raise ClusterError(
                f"--cluster local: the worker processes end as they start; the last said: {last}"
            )

    @property
    def _hopeless(self) -> bool:
        return not self._came and self._early >= _HOPELESS * len(self._processes)

    def _keep(self) -> None:
        while not self._ending.wait(_LOOKING) and not self._hopeless:
            with contextlib.suppress(OSError):  # there is no room for a process now; it is tried again
                self._replace_dead()

    def _replace_dead(self) -> None:
        for place, process in enumerate(self._processes):
            if process is None or process.poll() is not None:
                if process is not None:
                    self._early += 1
                    _kill(process)
                    _stream(process).close()
                    self._processes[place] = None
                self._processes[place] = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._directory / "workers.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - lrcli itself
                self._command,
                stdin=subprocess.PIPE,  # which the system closes when this process is killed
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(sys.path),
                    **dict.fromkeys(_ONE_THREAD, "1"),
                },
                start_new_session=True,  # or Ctrl-C would reach them
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, and those that code of the user's has started in it, also where it has died itself."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # none is left
            os.killpg(process.pid, signal.SIGKILL)  # of its own session, see `LocalWorkers._start`
    process.kill()


def _stream(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdin is None:
        raise ValueError("its standard input is no pipe")
    return process.stdin
