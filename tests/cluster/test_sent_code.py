"""Code of the user's on its way to a worker: same content, same places to one another, nowhere else."""

import hashlib
from pathlib import Path, PureWindowsPath

import pytest

from lrcli.cluster.admission import place_code
from lrcli.cluster.sent_code import SentFile, _places, code_to_send
from lrcli.components.python_file import open_file
from lrcli.errors import ClusterError, CodeError


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def sent(tmp_path):
    """An entry file with helpers beside it, as it is sent."""
    folder = tmp_path / "mine"
    (folder / "parts").mkdir(parents=True)
    (folder / "entry.py").write_text("import helper\nfrom parts.more import b\ntotal = helper.a + b\n")
    (folder / "helper.py").write_text("a = 1\n")
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "more.py").write_text("b = 2\n")
    return code_to_send(open_file(str(folder / "entry.py")).digests)


def test_what_is_there_is_used(tmp_path, sent):
    paths, remove = place_code(sent, tmp_path)
    assert (paths, remove) == ({path: path for path in sent}, None)
    assert len(sent) == 4


def test_what_has_changed_there_is_written_elsewhere_as_a_whole(tmp_path, sent):
    entry = next(path for path in sent if path.endswith("entry.py"))
    (tmp_path / "mine" / "helper.py").write_text("a = 40\n")
    (tmp_path / "worker").mkdir()
    paths, remove = place_code(sent, tmp_path / "worker")
    assert open_file(paths[entry]).named("total") == 3
    assert {path: sha(Path(there).read_bytes()) for path, there in paths.items()} == {
        path: file.sha256 for path, file in sent.items()
    }
    remove()
    assert not [*(tmp_path / "worker").iterdir()]


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("..", "x.py"),
        ("/etc", "x.py"),
        ("a/../../x.py",),
        ("a\\x.py",),
        ("C:", "x.py"),
        ("", "x"),
        ("x\0",),
    ],
    ids=str,
)
def test_no_place_leads_out_of_the_directory(tmp_path, place):
    good = SentFile(("a.py",), b"a", sha(b"a"))
    with pytest.raises(ClusterError, match="is no place below a folder"):
        place_code({"/a.py": good, "/x.py": SentFile(place, b"x", sha(b"x"))}, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_other_content_than_was_sent_is_refused(tmp_path):
    with pytest.raises(ClusterError, match=r"a\.py came with another content"):
        place_code({"/none/a.py": SentFile(("a.py",), b"b", sha(b"a"))}, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_code_that_changed_since_it_was_run_is_not_sent(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("a = 1\n")
    with pytest.raises(CodeError, match="has changed since it was run"):
        code_to_send({str(file): sha(b"")})
    file.unlink()
    with pytest.raises(CodeError, match="could not be read"):
        code_to_send({str(file): sha(b"")})


def test_places_are_below_what_files_have_in_common():
    paths = [PureWindowsPath(path) for path in (r"C:\a\b\x.py", r"C:\a\b\c\y.py", r"C:\a\bz\z.py")]
    assert _places(paths) == [("b", "x.py"), ("b", "c", "y.py"), ("bz", "z.py")]
    assert _places(paths[:1]) == [("x.py",)]
    assert _places([paths[0], PureWindowsPath(r"D:\x.py")]) == [
        ("drive0", "a", "b", "x.py"),
        ("drive1", "x.py"),
    ]
    assert _places([]) == []
