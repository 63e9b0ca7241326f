"""What is said of every experiment and of runs that are broken in one way each, kept as text.

The texts are to be read: as a student would, whether they are true, short and clear. They are made again by

    LRCLI_GOLDEN=write pytest tests/explaining/test_golden.py

Their numbers are held to other computations in test_diagnoses.py.
"""

import os
from pathlib import Path

import pytest
from builders import EXPERIMENTS, experiment_files
from cases import BROKEN

import lrcli
from lrcli.reporting.explanation import explanation_lines

GOLDEN = Path(__file__).parent / "golden"
WRITES = os.environ.get("LRCLI_GOLDEN") == "write"


def held(name, explanation):
    """Hold an explanation to the text that is kept, or keep it."""
    text = "\n".join(line.rstrip() for line in explanation_lines(explanation)) + "\n"
    file = GOLDEN / f"{name}.txt"
    if WRITES:
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", experiment_files())
def test_experiment_before_training(file, monkeypatch):
    monkeypatch.chdir(EXPERIMENTS.parent)
    held(f"file_{file.stem}", lrcli.explain(f"experiments/{file.name}"))


@pytest.mark.parametrize("name", BROKEN)
def test_broken_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    held(name, lrcli.train(BROKEN[name]).explain())
