"""The guides tell the truth: their commands print what stands there, their files load, their Python runs."""

import re
import shutil
from pathlib import Path

import pytest
from readme import blocks, differences, replay

from lrcli.authoring.docs.guides import GUIDES, guide_file
from lrcli.experiment.loading import load

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where a user stands who has just cloned the project."""
    shutil.copytree(EXPERIMENTS, tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS")
    return tmp_path


def listings(name, language):
    text = guide_file(name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("machine_code", "empty_figures")
@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_is_followed_word_by_word(name, place, program):
    """From its beginning to its end, in one folder: what one command leaves another may take."""

    for block in blocks(guide_file(name).read_text(encoding="utf-8")):
        for command, said, printed in replay(block, place, program):
            assert "\n".join(differences(said, printed)) == "", command


@pytest.mark.parametrize("name", GUIDES)
def test_the_files_of_a_guide_load(name, tmp_path):
    for text in listings(name, "yaml"):
        file = tmp_path / "example.yaml"
        file.write_text(text)
        load(file)


@pytest.mark.usefixtures("empty_figures")
@pytest.mark.parametrize("name", GUIDES)
def test_the_python_of_a_guide_runs(name, place):
    names = {}
    for text in listings(name, "python"):
        exec(compile(text, f"{name}.md", "exec"), names)  # noqa: S102 - our own


def test_every_listing_of_a_guide_is_checked():
    for name in GUIDES:
        languages = re.findall(r"^```(\w*)$", guide_file(name).read_text(encoding="utf-8"), re.MULTILINE)
        assert {*languages} <= {"", "console", "yaml", "python"}
        assert languages[1::2] == [""] * (len(languages) // 2)
        assert "" not in languages[::2]


def test_every_guide_is_in_the_contents():
    assert {path.stem for path in guide_file("start").parent.iterdir()} == {*GUIDES}


def test_every_file_of_ours_that_a_guide_names_is_there():
    root, found = EXPERIMENTS.parent, []
    for name in GUIDES:
        text = guide_file(name).read_text(encoding="utf-8")
        found += re.findall(
            r"\b((?:lrcli|tests|experiments|components|engines|reporting)/[\w/]*(?:\.\w+)?)(?![\w*])", text
        )
    assert len({*found}) > 15
    for path in found:
        assert (root / path).exists() or (root / "lrcli" / path).exists(), path
