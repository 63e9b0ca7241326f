"""Whether a Dask scheduler answers at an address, found out within seconds and without Dask.

Dask's own client tries again until its time is up whatever the reason is, and waits forever for something
that takes a connection and says nothing. A scheduler says something at once: a message of Dask's own form.
"""

import contextlib
import socket
import ssl

from lrcli.cluster.words import Scheduler
from lrcli.errors import ClusterError

__all__ = ["check_scheduler"]

_CONNECTING = 5.0  # seconds
_ANSWERING = 4.0
_HEADER = 8  # bytes: the length of the message that follows
_LONGEST = 1 << 20


def check_scheduler(word: Scheduler, tls: ssl.SSLContext | None) -> None:
    """Return if something answers there as a Dask scheduler would.

    Args:
        word: where.
        tls: what a ``tls://`` address is talked to by.

    Raises:
        ClusterError: it is not there, or is none.
    """
    with contextlib.closing(_connected(word)) as plain:
        plain.settimeout(_ANSWERING)
        try:
            stream = tls.wrap_socket(plain) if tls is not None else plain
            with contextlib.closing(stream):
                header = _read(stream, _HEADER)
        except ssl.SSLError as error:
            if error.reason == "WRONG_VERSION_NUMBER":
                raise ClusterError(f"{word.address}: has no encryption; say tcp:// instead") from None
            why = error.reason or str(error)
            raise ClusterError(
                f"{word.address}: there is no trust between it and this machine: {why}"
            ) from None
        except TimeoutError:
            raise ClusterError(f"{word.address}: {_SILENT[word.scheme]}") from None
        except OSError as error:
            raise ClusterError(
                f"{word.address}: answers, but not as a Dask scheduler: {_why(error)}"
            ) from None
    if len(header) < _HEADER or not 0 < int.from_bytes(header, "little") < _LONGEST:
        raise ClusterError(f"{word.address}: something else than a Dask scheduler answers there")


def _read(stream: socket.socket, size: int) -> bytes:
    """So many bytes; fewer where no more come."""
    found = b""
    while len(found) < size:
        more = stream.recv(size - len(found))
        if not more:
            break
        found += more
    return found


_SILENT = {
    "tcp": "something is there that does not answer as a Dask scheduler; one with encryption is at tls://",
    "tls": "something is there that does not answer as a Dask scheduler with encryption; is it one at tcp://?",
}


def _connected(word: Scheduler) -> socket.socket:
    """A connection.

    Raises:
        ClusterError: there is none.
    """
    try:
        return socket.create_connection((word.host, word.port), timeout=_CONNECTING)
    except (socket.gaierror, UnicodeError):
        raise ClusterError(
            f"{word.address}: there is no host {word.host}, as far as this machine knows"
        ) from None
    except ConnectionRefusedError:
        start = f"dask scheduler --port {word.port}"
        raise ClusterError(
            f"{word.address}: no scheduler is running there; start one on that machine with {start}"
        ) from None
    except OSError as error:
        raise ClusterError(f"{word.address}: could not be reached: {_why(error)}") from None


def _why(error: OSError) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
