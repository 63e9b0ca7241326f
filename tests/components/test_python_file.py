"""Python files of the user's: run once, apart from one another, their mistakes told in their own lines."""

import sys
from pathlib import Path

import pytest

from lrcli.components.python_file import open_file, running
from lrcli.errors import CodeError, CodeRunError


@pytest.fixture
def write(tmp_path):
    def put(name, text):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return str(file)

    return put


def test_a_file_is_run_once_for_each_content(write, capsys):
    path = write("a.py", "print('ran')\nx = 1\n")
    assert open_file(path) is open_file(path)
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "ran\n")
    write("a.py", "x = 2\n")
    assert open_file(path).named("x") == 2


def test_a_file_is_run_again_when_one_beside_it_has_changed(write):
    write("beside.py", "x = 1\n")
    path = write("main.py", "from beside import x\n")
    first = open_file(path)
    assert open_file(path) is first
    helper = write("beside.py", "x = 200\n")
    assert open_file(path).named("x") == 200
    Path(helper).unlink()
    with pytest.raises(CodeError, match="beside"):
        open_file(path)


def test_helpers_of_the_same_name_are_kept_apart(write):
    for folder in ("one", "two"):
        write(f"{folder}/helper.py", f"WHERE = {folder!r}\n")
        path = write(f"{folder}/main.py", "import helper\nwhere = helper.WHERE\n")
        file = open_file(path)
        assert file.named("where") == folder
        assert [Path(name).name for name in file.digests] == ["main.py", "helper.py"]
    assert "helper" not in sys.modules
    assert not [entry for entry in sys.path if entry.endswith(("one", "two"))]


def test_what_is_installed_below_the_folder_is_no_helper(write, monkeypatch, tmp_path):
    write("lib/far_module.py", "x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    file = open_file(write("main.py", "import far_module\n"))
    assert len(file.digests) == 1
    assert sys.modules.pop("far_module").x == 1


def test_dataclasses_and_pickles_find_their_module(write):
    import pickle

    text = "from __future__ import annotations\nimport dataclasses\n\n@dataclasses.dataclass\n"
    text += "class D:\n    x: int = 3\n"
    thing = open_file(write("d.py", text)).named("D")()
    assert pickle.loads(pickle.dumps(thing)) == thing  # noqa: S301


def test_own_names(write):
    text = "import math\nfrom math import sin\nclass A: pass\ndef b(): pass\nc = 3\n_d = 4\n"
    assert open_file(write("n.py", text)).own_names == ["A", "b", "c"]


WRONG = [
    ("def f(:\n", "m.py:1:7: invalid syntax"),
    ("x = 'a\n", "m.py:1:5: unterminated string literal"),
    ("raise ValueError('one\\ntwo')\n", "could not be run: ValueError: one two"),
    ("raise SystemExit\n", "could not be run: it calls exit"),
    ("\0", "could not be run"),
    ("# -*- coding: nothing -*-\n", "unknown encoding"),
    ("def f(): f()\nf()\n", "RecursionError"),
    ("class Own(BaseException): pass\nraise Own('no')\n", "could not be run: Own: no"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_goes_wrong_is_a_message(write, text, message):
    with pytest.raises(CodeError, match=r"m\.py") as caught:
        open_file(write("m.py", text))
    assert message in str(caught.value)
    assert "lrcli" not in str(caught.value).replace(str(Path(write("m.py", "")).parent), "")


def test_names_that_fail_when_they_are_asked_for(write):
    trap = "def __getattr__(name):\n    raise RuntimeError(f'no {name}')\n"
    with pytest.raises(CodeError, match="has no M: RuntimeError: no M"):
        open_file(write("t.py", trap)).named("M")
    text = "class T:\n    @property\n    def __module__(self): raise RuntimeError('t')\nt = T()\n"
    with pytest.raises(CodeError, match="has no M; it defines t"):
        open_file(write("u.py", text)).named("M")


def test_a_long_exception_is_cut(write):
    with pytest.raises(CodeError) as caught:
        open_file(write("long.py", "raise ValueError('x' * 100_000)\n"))
    assert len(str(caught.value)) < 2000


def test_what_is_not_there(tmp_path):
    with pytest.raises(CodeError, match="could not be read: No such file"):
        open_file(str(tmp_path / "none.py"))
    with pytest.raises(CodeError, match="could not be read"):
        open_file(str(tmp_path))
    (tmp_path / "a.txt").write_text("x = 1\n")
    with pytest.raises(CodeError, match=r"its name must end in \.py"):
        open_file(str(tmp_path / "a.txt"))


def test_only_lines_of_the_user_are_shown(write):
    path = write("r.py", "def f():\n    g()\ndef g():\n    raise OSError('gone')\n")
    file = open_file(path)
    with pytest.raises(CodeRunError) as caught, running("it", file.path, "failed", trains=True):
        file.named("f")()
    message, *lines = str(caught.value).splitlines()
    assert message == "it: failed: OSError: gone"
    assert [line.strip() for line in lines[1::2]] == ["g()", "raise OSError('gone')"]


def test_an_interrupt_passes(write):
    with pytest.raises(KeyboardInterrupt):
        open_file(write("k.py", "raise KeyboardInterrupt\n"))
