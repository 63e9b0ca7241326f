"""The help texts: complete, narrow enough, and their examples work."""

import gc
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from lrcli.cli import main
from lrcli.cli.app import app
from lrcli.engines.compiled import code_cache

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
ROOT = get_command(app)
COMMANDS = list(ROOT.commands)
WIDEST = 100


def run(monkeypatch, capsys, *words):
    """Run the program in this process: its exit code, and what it wrote to standard output."""
    monkeypatch.setattr(sys, "argv", ["lrcli", *words])
    try:
        with pytest.raises(SystemExit) as caught:
            main()
    finally:
        gc.unfreeze()
        gc.enable()
    return caught.value.code or 0, capsys.readouterr().out


def help_text(name):
    """What ``lrcli NAME --help`` prints."""
    if not name:
        return ROOT.get_help(ROOT.make_context("lrcli", ["train"]))
    command = ROOT.commands[name]
    context = command.context_class(command, info_name=name, parent=ROOT.make_context("lrcli", [name]))
    return command.get_help(context)


def examples(name):
    _, _, block = help_text(name).rpartition("\n  Examples:\n")
    return [line.strip() for line in block.splitlines()]


def one_line(text):
    return " ".join(text.split())


def test_the_program_names_every_command(monkeypatch, capsys):
    code, out = run(monkeypatch, capsys, "--help")
    assert code == 0
    _, _, listed = out.partition("Commands:\n")
    starts = [line for line in listed.split("\n\n")[0].splitlines() if line[2] != " "]
    assert [line.split()[0] for line in starts] == COMMANDS
    assert {"train", "check", "show", "data", "init", "list", "describe", "schema"} <= set(COMMANDS)
    assert out.strip() == help_text("").strip()


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_of_a_command(monkeypatch, capsys, word):
    code, out = run(monkeypatch, capsys, "show", word)
    assert code == 0
    assert out.strip() == help_text("show").strip()


@pytest.mark.parametrize("columns", ["60", "120", "250"])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_narrow(monkeypatch, name, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert max(map(len, help_text(name).splitlines())) <= WIDEST


@pytest.mark.parametrize("columns", ["40", "60", "80", "100"])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_whole_at_every_width(monkeypatch, name, columns):
    monkeypatch.setenv("COLUMNS", "1000")
    whole = help_text(name)
    monkeypatch.setenv("COLUMNS", columns)
    text = help_text(name)
    assert "".join(text.split()) == "".join(whole.split())
    cut = [line for line in text.splitlines() if line.endswith(("...", "…"))]
    assert all("]..." in line or "}..." in line for line in cut)  # that may be repeated


def test_help_on_a_terminal_narrower_than_typer_expects():
    """It is asked how wide it is when the program starts; what can be typed is never broken."""
    every = "import sys\nfrom lrcli.cli import main\nfor name in sys.stdin.read().split('\\n'):\n"
    every += "    sys.argv = ['lrcli', *name.split(), '--help']\n    try: main()\n"
    every += "    except SystemExit as ended: print('end', name, ended.code)"
    ran = subprocess.run(
        [sys.executable, "-c", every],
        input="\n".join(["", *COMMANDS]),
        env=os.environ | {"COLUMNS": "44"},
        capture_output=True,
        check=True,
        text=True,
    )
    lines = ran.stdout.splitlines()
    assert [line for line in lines if line.startswith("end ")] == [
        f"end {name} 0" for name in ["", *COMMANDS]
    ]
    assert len([line for line in lines if line.startswith("Usage: ")]) == 1 + len(COMMANDS)
    assert [line for line in lines if len(line) > 44 and not line.startswith("    lrcli ")] == []


def test_the_program_says_the_first_sentence_of_every_command(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = one_line(help_text(""))
    for name in COMMANDS:
        first = one_line((ROOT.commands[name].help or "").split("\n\n")[0])
        assert f"{name} {first}" in text


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_explains_every_option(name):
    command = ROOT.commands[name] if name else ROOT
    text = one_line(help_text(name))
    for parameter in command.params:
        words = [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else []
        assert all(word in text for word in words)
        assert parameter.help
        assert one_line(parameter.help) in text
    for line in (command.help or "").splitlines():
        assert one_line(line) in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_examples(name):
    lines = help_text(name).rstrip("\n").splitlines()
    start = lines.index("  Examples:")
    assert len(lines) > start + 1
    assert all(line.startswith("    lrcli ") for line in lines[start + 1 :])
    assert lines[-1].startswith(f"    lrcli {name}")


LISTENERS: list[list[Path]] = []  # an audit hook cannot be taken out again, so it writes to whoever listens


def _hear(event, arguments):
    if not LISTENERS:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = set(mode or "") & set("wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        found = [path] if writes else []
    elif event in {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.symlink"}:
        found = arguments
    else:
        return
    paths = [
        Path(os.fsdecode(path)).resolve() for path in found if isinstance(path, str | bytes | os.PathLike)
    ]
    for listener in LISTENERS:
        listener += paths


@pytest.fixture(scope="module")
def hook():
    sys.addaudithook(_hear)


@pytest.fixture
def writes(hook):
    """The paths that this process opens to write, makes, moves or removes during a test."""
    paths = []
    LISTENERS.append(paths)
    yield paths
    LISTENERS.clear()


def shell(monkeypatch, capsys, line):
    """What a shell does with an example: expand *, and write to a file what it prints after a >."""
    command, _, file = line.partition(" > ")
    program, *words = shlex.split(command)
    assert program == "lrcli"
    expanded = [
        path for word in words for path in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
    ]
    code, out = run(monkeypatch, capsys, *expanded)
    if file:
        Path(file).write_text(out, encoding="utf-8")
    return code, out


# A command about an earlier run is shown after the one that leaves the run; any other line stands alone.
LINES = [
    lines
    for name in COMMANDS
    for lines in (
        [examples(name)]
        if name
        in {
            "compare",
            "delete",
            "explain",
            "export",
            "figure",
            "merge",
            "predict",
            "replay",
            "report",
            "resume",
            "runs",
        }
        else [[line] for line in examples(name)]
    )
]


@pytest.mark.usefixtures("empty_figures")
@pytest.mark.parametrize("lines", LINES, ids=lambda lines: lines[-1].removeprefix("lrcli "))
def test_an_example_works_as_it_stands(tmp_path, monkeypatch, capsys, writes, lines):
    shutil.copytree(EXPERIMENTS, tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    for line in lines:
        code, out = shell(monkeypatch, capsys, line)
        assert code == 0
        assert out or "--quiet" in line or " resume " in line
    made = [folder.resolve() for folder in code_cache.folders()]  # by an example that had to compile
    allowed = (tmp_path.resolve(), Path(os.devnull).resolve(), *made)
    elsewhere = [path for path in writes if not any(path.is_relative_to(place) for place in allowed)]
    assert any(path.is_relative_to(allowed[0]) for path in writes)
    assert [path for path in elsewhere if not {"__pycache__", "matplotlib"} & {*path.parts}] == []
