"""What answers at the address of a scheduler and is none is told within seconds."""

import socket
import ssl
import threading

import pytest

from lrcli.cluster import greeting
from lrcli.cluster.greeting import check_scheduler
from lrcli.cluster.words import Scheduler
from lrcli.errors import ClusterError


@pytest.fixture
def answering(monkeypatch):
    """A server that says the same to everyone, and what an address of it would be."""
    monkeypatch.setattr(greeting, "_ANSWERING", 0.2)
    servers = []

    def serve(said, scheme="tcp", hangs_up=True):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.sendall(said)
                while not hangs_up and connection.recv(4096):
                    pass

        threading.Thread(target=answer, daemon=True).start()
        return Scheduler(scheme, "127.0.0.1", server.getsockname()[1])

    yield serve
    for server in servers:
        server.close()


def told(word, tls=None):
    with pytest.raises(ClusterError) as caught:
        check_scheduler(word, tls)
    assert caught.value.exit_code == 1
    assert str(caught.value).startswith(f"{word.address}: ")
    return str(caught.value)


def test_a_message_of_dask_is_enough(answering):
    check_scheduler(answering((200).to_bytes(8, "little") + b"x"), None)


def test_others_are_told_from_a_scheduler(answering):
    assert "something else than a Dask scheduler" in told(answering(b"SSH-2.0-OpenSSH_9.7\r\n"))
    assert "something else than a Dask scheduler" in told(answering(b"no"))
    assert "one with encryption is at tls://" in told(
        answering(b"", hangs_up=False)
    )  # HTTP waits to be asked


def test_encryption_that_only_one_of_both_has_is_told(answering):
    context = ssl.create_default_context()
    context.check_hostname = False
    assert "has no encryption; say tcp://" in told(answering(b"x" * 64, "tls"), context)
    assert "is it one at tcp://?" in told(answering(b"", "tls", hangs_up=False), context)


def test_nothing_there_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert (
        f"no scheduler is running there; start one on that machine with dask scheduler --port {port}"
        in told(Scheduler("tcp", "127.0.0.1", port))
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (socket.gaierror(-2, "unknown"), "there is no host lab"),
        (UnicodeError("label too long"), "there is no host lab"),
        (TimeoutError("timed out"), "could not be reached: no answer in time"),
        (OSError(113, "No route to host"), "could not be reached: No route to host"),
    ],
)
def test_what_cannot_be_reached_is_told(monkeypatch, error, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    assert message in told(Scheduler("tcp", "lab", 8786))
