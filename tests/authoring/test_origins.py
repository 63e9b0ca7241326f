import pytest

from lrcli.authoring.origins import origins
from lrcli.config.document import Document, SourceLocation
from lrcli.experiment.experiment import resolved
from lrcli.experiment.loading import load

BASE = """\
dataset:
  kind: linear
  w: [2.0,
      -3.4]
  b: 4.2
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.03}
training: {epochs: 3}
"""


@pytest.fixture
def said(tmp_path, monkeypatch):
    """What is said about each key of a file's experiment, by its dotted name."""

    def said(text, *words):
        (tmp_path / "exp.yaml").write_text(text)
        loaded = load((tmp_path / "exp.yaml").relative_to(tmp_path), words)
        found = origins(loaded.document, resolved(loaded.experiment))
        return {".".join(path): comment for path, comment in found.items()}

    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    return said


def below(said, name):
    return {key: comment for key, comment in said.items() if f"{key}.".startswith(f"{name}.")}


def test_what_the_file_says_has_no_mark(said):
    written = {"dataset.kind", "dataset.w", "dataset.b", "model.kind", "optimizer.lr", "training.epochs"}
    assert not written & set(said(BASE))


def test_a_default_is_said_once_for_a_whole_block(said):
    marks = said(BASE)
    assert set(marks.values()) == {"default"}
    assert below(marks, "logging") == {"logging": "default"}
    assert below(marks, "model") == {"model.init": "default"}
    assert "training" not in marks
    assert marks["training.batch_size"] == marks["name"] == marks["seed"] == "default"


def test_every_key_of_an_empty_block_is_at_its_default(said):
    marks = said(BASE.replace("training: {epochs: 3}", "training: {}"))
    assert set(below(marks, "training")) == {
        f"training.{key}" for key in ("epochs", "batch_size", "shuffle", "drop_last")
    }


def test_what_a_base_says_is_marked_with_its_line(said):
    marks = said("extends: base.yaml\noptimizer: {lr: 0.1}\ntraining: {batch_size: 5}\n")
    assert marks["dataset.kind"] == "base.yaml:2"
    assert marks["dataset.w"] == "base.yaml:3"  # where the list begins
    assert marks["dataset.b"] == "base.yaml:5"
    assert marks["optimizer.kind"] == "base.yaml:8"
    assert marks["training.epochs"] == "base.yaml:9"
    assert not {"optimizer.lr", "training.batch_size", "dataset", "optimizer"} & set(marks)


def test_each_file_of_a_chain_is_named(said, tmp_path):
    (tmp_path / "mid.yaml").write_text("extends: base.yaml\ntraining: {epochs: 4}\nseed: 1\n")
    marks = said("extends: mid.yaml\nseed: 2\n")
    assert marks["training.epochs"] == "mid.yaml:2"
    assert marks["optimizer.lr"] == "base.yaml:8"
    assert "seed" not in marks


def test_a_key_that_was_taken_back_is_at_its_default(said):
    marks = said("extends: base.yaml\ntraining:\noptimizer: {lr: 1}\n")
    assert below(marks, "training") == {"training": "default"}


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("optimizer.lr=0.1", "optimizer.lr"),
        ("seed=1e0", "seed"),
        ("optimizer.momentum=0.5", "optimizer.momentum"),
        ("dataset.w=[1, 2]", "dataset.w"),
        ("logging.every=2", "logging.every"),
        ("description=a # b", "description"),
        ("dataset.outliers.3=5", "dataset.outliers.3"),
        ("dataset.outliers={3: 5}", "dataset.outliers.3"),
        ("training.best.metric=train/loss", "training.best.metric"),
        ("optimizer={kind: sgd, lr: 1}", "optimizer.lr"),
    ],
)
def test_an_override_is_marked_with_the_word(said, word, key):
    for text in (BASE, "extends: base.yaml\n"):
        assert said(text, word)[key] == f"override {word}"


def test_an_override_that_makes_a_block_marks_only_what_it_says(said):
    marks = said(BASE, "logging.every=2")
    assert marks["logging.every"] == "override logging.every=2"
    assert marks["logging.figures"] == "default"
    assert "logging" not in marks


def test_items_of_a_list_that_were_overridden_singly(said):
    assert said(BASE, "dataset.w.1=7")["dataset.w"] == "override dataset.w.1=7"
    both = said(BASE, "dataset.w.1=7", "dataset.w.0=8")["dataset.w"]
    assert both == "override dataset.w.0=8, override dataset.w.1=7"
    above = said("extends: base.yaml\n", "dataset.w.1=7")["dataset.w"]
    assert above == "base.yaml:3, override dataset.w.1=7"


@pytest.mark.parametrize("word", ["optimizer.kind=adam", "optimizer={kind: adam}"])
def test_another_kind_puts_the_rest_at_its_default(said, word):
    marks = below(said("extends: base.yaml\n", word), "optimizer")
    assert marks.pop("optimizer.kind") == f"override {word}"
    assert "optimizer.lr" in marks
    assert set(marks.values()) == {"default"}


GRID = "{optimizer.lr: {values: [0.1, 0.2]}}"


@pytest.mark.parametrize("grid", [GRID, f"[{GRID}]", f"[{GRID}, {GRID.replace('0.2', '0.3')}]"])
def test_a_grid_of_the_file_has_no_mark_however_it_is_written(said, grid):
    marks = below(said(f"{BASE}sweep: {{grid: {grid}, seeds: 2}}\n"), "sweep")
    assert marks == {}


def test_a_place_says_its_line_only_where_it_is_another_file():
    here, there = (SourceLocation(name, 3, 1, "") for name in ("exp.yaml", "base.yaml"))
    document = Document({"a": 1, "b": 2}, {}, {(): here, ("a",): here, ("b",): there})
    assert origins(document, {"a": 1, "b": 2, "c": {"d": 3}}) == {("b",): "base.yaml:3", ("c",): "default"}
