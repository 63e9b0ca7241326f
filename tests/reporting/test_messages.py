"""What a message looks like, and what happens where nobody reads what is written."""

import gc
import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from rich.console import Console

from lrcli.cli import app as app_module
from lrcli.cli import main
from lrcli.config.document import SourceLocation
from lrcli.reporting import messages
from lrcli.reporting.messages import print_error, print_note, print_warning
from lrcli.wording import printable

MESSAGE = "exp.yaml:2:5: lr: must be greater than 0\n  2 | lr: 0\n    |     ^"
RED, BOLD, BOLD_RED, END = "\x1b[31m", "\x1b[1m", "\x1b[1;31m", "\x1b[0m"
EXPERIMENT = Path(__file__).parents[2] / "experiments" / "linear.yaml"


@pytest.fixture
def shown(monkeypatch):
    """Prints a message on a console of some kind, and gives what arrives there."""

    def shown(show, message, width=80, **options):
        file = io.StringIO()
        console = Console(file=file, width=width, legacy_windows=False, **options)
        monkeypatch.setattr(messages, "console", lambda *, stderr: console if stderr else None)
        show(message)
        return file.getvalue()

    return shown


TERMINAL = {"force_terminal": True, "color_system": "standard", "no_color": False}


def test_on_a_terminal_the_place_and_the_caret_stand_out(shown):
    assert shown(print_error, MESSAGE, **TERMINAL) == (
        f"{BOLD_RED}error: {END}{BOLD}exp.yaml:2:5: {END}lr: must be greater than 0\n"
        "  2 | lr: 0\n"
        f"{BOLD_RED}    |     ^{END}\n"
    )


def test_every_mistake_stands_out(shown):
    text = shown(print_error, f"{MESSAGE}\n\n{MESSAGE.replace('exp', 'base')}", **TERMINAL)
    assert text.count(f"{BOLD_RED}    |     ^{END}") == 2
    assert f"{BOLD}exp.yaml:2:5: {END}" in text
    assert f"\n\n{BOLD}base.yaml:2:5: {END}lr: " in text


def test_a_mistake_in_an_override_has_no_place(shown):
    message = "override: seed: must be at least 0\n   | seed=-1\n   |      ^"
    assert shown(print_error, message, **TERMINAL) == (
        f"{BOLD_RED}error: {END}override: seed: must be at least 0\n"
        "   | seed=-1\n"
        f"{BOLD_RED}   |      ^{END}\n"
    )


@pytest.mark.parametrize("line", ["  3 | a^", "^", "  3 | ^", "x | ^", "  | ^ b"])
def test_only_the_line_under_the_culprit_is_red(shown, line):
    assert shown(print_error, f"a\n{line}", **TERMINAL) == f"{BOLD_RED}error: {END}a\n{line}\n"


def test_a_note_on_a_terminal(shown):
    assert shown(print_note, "a: b", **TERMINAL) == f"{BOLD}note: {END}a: b\n"


def test_no_colour_where_none_is_wanted(shown):
    text = shown(print_error, MESSAGE, **TERMINAL | {"no_color": True})
    assert "\x1b[31m" not in text
    assert ";31m" not in text


def test_no_codes_where_there_is_no_terminal(shown):
    assert shown(print_error, MESSAGE) == f"error: {MESSAGE}\n"
    assert shown(print_note, "a: b") == "note: a: b\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows consoles are found in another way")
@pytest.mark.parametrize(
    ("settings", "red", "bold"),
    [
        ({}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"TTY_COMPATIBLE": "1"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, True),  # bold is no colour
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, False),
        ({"FORCE_COLOR": "1", "TTY_COMPATIBLE": "0"}, False, False),
    ],
)
def test_what_the_environment_asks_for(monkeypatch, capsys, settings, red, bold):
    for name in ("NO_COLOR", "COLORTERM", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | settings).items():
        monkeypatch.setenv(name, value)
    print_error(MESSAGE)
    out, err = capsys.readouterr()
    assert out == ""
    assert (BOLD_RED in err) == red
    assert (BOLD in err or BOLD_RED in err) == bold
    if not bold:
        assert err == f"error: {MESSAGE}\n"


@pytest.mark.parametrize(
    "text",
    [
        "out[/x]/[v2].yaml: there is no such file",
        "[red]a[/red] [bold] [link=https://example.org]b[/link]",
        "[a, b]: 'text' 1e-3 True https://example.org",
        ":smile: :warning:",
        "a\\[b]",
        "word " * 100,
        "x" * 1000,
        "表" * 100,
        "  two  spaces   inside  ",
        "größe 表 \U0001f600 e\u0301",
        "first\n\n  third",
    ],
)
@pytest.mark.parametrize("options", [{}, TERMINAL], ids=["file", "terminal"])
@pytest.mark.parametrize(
    ("show", "start"), [(print_error, "error: "), (print_note, "note: "), (print_warning, "warning: ")]
)
def test_text_passes_through_as_it_is(shown, show, start, text, options):
    if show is not print_error:  # a sentence
        text = text.replace("\n", "")
    plain = shown(show, text, width=10_000, **options)
    for code in (BOLD_RED, BOLD, END):
        plain = plain.replace(code, "")
    assert plain == f"{start}{text}\n"


def test_a_warning_is_a_line_without_a_place_in_the_code(monkeypatch, capsys):
    def warn(**_options):
        warnings.warn("figures/loss: could not be drawn: \x1b[31m", stacklevel=1)

    before = warnings.showwarning
    monkeypatch.setattr(app_module, "app", warn)
    monkeypatch.setattr(sys, "argv", ["lrcli", "list"])
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with pytest.raises(SystemExit):
            main()
    assert capsys.readouterr().err == "warning: figures/loss: could not be drawn: \\x1b[31m\n"
    assert warnings.showwarning is before


def test_a_narrow_terminal_breaks_lines_between_words(shown):
    name = "n" * 60
    assert shown(print_note, f"{name} a b", width=40, **TERMINAL) == f"{BOLD}note: {END}{name}\na b\n"
    message = f"exp.yaml:2:5: lr: must be {name}\n  2 | lr: {'0 ' * 40}\n    |     ^"
    assert shown(print_error, message, width=40, **TERMINAL) == (
        f"{BOLD_RED}error: {END}{BOLD}exp.yaml:2:5: {END}lr: must be\n{name}\n"
        f"  2 | lr: {'0 ' * 40}\n{BOLD_RED}    |     ^{END}\n"
    )


@pytest.mark.parametrize(
    ("before", "columns"),
    [
        ("", 0),
        ("lr: ", 4),
        ("lr:\t", 4),  # a tab is shown as a space
        ("表: ", 4),
        ("日本語 한국어 ", 14),
        ("\uff41\uff42 ", 5),  # full-width letters
        ("e\u0301te\u0301 ", 4),  # accents that combine
        ("\uff41\u0301表e\u0301 ", 6),
        ("\U0001f600 ", 3),
        ("กั้ม ", 3),  # a vowel and a tone above the first letter
        ("x\u20dd ", 2),  # an enclosing circle
        ("a\u200bb ", 9),  # a space of no width, shown as its code
    ],
)
def test_the_caret_stands_under_the_culprit(shown, before, columns):
    message = SourceLocation("exp.yaml", 7, len(before) + 1, f"{before}! more").show("no")
    _, line, caret = shown(print_error, message).rstrip("\n").split("\n")
    assert line == f"  7 | {printable(before).replace(chr(9), ' ')}! more"
    assert caret == f"    | {' ' * columns}^"


# Readers that leave, and disks that are full.

COMMANDS = {
    "list": ["list"],
    "describe": ["describe", "optimizer"],
    "check": ["check", str(EXPERIMENT)],
    "show": ["show", str(EXPERIMENT)],
    "schema": ["schema"],
}


@pytest.fixture
def run_into(monkeypatch, capsys):
    """Runs the program in this process, its standard output being some file of the system's."""

    def run_into(descriptor, *words):
        with os.fdopen(descriptor, "w", encoding="utf-8") as output:
            monkeypatch.setattr(sys, "argv", ["lrcli", *words])
            monkeypatch.setattr(sys, "stdout", output)
            with pytest.raises(SystemExit) as caught:
                main()
            output.flush()
        return caught.value.code or 0, capsys.readouterr().err

    yield run_into
    gc.unfreeze()
    gc.enable()


def closed_pipe():
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


needs_pipes = pytest.mark.skipif(os.name == "nt", reason="pipes of another kind")
needs_full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
FULL = "error: standard output: could not be written: No space left on device\n"


@needs_pipes
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_reader_that_has_left(run_into, words):
    assert run_into(closed_pipe(), *words) == (0, "")


@needs_pipes
def test_a_reader_that_has_left_does_not_hide_what_is_wrong(run_into, tmp_path):
    code, err = run_into(closed_pipe(), "check", str(EXPERIMENT), str(tmp_path / "none.yaml"))
    assert code == 2
    assert err == f"error: {tmp_path / 'none.yaml'}: there is no such file\n"


@needs_full_disk
@pytest.mark.parametrize("words", [*COMMANDS.values(), ["--help"]], ids=[*COMMANDS, "help"])
def test_a_full_disk(words):
    """In a process of its own: what is left in the buffer is written again at exit."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lrcli", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, FULL)


@needs_pipes
@pytest.mark.parametrize("words", [["schema"], ["check", str(EXPERIMENT)]], ids=["schema", "check"])
def test_a_reader_that_has_left_and_the_end_of_the_process(words):
    writing = closed_pipe()
    done = subprocess.run(
        [sys.executable, "-m", "lrcli", *words],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
