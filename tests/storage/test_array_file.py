"""Arrays of files that somebody else may have written: nothing is executed, and little believed."""

import contextlib
import io
import os
import pickle
import re
import struct
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lrcli
from lrcli.errors import RunDirectoryError, WriteError
from lrcli.storage.digests import KeptFile
from lrcli.storage.files import LineFile, write_arrays
from lrcli.storage.reading import find_result
from lrcli.storage.table_reading import read_arrays, read_curves, read_members, read_metrics, read_path

NAMES = st.text(max_size=8).filter(lambda name: "\0" not in name and not name.endswith(".npy"))


def npy(header, data=b""):
    """An array file with a header of any text."""
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def npz(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


class Runs:
    """Makes a file where it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


def pickled():
    file = io.BytesIO()
    np.save(file, np.array([Runs()], dtype=object), allow_pickle=True)
    return file.getvalue()


F8 = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"
HOSTILE = {
    "ten terabytes": npy(F8 % "(1250000000000,)"),
    "more than there is": npy(F8 % "(3,)", bytes(16)),
    "less than there is": npy(F8 % "(1,)", bytes(16)),
    "a shape that cannot be": npy(F8 % "(-1, -2)", bytes(16)),
    "more than can be counted": npy(F8 % f"({10**30},)"),
    "no size at all": npy("{'descr': '|V0', 'fortran_order': False, 'shape': (99999999999,), }"),
    "objects": pickled(),
    "a pickle": pickle.dumps(Runs()),
    "a call": npy("__import__('os').mkdir('executed')"),
    "no end": npy("{'descr': '<f8', 'fortran_order': False, 'shape': ((((((((((("),
    "deep": npy(F8 % ("-" * 60 + "1")),
    "of a later version": b"\x93NUMPY\x09\x00" + bytes(100),
    "nothing": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("read", [read_arrays, read_curves, read_path])
def test_what_an_array_says_of_itself_is_not_believed(tmp_path, monkeypatch, read, content):
    monkeypatch.chdir(tmp_path)
    path = npz(tmp_path / "a.npz", [(f"{name}.npy", content) for name in ("epoch", "step", "w")])
    with pytest.raises(RunDirectoryError, match=r"a\.npz: has been damaged"):
        read(path)
    assert not Path("executed").exists()


def test_a_file_that_would_grow(tmp_path):
    whole = io.BytesIO()
    np.save(whole, np.zeros(10**6))
    path = npz(tmp_path / "a.npz", [("a.npy", whole.getvalue())], zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**5
    with pytest.raises(RunDirectoryError, match="has been damaged"):
        read_arrays(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name(tmp_path):
    whole = io.BytesIO()
    np.save(whole, np.zeros(3))
    with pytest.raises(RunDirectoryError, match="has been damaged"):
        read_arrays(npz(tmp_path / "a.npz", [("a.npy", whole.getvalue())] * 2))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(NAMES, st.lists(st.floats(width=32, allow_subnormal=False), max_size=3), max_size=4))
def test_arrays_of_any_name_are_read_back(tmp_path, arrays):
    """By NumPy, too; some of these names are those of arguments of numpy.savez."""
    arrays |= {"file": [1.0], "allow_pickle": [2.0], "../w": [3.0]}
    write_arrays(tmp_path / "a.npz", {name: np.array(values) for name, values in arrays.items()})
    with np.load(tmp_path / "a.npz") as theirs:
        for found in (read_arrays(tmp_path / "a.npz"), theirs):
            assert set(found) == set(arrays)
            for name, values in arrays.items():
                np.testing.assert_array_equal(found[name], np.array(values, dtype=np.float64))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_nothing_in_the_code_loads_a_pickle():
    """But what workers of a cluster are sent by the client that also says what they run; never a file."""
    package = Path(lrcli.__file__).parent
    code = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    code = {path: text for path, text in code.items() if path.parent.name != "cluster"}
    assert len(code) > 300
    for path, text in code.items():
        for call in re.findall(r"(?:np\.load|read_array|write_array|savez?)\(.*", text):
            assert "np.save" not in call, path
            assert "load(" not in call or "allow_pickle=False" in call, path
            assert "read_array(" not in call or "allow_pickle=False" in call, path
        assert not re.search(
            r"\bpickle\.|import (pickle|marshal|shelve|dill)\b|yaml\.(unsafe_|full_)?load", text
        ), path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in directories")
@pytest.mark.parametrize("read", [read_arrays, read_metrics, read_members, find_result])
def test_a_pipe_is_no_file(tmp_path, read):
    os.mkfifo(tmp_path / "a")
    ended = []

    def look():
        try:
            ended.append(read(tmp_path / "a"))
        except RunDirectoryError as error:
            ended.append(str(error))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(5)
    assert ended
    assert ended[0] is None or "has been damaged" in ended[0]


@pytest.mark.parametrize("cell", ["1" * 5000, "[" * 100_000, "9" * 30, "1e999", "nan", '"', "\0"])
def test_cells_that_nobody_writes(tmp_path, cell):
    (tmp_path / "results.csv").write_text(
        f"member,seed,optimizer.lr,status,outcome,diverged_step,epochs\n0,{cell},{cell},a,b,,1\n"
    )
    with contextlib.suppress(RunDirectoryError):
        read_members(tmp_path / "results.csv")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_file_that_grows_is_no_link(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    (tmp_path / "metrics.csv").symlink_to(tmp_path / "mine")
    with pytest.raises(WriteError, match=r"metrics\.csv: is a link, through which nothing is written"):
        LineFile(tmp_path / "metrics.csv")
    assert (tmp_path / "mine").read_text() == "mine\n"


def test_a_file_that_grows_knows_its_digest(tmp_path):
    """Also where it was begun by somebody else."""
    (tmp_path / "a.csv").write_bytes(b"a,b\n")
    file = LineFile(tmp_path / "a.csv")
    for lines in ([], ["1,2"], ["3,4", "5,6"]):
        file.write(*lines)
        assert KeptFile(tmp_path / "a.csv", file.sha256).whole()
    file.close()
    assert not KeptFile(tmp_path / "a.csv", file.sha256[::-1]).whole()
