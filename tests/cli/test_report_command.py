"""`lrcli report`, and the reports that commands write by themselves."""

import re
import shutil

import pytest
from damaging import without_digests
from pages import ReadPage, assert_sound

LINE = """\
dataset: {kind: linear, w: [2, -3.4], b: 4.2, noise: 0.01, num_train: 40, num_val: 20}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.1}
training: {epochs: 2, batch_size: 10}
logging: {tensorboard: false}
"""
XOR = """\
dataset: {kind: xor, num_train: 40, num_val: 20}
model: {kind: mlp, hidden: [4]}
loss: {kind: bce}
optimizer: {kind: sgd, lr: 0.1}
training: {epochs: 2, batch_size: 10}
logging: {tensorboard: false, figures: false}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory to work in, with two experiments."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.yaml").write_text(LINE)
    (tmp_path / "xor.yaml").write_text(XOR)
    return tmp_path


def read(path):
    page = ReadPage(path.read_text(encoding="utf-8"))
    assert_sound(page)
    return page


@pytest.mark.usefixtures("empty_figures")
def test_a_run_writes_none_unless_it_is_asked_to(place, program):
    program("train", "line.yaml", "-q", "logging.figures=false")
    assert not (place / "runs/line/train-0001/report.html").exists()
    program("train", "line.yaml", "-q", "logging.report=true")
    page = read(place / "runs/line/train-0002/report.html")
    titles = [figure["title"] for figure in page.figures]
    assert "Loss while training" in titles
    files = (place / "runs/line/train-0002/figures").glob("*.svg")
    assert len(titles) == len(list(files))


def test_a_report_of_a_run_whose_figures_are_not_wanted(place, program):
    program("train", "xor.yaml", "-q", "logging.report=true")
    page = read(place / "runs/xor/train-0001/report.html")
    assert page.figures == []
    assert "Figures" not in page.texts["h2"]


def test_what_a_run_writes_is_what_is_written_later(place, program):
    program("train", "line.yaml", "-q", "logging.report=true")
    path = place / "runs/line/train-0001/report.html"
    first = read(path)
    path.unlink()
    out = program("report", "line")[1]
    assert out.splitlines() == [str(path.relative_to(place))]
    assert read(path).text == first.text
    assert read(path).tables == first.tables


def test_a_sweep_writes_its_own(place, program):
    program("sweep", "line.yaml", "--lr", "1e-3:1:4", "--seeds", "3", "-q")
    path = place / "runs/line/sweep-0001/report.html"
    page = read(path)
    assert len(page.tables["Configurations, best first"].rows) == 4
    assert len(page.figures) == len(list((path.parent / "figures").glob("*.svg"))) > 2
    path.unlink()
    program("report", "line")
    assert read(path).text == page.text
    assert read(path).tables == page.tables


@pytest.mark.usefixtures("empty_figures")
def test_a_sweep_that_is_to_write_none(place, program):
    program("sweep", "line.yaml", "--lr", "0.1,0.2", "--seeds", "2", "-q", "logging.report=false")
    assert not (place / "runs/line/sweep-0001/report.html").exists()


def test_a_sweep_without_figures_has_a_report_without(place, program):
    program("sweep", "xor.yaml", "--lr", "0.1,0.2", "--seeds", "2", "-q")
    assert read(place / "runs/xor/sweep-0001/report.html").figures == []


@pytest.mark.usefixtures("empty_figures")
def test_a_run_that_diverged_has_a_report(place, program):
    program("train", "line.yaml", "optimizer.lr=1e20", "-q", code=1)
    program("report", "last")
    assert "Diverged at step" in read(place / "runs/line/train-0001/report.html").text


@pytest.mark.usefixtures("empty_figures")
def test_several_runs_are_compared(place, program):
    program("train", "line.yaml", "-q", "logging.figures=false")
    program("train", "line.yaml", "-q", "logging.figures=false", "optimizer.lr=0.2")
    program("train", "xor.yaml", "-q")
    assert "name it, as in --out" in program("report", "line", "xor", code=2)[2]
    out = program("report", "line/train-0001", "line/train-0002", "xor", "--out", "new/all.html")[1]
    assert out == "new/all.html\n"
    page = read(place / "new/all.html")
    labels = ["line/train-0001", "line/train-0002", "xor/train-0001"]
    for label in labels:
        assert re.search(rf"Figure \d+, {label}\. ", "".join(page.texts["figcaption"]))
    assert page.tables["How each run ended"].column("run") == labels
    assert page.tables["What differs between the runs"].headings == ["key", *labels]
    assert page.texts["figcaption"]


def test_runs_whose_directories_have_the_same_name(place, program):
    for parent in ("a", "b"):
        program("train", "xor.yaml", "-q", "--run-dir", f"{parent}/runs/one")
    program("report", "a/runs/one", "b/runs/one", "--out", "two.html")
    labels = read(place / "two.html").tables["How each run ended"].column("run")
    assert labels == [str((place / parent / "runs/one").resolve()) for parent in ("a", "b")]


def test_a_comparison_is_of_different_runs(place, program):
    program("train", "xor.yaml", "-q")
    program("sweep", "xor.yaml", "--lr", "0.1,0.2", "--seeds", "2", "-q")
    err = program("report", "xor/train-0001", "runs/xor/train-0001/", "--out", "x.html", code=2)[2]
    assert "is named twice" in err
    err = program("report", "xor/train-0001", "xor/sweep-0001", "--out", "x.html", code=2)[2]
    assert "sweep-0001: is a sweep; runs can be compared" in err
    assert not (place / "x.html").exists()


def test_nothing_of_the_users_is_overwritten(place, program):
    program("train", "xor.yaml", "-q")
    for path in (place / "thesis.html", place / "runs/xor/train-0001/report.html"):
        path.write_text("<html>mine</html>")
    err = program("report", "xor", "--out", "thesis.html", code=2)[2]
    assert "thesis.html: is there already and is no report of lrcli; name another file" in err
    assert "report.html: is there already" in program("report", "xor", code=2)[2]
    assert "is a directory; name a file" in program("report", "xor", "--out", "runs", code=2)[2]
    assert (place / "thesis.html").read_text() == "<html>mine</html>"


@pytest.mark.filterwarnings("default")
def test_a_report_in_the_way_does_not_cost_a_sweep(place, program, monkeypatch):
    """Whoever wrote it: what was trained is there all the same."""
    from lrcli.reporting.pages import files

    def refuse(path):
        raise files.UsageError(f"{path}: is there already")

    monkeypatch.setattr(files, "check_place", refuse)
    err = program("sweep", "xor.yaml", "--lr", "0.1,0.2", "--seeds", "2", "-q")[2]
    assert err.replace("\\", "/").startswith("warning: runs/xor/sweep-0001/report.html: was not written")
    assert '"status": "completed"' in (place / "runs/xor/sweep-0001/result.json").read_text()


def test_what_is_no_run_is_told(place, program):
    assert "nothing: there are no runs in runs yet" in program("report", "nothing", code=2)[2]
    program("train", "xor.yaml", "-q")
    assert "did you mean xor?" in program("report", "xo", code=2)[2]
    (place / "runs/xor/train-0001/metrics.csv").unlink()
    assert "metrics.csv: cannot be read" in program("report", "xor", code=2)[2]
    without_digests(place / "runs/xor/train-0001")
    assert "has no records" in program("report", "xor", code=2)[2]


def test_a_damaged_run_is_told(place, program):
    program("train", "xor.yaml", "-q")
    (place / "runs/xor/train-0001/metrics.csv").write_text("epoch,step\n1\n")
    assert "has been damaged" in program("report", "xor", code=2)[2]
    assert not (place / "runs/xor/train-0001/report.html").exists()


def test_a_run_that_was_moved_has_a_report(place, program):
    program("train", "xor.yaml", "-q")
    shutil.move(place / "runs/xor/train-0001", place / "handed in")
    out = program("report", "handed in", "--out", "page.html")[1]
    assert out == "page.html\n"
    assert read(place / "page.html").texts["h1"] == ["xor"]


def test_of_many_runs_there_are_figures_of_all_of_them_alone(place, program):
    for seed in range(7):
        program("train", "xor.yaml", "-q", f"seed={seed}")
    program("report", *(f"xor/train-{n:04d}" for n in range(1, 8)), "--out", "seven.html")
    page = read(place / "seven.html")
    assert [figure["title"] for figure in page.figures] == ["Loss and accuracy while training"]
    assert "Figures of a single run are in its own report" in page.text
