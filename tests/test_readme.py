"""The README is followed word by word."""

import re
import shutil

import pytest
from readme import README, blocks, differences, replay

TEXT = README.read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where a user stands who has just cloned the project."""
    shutil.copytree(README.parent / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS")
    return tmp_path


@pytest.mark.usefixtures("machine_code", "empty_figures")
def test_a_transcript_is_what_is_printed(place, program):
    """From the first to the last, in one folder: what one command leaves another may take."""
    found = [line for block in blocks(TEXT) for line in replay(block, place, program)]
    assert found
    for command, said, printed in found:
        assert "\n".join(differences(said, printed)) == "", command


@pytest.mark.usefixtures("place", "empty_figures")
def test_its_python_runs():
    found = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    for text in found:
        exec(compile(text, README.name, "exec"), {})  # noqa: S102 - our own


def test_a_transcript_that_lies_is_caught():
    said = ["a: completed (in 0.0376 s)", "...", "best: 1 ...", "end"]
    true = ["a: completed (in 2 s)", "x", "y", "best: 1 of 2", "end"]
    assert not differences(said, true)
    for lie in (true[:-1], ["b", *true[1:]], [*true, "more"], [*true[:3], "best: 2 of 2", "end"]):
        assert differences(said, lie)


def test_every_option_of_a_command_line_is_one(program):
    """Of the synopses, which are set in by four spaces."""
    for line in re.findall(r"^    lrcli ([a-z]+) (.*(?:\n {16}.*)*)", TEXT, re.MULTILINE):
        command, words = line
        helped = program(command, "--help")[1]
        assert {*re.findall(r"--[a-z-]+", words)} <= {*re.findall(r"--[a-z-]+", helped)}, command


def test_every_example_file_is_there():
    for name in re.findall(r"experiments/([\w-]+\.yaml)", TEXT):
        assert (README.parent / "experiments" / name).is_file(), name
