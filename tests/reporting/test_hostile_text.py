"""Text that a terminal would obey, in all that an experiment takes from outside: shown, and not obeyed."""

import csv
import json
import re
from pathlib import Path

import pytest

BAD = "\x1b[31mred\x1b]0;title\x07\x9b7m\u202eevil\u2066<script>alert(1)</script>"
OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
RAW = (b"\x1b[31m", b"\xc2\x9b", b"\xe2\x80\xae", b"\xe2\x81\xa6")  # among other bytes
TABLE = "t\x1b[31m\u202e.csv"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A table whose columns and classes are hostile, and an experiment on it."""
    monkeypatch.chdir(tmp_path)
    names = [f"{name}{BAD}" for name in ("a", "b", "y")]
    rows = [[i % 5, i % 7, f"{i % 2}{BAD}"] for i in range(40)]
    with Path(TABLE).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    experiment = {
        "description": BAD,
        "dataset": {"kind": "csv", "path": TABLE, "target": names[2]},
        "model": {"kind": "linear"},
        "loss": {"kind": "bce"},
        "optimizer": {"kind": "sgd", "lr": 0.1},
        "training": {"epochs": 2, "batch_size": 8},
        "logging": {"figures": False, "report": True},
    }
    Path("exp.yaml").write_text(json.dumps(experiment))
    return tmp_path


COMMANDS = [
    "check exp.yaml",
    "show exp.yaml",
    "explain exp.yaml",
    "data exp.yaml --out data",
    "train exp.yaml",
    "train exp.yaml --json -q",
    "sweep exp.yaml --lr 0.1,1 --seeds 2",
    "explain exp/train-0001",
    "report exp/train-0001 exp/train-0002 --out page.html",
    f"predict exp/train-0001 --input {TABLE}",
]


@pytest.mark.filterwarnings("ignore:Glyph")  # of the figures
def test_no_command_and_no_file_has_it_raw(place, program):
    said = ""
    for command in COMMANDS:
        _, out, err = program(*command.split(" "))
        said += out + err
    assert not OBEYED.search(said)
    assert r"\x1b[31mred" in said
    kinds = set()
    for path in filter(Path.is_file, place.rglob("*")):
        kinds.add(path.suffix)
        content = path.read_bytes()
        if path.name.startswith("events."):
            assert not any(
                code in content for code in (b"\x1b[31m", b"\xc2\x9b", b"\xe2\x80\xae", b"\xe2\x81\xa6")
            )
        elif path.suffix != ".npz" and path.name != TABLE:
            assert not OBEYED.search(content.decode()), path
        assert path.suffix != ".html" or b"<script>alert" not in content
    assert kinds >= {".html", ".json", ".yaml", ".csv", ".npz", ".txt"}


LINES = [
    ("train exp.yaml", "optimizer: {kind: sgd, lr: 0.1}\n\x1b[31m: 1"),
    ("check exp.yaml", f"# {BAD}\nname: [1"),
    ("check exp.yaml", f"# {BAD}\nname: 'a'  # {BAD}\n"),
    ("check exp.yaml", json.dumps({BAD: 1})),
    ("check exp.yaml", json.dumps({"name": BAD, "dataset": {"kind": BAD}})),
    ("check exp.yaml", json.dumps({"name": "../../x"})),
    (f"check {BAD}.yaml", ""),
    (f"explain {BAD}", ""),
    (f"report {BAD}", ""),
    (f"train exp.yaml {BAD}=1", "name: x"),
    (f"train exp.yaml name={BAD}", "name: x"),
    (f"sweep exp.yaml --grid {BAD}=1", "name: x"),
    (f"describe {BAD}", ""),
    (f"{BAD}", ""),
]


@pytest.mark.parametrize(("command", "content"), LINES)
def test_no_message_has_it_raw(place, program, command, content):
    if content:
        Path("exp.yaml").write_text(content, encoding="utf-8")
    before = set(place.rglob("*"))
    _, out, err = program(*command.split(" "), code=2)
    assert out == ""
    assert not OBEYED.search(err)
    assert set(place.rglob("*")) == before


def test_a_result_that_somebody_sent_does_as_little(place, program):
    from damaging import edited

    program("train", "exp.yaml", "-q")
    run = place / "runs/exp/train-0001"
    edited(run, run_dir=f"../../elsewhere/{BAD}", name=BAD, source=None)
    said = ""
    for command in ("explain", "report"):
        _, out, err = program(command, "exp/train-0001")
        said += out + err
    assert not OBEYED.search(said + (run / "report.html").read_text())
    assert "<script>alert" not in (run / "report.html").read_text()
    assert not (place.parent / "elsewhere").exists()
