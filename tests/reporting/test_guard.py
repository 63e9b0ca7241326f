"""Whatever is shown, a terminal obeys none of it: every character that it would obey, through every door."""

import io
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from lrcli.config.document import SourceLocation
from lrcli.config.dumping import annotated_yaml, in_line, yaml_text
from lrcli.config.source import parse
from lrcli.errors import ExperimentError, RunDirectoryError, UsageError
from lrcli.reporting.guard import guarded_streams
from lrcli.reporting.messages import print_error, print_note
from lrcli.reporting.streams import console, print_lines
from lrcli.storage.files import LineFile
from lrcli.wording import counted, one_line, printable

OBEYED = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff",
    *"\ud800\udcff\U000e0041",
]
OBEYED = [char for char in OBEYED if char not in "\t\n"]
SHOWN = "é漢字ёא ب😀👩\u200d👩 e\u0301 ﷺ م\u200cخ ~`\\$"
EXPERIMENT = (Path(__file__).parents[2] / "experiments" / "linear.yaml").read_text()


def obeyed(text):
    """The characters of a text that a terminal would obey, by their category in Unicode; lines may end."""
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return [c for c in text if unicodedata.category(c) in kinds and c not in "\n\u200c\u200d"]


def test_the_oracle_knows_them():
    assert obeyed("".join(OBEYED)) == OBEYED
    assert obeyed(SHOWN) == []


# Doors within the program.


def through_console(show):
    def door(text):
        show(console(), text)

    return door


def cell(out, text):
    table = Table(text)
    table.add_row(text)
    out.print(table)


def by_hand(stream):
    def door(text):
        print(text, file=getattr(sys, stream))

    return door


DOORS = {
    "print": by_hand("stdout"),
    "print to standard error": by_hand("stderr"),
    "error": print_error,
    "note": print_note,
    "lines": lambda text: print_lines([text]),
    "console": through_console(lambda out, text: out.print(text)),
    "soft wrap": through_console(lambda out, text: out.print(text, soft_wrap=True)),
    "text": through_console(lambda out, text: out.print(Text(text))),
    "assembled": through_console(lambda out, text: out.print(Text.assemble((text, "bold")))),
    "table": through_console(cell),
}
TEXTS = {
    "place": lambda text: SourceLocation("exp.yaml", 3, 2, f"a{text}b").show("no"),
    "place of a name": lambda text: SourceLocation(text, 3, 2, "ab").show("no"),
    "message of a place": lambda text: SourceLocation("exp.yaml", 3, 2, "ab").show(text),
    "error": lambda text: str(UsageError(f"a{text}b")),
    "detail": lambda text: str(RunDirectoryError("a", [f"b{text}"])),
    "mistake": lambda text: str(ExperimentError([f"a{text}b"])),
    "value": lambda text: yaml_text({"a": f"x{text}y"}),
    "key": lambda text: yaml_text({f"x{text}y": 1}),
    "in a line": lambda text: in_line([f"x{text}y"]),
    "comment": lambda text: annotated_yaml({"a": f"x{text}"}, {("a",): f"x{text}y"}),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_door_shows_the_code_of_every_character(door, capsys):
    for char in OBEYED:
        with guarded_streams():
            door(f"a{char}b")
        shown = "".join(capsys.readouterr())
        assert obeyed(shown) == []
        dropped = "ab" if char in "\x07\x08\x0b\x0c\r" else ""  # by rich, where it is handed a Text
        assert f"a{ascii(char)[1:-1]}b" in shown or (dropped and dropped in shown), ascii(char)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_door_shows_the_rest_as_it_is(door, capsys):
    with guarded_streams():
        door(SHOWN)
    assert SHOWN in "".join(capsys.readouterr())


@pytest.mark.parametrize("make", TEXTS.values(), ids=TEXTS)
def test_a_text_holds_the_code_of_every_character_before_any_door(make):
    for char in [*OBEYED, "\n", "\nerror: b"]:
        text = make(char)
        assert obeyed(text) == [], ascii(char)
        same = text.count("\n") == make("x").count("\n")
        assert same or text.startswith('? "'), ascii(char)  # a long key in YAML
        assert not any(line.startswith("error") for line in text.split("\n")), ascii(char)


def test_yaml_text_reads_back_to_the_same():
    for char in OBEYED:
        if char.isascii() or char == "\u202e":
            value = {"a": f"x{char}y", f"k{char}": 1}
            assert parse(yaml_text(value), "text").data == value


def test_log_lines(tmp_path):
    log = LineFile(tmp_path / "log.txt")
    log.write("a\x1b[31m\nb")
    log.close()
    assert (tmp_path / "log.txt").read_text() == "a\\x1b[31m\\nb\n"


def test_colours_of_lrcli_s_own_pass(monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with guarded_streams():
        print_error("a\x1b[32mb")
    shown = capsys.readouterr().err
    assert "\x1b[1;31merror: " in shown
    assert "a\\x1b[32mb" in shown


@pytest.mark.parametrize(
    ("before", "columns"), [("\x1b[31m", 8), ("\u202e", 6), ("\x7f\x00", 8), ("表\x85", 6), ("\n", 2)]
)
def test_the_caret_counts_what_is_shown(before, columns):
    _, line, caret = SourceLocation("a", 7, len(before) + 1, f"{before}! more").show("no").split("\n")
    assert caret.index("^") - len("    | ") == columns
    assert sum(2 if c == "表" else 1 for c in line[: line.index("!")]) == caret.index("^")


def test_words():
    assert printable("a\x1bb\nc\td") == "a\\x1bb\nc\td"
    assert one_line("a\x1bb\nc\td") == "a\\x1bb\\nc\\td"
    assert one_line(Path("a\nb")) == "a\\nb"
    assert [counted(n, "step") for n in (0, 1, 2, 1000)] == ["0 steps", "1 step", "2 steps", "1,000 steps"]


# The program.

ALL = "".join(char for char in OBEYED if char != "\0" and not "\ud7ff" < char < "\ue000")
FORGED = "\nerror: forged\nnote: forged"
QUOTED = "".join(f"\\x{ord(c):02x}" if c < "\xff" else f"\\U{ord(c):08x}" for c in f"x{ALL}{FORGED}")


def changed(text, *pairs):
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


FILES = {
    "unknown key": EXPERIMENT + f'"{QUOTED}": 1\n',
    "key twice": EXPERIMENT + f'"{QUOTED}": 1\n"{QUOTED}": 1\n',
    "kind": changed(EXPERIMENT, ("kind: sgd", f'kind: "{QUOTED}"')),
    "value": changed(EXPERIMENT, ("lr: 0.03", f'lr: "{QUOTED}"')),
    "device": changed(EXPERIMENT, ("device: auto", f'device: "{QUOTED}"')),
    "name": changed(EXPERIMENT, ("name: linear", f'name: "a{QUOTED}"')),
    "engine": f'engine: "{QUOTED}"\n',
    "extends": f'extends: "{QUOTED}"\n',
    "tag": f"a: !<{'%1b'}x> 1\n",
    "expect": f'expect: {{"{QUOTED}": "< 1"}}\n',
    "metric": EXPERIMENT + f'training2: {{best: {{metric: "{QUOTED}"}}}}\n',
    "sweep": f'sweep: {{grid: {{"{QUOTED}": {{values: [1]}}}}}}\n',
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("command", ["check", "show", "train", "sweep"])
def test_what_a_file_holds(program, tmp_path, monkeypatch, command, content):
    monkeypatch.chdir(tmp_path)
    Path("exp.yaml").write_text(content, encoding="utf-8")
    code, out, err = program(command, "exp.yaml", code=None)
    assert code == 2
    check(out + err)


def check(shown):
    assert obeyed(shown) == []
    assert not [line for line in shown.splitlines() if line.startswith(("error: forged", "note: forged"))]
    assert "\\x1b" in shown or "--seed" in shown


NAME = f"exp{ALL}{FORGED}.yaml"
WORDS = {
    "option": ["train", f"--a{ALL}{FORGED}"],
    "value of an option": ["train", "good.yaml", "--seed", f"{ALL}{FORGED}"],
    "command": [f"a{ALL}{FORGED}"],
    "file": ["check", NAME],
    "file that is there": ["check", f"is{NAME}"],
    "train": ["train", NAME],
    "override": ["show", "good.yaml", f"seed={ALL}{FORGED}"],
    "key": ["show", "good.yaml", f"a{ALL}{FORGED}=1"],
    "description": ["show", "good.yaml", f'description="{QUOTED}"'],
    "no override": ["show", "good.yaml", f"a{ALL}{FORGED}"],
    "kind": ["describe", f"optimizer.{ALL}{FORGED}"],
    "topic": ["describe", f"{ALL}{FORGED}"],
    "group": ["list", f"{ALL}{FORGED}"],
    "init": ["init", f"a{FORGED}/b{ALL}/../c", "--dataset", "d\x1b"],
    "init's file": ["init", f"is{NAME}"],
    "memory": ["sweep", "good.yaml", "--memory", f"{ALL}{FORGED}"],
    "grid": ["sweep", "good.yaml", "--grid", f"{ALL}{FORGED}=1"],
    "swept text": ["sweep", "good.yaml", "--grid", f'description=["{QUOTED}"]', "--dry-run"],
    "sweep": ["resume", f"{ALL}{FORGED}"],
    "member": ["replay", "runs", f"{ALL}{FORGED}"],
    "runs": ["train", "good.yaml", "--runs-dir", f"good.yaml/{ALL}{FORGED}"],
}


@pytest.mark.skipif(os.name == "nt", reason="has no such names")
@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_what_the_command_line_holds(program, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(EXPERIMENT, encoding="utf-8")
    Path(f"is{NAME}").write_text(EXPERIMENT, encoding="utf-8")
    Path("runs").mkdir()
    _, out, err = program(*words, code=None)
    check(out + err)


@pytest.mark.skipif(os.name == "nt", reason="has no such names")
def test_the_report_of_a_run(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(EXPERIMENT, encoding="utf-8")
    _, out, err = program("train", "good.yaml", "engine=torch", "--run-dir", f"here{ALL}{FORGED}")
    check(out + err)
    _, out, _ = program("train", "good.yaml", "engine=torch", "--json", "--run-dir", f"there{ALL}{FORGED}")
    assert obeyed(out) == []
    assert json.loads(out)["run_dir"] == f"there{ALL}{FORGED}"  # JSON stays JSON


def test_what_completion_offers(program, tmp_path, monkeypatch):
    file = tmp_path / "exp.yaml"
    file.write_text(f'device: "{QUOTED}"\n', encoding="utf-8")
    monkeypatch.setenv("_LRCLI_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"lrcli\ntrain\n{file}\ndevice\n=")
    monkeypatch.setenv("COMP_CWORD", "4")
    _, out, err = program(code=None)
    assert obeyed(out + err) == []


# Streams that cannot be written to.


class Failing(io.StringIO):
    """A stream whose other end is gone."""

    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise OSError


def test_an_error_that_nobody_can_be_told_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Failing())
    with guarded_streams():
        print_error("a")
        print("b", file=sys.stderr, flush=True)  # noqa: T201


def test_a_closed_stream_leads_nowhere(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with guarded_streams():
        print_lines(["a"])
        print_error("b")
    assert sys.stdout is None


def in_shell(line):
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m lrcli {line}"], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("check none.yaml 2>/dev/full", 2),
        ("--no-such-option 2>/dev/full", 2),
        ("list >&-", 0),
        ("check none.yaml >&- 2>&-", 2),
        ("describe optimizer.sgd >&-", 0),
    ],
)
def test_streams_as_a_shell_gives_them(line, code):
    assert in_shell(line) == (code, "", "")


@pytest.mark.skipif(os.name == "nt", reason="a directory in use cannot go")
def test_a_current_directory_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    message = "error: the current directory is gone; change to one that is there\n"
    start = f"cd {gone} && rmdir {gone} && {sys.executable} -m lrcli"
    experiment = Path(__file__).parents[2] / "experiments" / "linear.yaml"
    for line, expected in (
        (f"train {experiment}", (2, "", message)),
        ("--version", (0, None, "")),
    ):
        done = subprocess.run(["sh", "-c", f"{start} {line}"], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (expected[0], expected[2])
        gone.mkdir()
