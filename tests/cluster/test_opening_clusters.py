"""Opening a cluster: what is missing, classes that make none, and what Dask says on its own."""

import builtins
import logging
import sys
import warnings
from types import ModuleType, SimpleNamespace

import pytest

from lrcli.cluster.opening import Opened, open_cluster
from lrcli.cluster.quiet import quiet
from lrcli.cluster.trainer import ClusterTrainer
from lrcli.errors import ClusterError, UsageError

distributed = pytest.importorskip("distributed")


def refused(word, error=UsageError):
    with pytest.raises(error) as caught, open_cluster(word):
        pass
    return str(caught.value)


@pytest.fixture
def lab(monkeypatch):
    """A module of the user's, to be filled with classes."""
    module = ModuleType("lab_of_tests")
    monkeypatch.setitem(sys.modules, "lab_of_tests", module)
    return module


class Fake:
    """What a cluster must have."""

    scheduler_address = "tcp://127.0.0.1:1"
    closed = 0

    def scale(self, count):
        raise RuntimeError(f"no room for {count}")

    def close(self):
        Fake.closed += 1


def test_dask_is_missing(monkeypatch):
    found = builtins.__import__

    def no_dask(name, *arguments, **keywords):
        if name.partition(".")[0] == "distributed":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *arguments, **keywords)

    for name in [name for name in sys.modules if name.partition(".")[0] == "distributed"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("importlib.import_module", no_dask)
    assert "distributed is not installed: pip install 'lrcli[cluster]'" in refused("local")


def test_a_trainer_without_dask_says_so_before_anything_else(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "lrcli.cluster.plugin", raising=False)
    with pytest.raises(UsageError, match="distributed is not installed"):
        next(ClusterTrainer("local:1").ready(None, [0]))


def test_a_machine_without_room_for_workers(monkeypatch):
    def fails(**_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", fails)
    with (
        pytest.raises(ClusterError, match=r"cannot be started on this machine: .*No space left"),
        open_cluster("local:1"),
    ):
        pass


def test_words_are_read_before_dask_is_needed(monkeypatch):
    monkeypatch.setattr("lrcli.cluster.opening.need_dask", lambda: pytest.fail("asked for"))
    assert "is no cluster" in refused("lab")


def test_classes_that_make_no_cluster(lab):
    lab.Plain, lab.number, lab.Fails, lab.makes = dict, 3, type("Fails", (Fake,), {}), lambda: 3
    lab.Fails.__init__ = lambda self, cores: None
    assert "there is no package no_such_lab" in refused("no_such_lab.Cluster")
    assert "has no Nothing" in refused("lab_of_tests.Nothing")
    assert "cannot be imported" in refused("os.nothing.Cluster")
    assert "is no class of clusters, which has scheduler_address, scale, close" in refused(
        "lab_of_tests.Plain"
    )
    assert "is no class of clusters" in refused("lab_of_tests.number")
    assert "makes no cluster of Dask's, but a int" in refused("lab_of_tests.makes")
    assert "could not be made without arguments" in refused("lab_of_tests.Fails:2")


def test_workers_that_cannot_be_asked_for(lab):
    lab.Fake, before = Fake, Fake.closed
    assert "could not start workers: no room for 3" in refused("lab_of_tests.Fake:3", ClusterError)
    assert Fake.closed == before + 1


def test_a_cluster_that_cannot_start_workers_says_why():
    errors = SimpleNamespace(text="sbatch: error")
    opened = Opened(SimpleNamespace(status="running"), "tcp://a:1", "", None, True, None, errors)
    with pytest.raises(ClusterError, match="could not start a worker: sbatch: error"):
        opened.check_starting()
    opened.check()
    gone = Opened(SimpleNamespace(status="connecting"), "tcp://a:1", "", None, False, None, errors)
    gone.check_starting()  # a scheduler's own troubles are not those of its workers
    with pytest.raises(ClusterError, match="scheduler of the cluster has gone away"):
        gone.check()


def test_dask_is_quiet_for_a_while(capsys):
    logger, child = logging.getLogger("distributed"), logging.getLogger("distributed.nanny")
    before = logger.handlers, logger.propagate, child.handlers, child.propagate
    with quiet() as errors:
        child.warning("restarts")
        logging.getLogger("distributed.made_later").error("broke %s", "down")
        logging.getLogger("tornado.application").error("in a callback", exc_info=ValueError("why"))
        warnings.warn_explicit("port 8787 is in use", UserWarning, "node.py", 1, module="distributed.node")
        with pytest.warns(UserWarning, match="mine"):
            warnings.warn_explicit("mine", UserWarning, "mine.py", 1, module="mine")
    assert errors.text == "why"
    assert (logger.handlers, logger.propagate, child.handlers, child.propagate) == before
    assert capsys.readouterr() == ("", "")
    with pytest.raises(UserWarning):
        warnings.warn_explicit("again", UserWarning, "node.py", 1, module="distributed.node")


def test_what_is_no_word_is_refused_as_one():
    with pytest.raises(UsageError, match="--cluster 3: is no cluster"):
        [*ClusterTrainer(3).ready(None, [0])]


def test_two_at_once_are_both_quiet_and_leave_all_as_it_was():
    logger = logging.getLogger("distributed")
    before = logger.handlers, logger.propagate
    first, second = quiet(), quiet()
    one, two = first.__enter__(), second.__enter__()
    first.__exit__(None, None, None)
    logger.error("lost")
    second.__exit__(None, None, None)
    assert (one.text, two.text) == ("", "lost")
    assert (logger.handlers, logger.propagate) == before
