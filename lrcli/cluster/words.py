"""What ``--cluster`` may say: the address of a scheduler, ``local``, or the class of a cluster.

tcp://HOST:PORT, tls://HOST:PORT     a scheduler that is running
local, local:N                       N worker processes on this machine, sharing its cores
package.Class, package.Class:N       a cluster that Dask's configuration describes, such as a queue's
"""

import re
from dataclasses import dataclass

from lrcli.errors import UsageError
from lrcli.training.cores import cores
from lrcli.wording import counted

__all__ = ["ClassOfCluster", "Local", "Scheduler", "Word", "parse_word"]

_PORTS = range(1, 65536)
_MOST = 100_000  # workers
_MOST_HERE = 32  # on this machine, whose memory they share; or so many for each core as follows
_MOST_EACH = 4
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_FORMS = "tcp://HOST:8786, local, local:4, or a class such as dask_jobqueue.SLURMCluster:10"


@dataclass(frozen=True)
class Scheduler:
    """A scheduler that is running.

    Attributes:
        scheme: ``tcp`` or ``tls``.
        host: its name or address; of version 6 without brackets.
        port: of it.
    """

    scheme: str
    host: str
    port: int

    @property
    def address(self) -> str:
        """As Dask writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True)
class Local:
    """Worker processes of this machine.

    Attributes:
        workers: how many.
    """

    workers: int


@dataclass(frozen=True)
class ClassOfCluster:
    """A class, or a function, that makes a cluster when it is called without arguments.

    Attributes:
        module: where it is.
        name: of it.
        workers: how many it is asked for; None: as many as its configuration says.
    """

    module: str
    name: str
    workers: int | None

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


Word = Scheduler | Local | ClassOfCluster


def parse_word(word: str) -> Word:
    """What a word of ``--cluster`` means; nothing is looked for.

    Raises:
        UsageError: it means nothing.
    """
    scheme, separator, rest = word.partition("://")
    if separator:
        return _scheduler(word, scheme, rest)
    name, separator, count = word.partition(":")
    workers = _count(word, count) if separator else None
    if name == "local":
        return _local(word, workers)
    if _NAME.fullmatch(name):
        module, _, attribute = name.rpartition(".")
        return ClassOfCluster(module, attribute, workers)
    raise UsageError(f"--cluster {word}: is no cluster; say {_FORMS}")


def _scheduler(word: str, scheme: str, rest: str) -> Scheduler:
    if scheme not in {"tcp", "tls"}:
        raise UsageError(
            f"--cluster {word}: a scheduler's address begins with tcp:// or tls://, not {scheme}://"
        )
    host, separator, port = rest.removesuffix("/").rpartition(":")
    if not separator or port.endswith("]"):
        raise UsageError(
            f"--cluster {word}: has no port; Dask's own is 8786: {scheme}://{rest or 'HOST'}:8786"
        )
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not bare or re.search(r"[\s/@\[\]]", bare) or (":" in bare and bare == host):
        raise UsageError(f"--cluster {word}: {host or 'nothing'} is no host; say {scheme}://HOST:{port}")
    if not (port.isascii() and port.isdecimal() and int(port) in _PORTS):
        raise UsageError(
            f"--cluster {word}: {port or 'nothing'} is no port, which is a number from 1 to 65535"
        )
    return Scheduler(scheme, bare, int(port))


def _local(word: str, workers: int | None) -> Local:
    here = cores()
    most = max(_MOST_HERE, _MOST_EACH * here)
    if workers is not None and workers > most:
        raise UsageError(f"--cluster {word}: this machine has {counted(here, 'core')}; say {most} or fewer")
    return Local(here if workers is None else workers)


def _count(word: str, count: str) -> int:
    if not (count.isascii() and count.isdecimal() and 1 <= int(count[:9]) <= _MOST and len(count) < 9):
        raise UsageError(f"--cluster {word}: {count or 'nothing'} is no number of workers; say 1 or more")
    return int(count)
