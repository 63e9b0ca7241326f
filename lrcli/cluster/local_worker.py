"""A worker process on this machine: ``python -m lrcli.cluster.local_worker SCHEDULER DIRECTORY``.

It ends when its standard input does, as that of a process whose parent was killed does at once.
"""

import asyncio
import os
import shutil
import sys
import threading

from distributed import Worker

__all__ = ["main"]


def main(scheduler: str, directory: str) -> None:
    """Work for a scheduler until it closes this worker.

    Args:
        scheduler: its address.
        directory: for temporary files.
    """
    threading.Thread(target=_end_with_parent, args=(directory,), daemon=True).start()
    asyncio.run(_work(scheduler, directory))


async def _work(scheduler: str, directory: str) -> None:
    async with Worker(
        scheduler,
        nthreads=1,
        memory_limit=0,  # none: how much a part may take was seen to when the sweep was cut
        local_directory=directory,
        dashboard=False,
    ) as worker:
        await worker.finished()


def _end_with_parent(directory: str) -> None:
    os.read(sys.stdin.fileno(), 1)
    shutil.rmtree(directory, ignore_errors=True)  # which the parent would have removed
    os._exit(0)  # whatever it computes


if __name__ == "__main__":
    main(*sys.argv[1:])
