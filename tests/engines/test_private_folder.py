"""A folder that only the user can write to: nobody else's file is read, whatever others put in its place."""

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from lrcli.engines.compiled import code_cache, private_folder
from lrcli.engines.compiled.private_folder import OWNERS_KNOWN

pytestmark = pytest.mark.skipif(not OWNERS_KNOWN, reason="files have no owner here")
root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="needs a second user")

NAME, OURS, EVIL = "train.o", b"ours", b"evil"
SOMEONE = 65534


def sealed(content):
    return hashlib.sha256(content).digest() + content


@pytest.fixture
def temporary(monkeypatch):
    """A temporary folder that every user can reach and write to, as /tmp; there are no caches."""
    monkeypatch.setattr(code_cache, "_caches", lambda: Path(os.devnull))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o1777)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield folder


@pytest.fixture
def folder(temporary):
    """The folder of code in it, with a file that is found."""
    code_cache.keep(NAME, OURS)
    assert code_cache.find(NAME) == OURS
    return temporary / f"lrcli-{os.geteuid()}"


def planted(folder, mode=0o700):
    """A folder of the user's with content of somebody else's, such as an archive that was unpacked."""
    folder.mkdir()
    (folder / NAME).write_bytes(sealed(EVIL))
    (folder / NAME).chmod(0o600)
    folder.chmod(mode)
    return folder


def test_a_link_in_the_place_of_the_folder(temporary):
    place = planted(temporary / "archive")
    (temporary / f"lrcli-{os.geteuid()}").symlink_to(place)
    assert code_cache.find(NAME) is None
    code_cache.keep(NAME, OURS)
    assert [path.name for path in place.iterdir()] == [NAME]
    assert (place / NAME).read_bytes() == sealed(EVIL)


def test_a_link_in_the_place_of_the_file(folder):
    target = folder.parent / "elsewhere"
    target.write_bytes(sealed(EVIL))
    (folder / NAME).unlink()
    (folder / NAME).symlink_to(target)
    assert code_cache.find(NAME) is None
    code_cache.keep(NAME, OURS)
    assert target.read_bytes() == sealed(EVIL)
    assert not (folder / NAME).is_symlink()
    assert code_cache.find(NAME) == OURS


def test_a_file_that_has_another_name_elsewhere(folder):
    target = folder.parent / "elsewhere"
    (folder / NAME).replace(target)
    os.link(target, folder / NAME)
    assert code_cache.find(NAME) is None
    before = target.read_bytes()
    code_cache.keep(NAME, b"new")
    assert target.read_bytes() == before
    assert code_cache.find(NAME) == b"new"


@pytest.mark.parametrize("mode", [0o660, 0o602, 0o666])
def test_a_file_that_others_can_write_to(folder, mode):
    (folder / NAME).chmod(mode)
    assert code_cache.find(NAME) is None
    code_cache.keep(NAME, OURS)
    assert (folder / NAME).stat().st_mode & 0o077 == 0
    assert code_cache.find(NAME) == OURS


@pytest.mark.parametrize("make", [getattr(os, "mkfifo", os.mkdir), os.mkdir])
def test_what_is_no_file(folder, make):
    (folder / NAME).unlink()
    make(folder / NAME)
    assert code_cache.find(NAME) is None


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_above_in_which_others_may_exchange_it(folder, mode):
    """Though it is the user's own, and was always private: another of theirs may have taken its place."""
    folder.parent.chmod(mode)
    assert code_cache.find(NAME) is None
    code_cache.keep("other", OURS)
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_a_link_above_leads_where_it_leads(folder, monkeypatch):
    """As /tmp is one on some systems; what counts is who may write where it leads."""
    link = folder.parent / "link"
    link.symlink_to(".")
    monkeypatch.setattr(tempfile, "tempdir", str(link))
    assert code_cache.find(NAME) == OURS
    folder.parent.chmod(0o777)
    assert code_cache.find(NAME) is None


def test_links_that_lead_nowhere(temporary, monkeypatch):
    (temporary / "loop").symlink_to("loop")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "loop"))
    assert code_cache.find(NAME) is None
    code_cache.keep(NAME, OURS)
    assert code_cache.find(NAME) is None


def test_folders_that_are_made_are_private(tmp_path, monkeypatch):
    before = os.umask(0o002)
    try:
        monkeypatch.setattr(code_cache, "_caches", lambda: tmp_path / "a" / "b")
        code_cache.keep(NAME, OURS)
    finally:
        os.umask(before)
    assert code_cache.find(NAME) == OURS
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a/b/lrcli")] == [0o700] * 2


def test_a_relative_folder_of_caches_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "caches")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert code_cache.folders()[0] == tmp_path / ".cache" / "lrcli"


def test_where_files_have_no_owners(tmp_path, monkeypatch):
    """There is no temporary folder of all users there."""
    for module in (private_folder, code_cache):
        monkeypatch.setattr(module, "OWNERS_KNOWN", False)
    monkeypatch.setattr(code_cache, "_caches", lambda: tmp_path / "caches")
    assert code_cache.folders() == [tmp_path / "caches" / "lrcli"]
    assert code_cache.find(NAME) is None
    code_cache.keep(NAME, OURS)
    assert code_cache.find(NAME) == OURS
    assert [path.name for path in (tmp_path / "caches" / "lrcli").iterdir()] == [NAME]


# Two users.


@root
def test_a_folder_and_a_file_of_someone_else(folder):
    for path in (folder, folder / NAME):
        os.chown(path, SOMEONE, SOMEONE)
        assert code_cache.find(NAME) is None
        os.chown(path, 0, 0)
        assert code_cache.find(NAME) == OURS


@root
def test_a_folder_above_of_someone_else(folder):
    folder.parent.chmod(0o755)
    assert code_cache.find(NAME) == OURS
    os.chown(folder.parent, SOMEONE, SOMEONE)
    assert code_cache.find(NAME) is None


EXCHANGE = """
import os, sys
os.chdir(sys.argv[1])
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.mkdir("evil")
with open("evil/train.o", "wb") as file:
    file.write(bytes.fromhex(sys.argv[3]))
told = 0
while True:
    for target in ("sound", "evil"):
        os.symlink(target, "next")
        os.rename("next", sys.argv[2])
    if not told:
        told = os.write(1, b".")
"""


@contextlib.contextmanager
def exchanging(temporary, name):
    """Another user, who lets a name lead to a folder of the victim's and to one of theirs by turns."""
    words = [sys.executable, "-SE", "-c", EXCHANGE, temporary, name, sealed(EVIL).hex()]
    with subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            assert process.stdout.read(1) == b"."
            yield
            assert process.poll() is None
        finally:
            process.kill()


@root
def test_a_folder_that_another_user_exchanges(temporary):
    """Judged and then used by its path, it gave the other user's code within milliseconds."""
    planted(temporary / "sound", 0o755)
    (temporary / "sound" / NAME).write_bytes(sealed(OURS))
    with exchanging(temporary, "lrcli-0"):
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            assert code_cache.find(NAME) is None
            code_cache.keep(NAME, OURS)
    assert not [path for path in temporary.glob("*/*") if path.name != NAME]
