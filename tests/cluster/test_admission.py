"""One cluster of this machine: workers are checked, sent code, replaced when they die, left as they were."""

import hashlib
import os
import pickle
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lrcli import __version__
from lrcli.errors import ClusterError

distributed = pytest.importorskip("distributed")

from lrcli.cluster.calling import called  # noqa: E402
from lrcli.cluster.facts import Wanted, facts_here  # noqa: E402
from lrcli.cluster.local import LocalWorkers  # noqa: E402
from lrcli.cluster.opening import open_cluster  # noqa: E402
from lrcli.cluster.plugin import _Sent, admitted  # noqa: E402
from lrcli.cluster.roster import Workers  # noqa: E402
from lrcli.cluster.sent_code import SentFile  # noqa: E402


@pytest.fixture(scope="module")
def opened():
    with open_cluster("local:1") as cluster:
        yield cluster


def until(true, seconds=20.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_worker_is_accepted_and_sent_code(opened):
    content = b"a = 1\n"
    code = {"/no/such/a.py": SentFile(("a.py",), content, hashlib.sha256(content).hexdigest())}
    with admitted(opened, Wanted(facts_here(), ("lrcli", "torch", "packages"), code=code)) as workers:
        (address,) = workers.accepted
        assert workers.accepted[address].pid in opened.processes.pids
        call = called("lrcli.cluster.plugin:code_paths", workers.name)
        paths = opened.client.submit(*call, workers=[address], pure=False).result(timeout=20)
        file = Path(paths["/no/such/a.py"])
        assert file.read_bytes() == content
    assert not file.exists()
    left = opened.client.run(lambda dask_worker: [*dask_worker.plugins])
    assert not [name for names in left.values() for name in names if name.startswith("lrcli")]


def test_every_worker_is_refused(opened, tmp_path):
    with (
        pytest.raises(ClusterError) as caught,
        admitted(opened, Wanted(facts_here() | {"lrcli": "9.9"})),
    ):
        pass
    assert "no worker can train this\n  tcp://127.0.0.1:" in str(caught.value)
    assert f": lrcli {__version__} there, 9.9 here" in str(caught.value)
    data = {str(tmp_path / "none.csv"): "0" * 64}
    with (
        pytest.raises(ClusterError, match=r"it has no .*none\.csv"),
        admitted(opened, Wanted(facts_here(), data=data)),
    ):
        pass


def test_a_worker_that_dies_is_known_and_another_is_checked(opened):
    with admitted(opened, Wanted(facts_here())) as workers:
        ((address, first),) = workers.accepted.items()
        os.kill(first.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        until(lambda: workers.gone == (address,))
        until(lambda: workers.accepted)
        assert [each.pid for each in workers.accepted.values()] == opened.processes.pids != [first.pid]


def test_who_reads_standard_input_on_a_worker_does_not_wait_for_it(opened):
    assert opened.client.submit(os.read, 0, 1, pure=False).result(timeout=20) == b""


def test_files_in_the_current_directory_are_not_what_workers_import(opened):
    safe = "__import__('sys').flags.safe_path"
    assert opened.client.submit(eval, safe, pure=False).result(timeout=20)


@pytest.mark.skipif(sys.platform == "win32", reason="processes have no groups there")
def test_what_processes_have_started_ends_with_them(tmp_path, monkeypatch):
    processes = LocalWorkers("tcp://127.0.0.1:1", 1, tmp_path)
    starts = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    monkeypatch.setattr(processes, "_command", [sys.executable, "-S", "-c", starts])
    log = tmp_path / "workers.log"
    with processes:
        until(log.read_text)
    for pid in map(int, log.read_text().split()):
        until(lambda pid=pid: not lives(pid))


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_that_end_as_they_start_are_given_up(tmp_path, monkeypatch):
    processes = LocalWorkers("tcp://127.0.0.1:1", 1, tmp_path)
    monkeypatch.setattr("lrcli.cluster.local._LOOKING", 0.01)
    monkeypatch.setattr(processes, "_command", [sys.executable, "-c", "raise SystemExit('no room')"])
    with processes:
        processes.check()
        until(lambda: processes._hopeless)
        with pytest.raises(ClusterError, match="end as they start; the last said: no room"):
            processes.check()


@pytest.mark.parametrize(("count", "each"), [(1, "8"), (3, "2"), (8, "1"), (20, "1")])
def test_processes_share_the_cores(count, each, tmp_path, monkeypatch):
    monkeypatch.setattr("lrcli.cluster.local.cores", lambda: 8)
    assert LocalWorkers("tcp://127.0.0.1:1", count, tmp_path)._command[-1] == each


def test_processes_that_cannot_be_started_are_told_and_the_others_ended(tmp_path, monkeypatch):
    processes = LocalWorkers("tcp://127.0.0.1:1", 2, tmp_path)
    start, started = processes._start, []

    def few():
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(start())
        return started[-1]

    monkeypatch.setattr(processes, "_start", few)
    with (
        pytest.raises(BlockingIOError),  # which whoever opens the cluster tells
        processes,
    ):
        pass
    assert started[0].poll() is not None


def test_what_is_sent_needs_no_lrcli_to_be_read():
    data = pickle.dumps(_Sent("Gate", topic="t", version="1", settings=b""))
    assert b"lrcli.cluster" not in data.replace(b"from lrcli.cluster.admission", b"").replace(
        b"lrcli/cluster", b""
    )
    gate = pickle.loads(data)  # noqa: S301 - made above
    assert isinstance(gate, distributed.WorkerPlugin)
    assert gate._admit(".") == ([f"lrcli {__version__} there, 1 here"], {"lrcli": __version__})


def test_what_killed_clients_have_left_is_found():
    find = pickle.loads(pickle.dumps(_Sent("finding_left", prefix="lrcli-")))  # noqa: S301 - made here
    plugins = dict.fromkeys(("shuffle", "lrcli-Client-a", "lrcli-Client-b"), b"")
    scheduler = SimpleNamespace(worker_plugins=plugins, clients={"Client-b": None, "shuffle": None})
    assert find(dask_scheduler=scheduler) == ["lrcli-Client-a"]


def test_refusals_are_one_line_for_the_same_reason():
    workers = Workers("topic")
    for number in range(5):
        workers.hear(
            (0.0, {"worker": f"tcp://a:{number}", "gate": {"reasons": ["old"], "facts": {}, "pid": 1}})
        )
    workers.hear((0.0, {"worker": "tcp://b:1", "gate": {"reasons": [], "facts": {}, "pid": 7}}))
    workers.hear((0.0, {"action": "update-graph"}))
    assert workers.refusals() == ["tcp://a:0, tcp://a:1, tcp://a:2 and 2 other workers: old"]
    assert [*workers.accepted] == ["tcp://b:1"]
    workers.follow((0.0, {"action": "remove-worker", "worker": "tcp://b:1"}))
    assert (workers.accepted, workers.gone) == ({}, ("tcp://b:1",))


def test_a_worker_that_is_started_again_at_its_address_is_another_one():
    def tell(action):
        workers.follow((0.0, {"action": action, "worker": "tcp://b:1"}))

    def accept(pid):
        workers.hear((0.0, {"worker": "tcp://b:1", "gate": {"reasons": [], "facts": {}, "pid": pid}}))

    workers = Workers("topic")
    workers.see(["tcp://b:1"])
    accept(7)
    (first,) = workers.accepted.values()
    accept(7)
    assert workers.has(first)
    tell("remove-worker")
    accept(7)  # it had said so before it went
    assert (workers.has(first), workers.accepted, workers.unchecked) == (False, {}, set())
    tell("add-worker")
    assert (workers.gone, workers.unchecked) == ((), {"tcp://b:1"})
    accept(8)
    assert not workers.has(first)
    assert [each.pid for each in workers.accepted.values()] == [8]
