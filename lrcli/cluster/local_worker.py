"""A worker process on this machine: ``python -m lrcli.cluster.local_worker SCHEDULER DIRECTORY CORES``.

It ends when its standard input does, as that of a process whose parent was killed does at once. Code of the
user's finds an empty one in its place.
"""

import asyncio
import os
import shutil
import signal
import sys
import threading

from distributed import Worker

__all__ = ["main"]


def main(scheduler: str, directory: str, cores: str) -> None:
    """Work for a scheduler until it closes this worker.

    Args:
        scheduler: its address.
        directory: for temporary files.
        cores: how many it may use.
    """
    threading.Thread(target=_end_with_parent, args=(_taken_input(), directory), daemon=True).start()
    asyncio.run(_work(scheduler, directory, int(cores)))


async def _work(scheduler: str, directory: str, cores: int) -> None:
    async with Worker(
        scheduler,
        nthreads=cores,
        memory_limit=0,  # none: how much a part may take was seen to when the sweep was cut
        local_directory=directory,
        dashboard=False,
    ) as worker:
        await worker.finished()


def _taken_input() -> int:
    """The standard input, out of the reach of whoever would wait for a line of it, or close it."""
    taken = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return taken


def _end_with_parent(pipe: int, directory: str) -> None:
    os.read(pipe, 1)
    shutil.rmtree(directory, ignore_errors=True)  # which the parent would have removed
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # what code of the user's has started, too
    os._exit(0)  # whatever it computes


if __name__ == "__main__":
    main(*sys.argv[1:])
