"""`lrcli figure` as a user runs it."""

import shutil

import pytest
from builders import trained_run


@pytest.fixture
def lrcli(lrcli_in):
    return lrcli_in


@pytest.fixture(scope="module")
def trained(tmp_path_factory, silent_lrcli):
    """A directory with two runs and a sweep."""
    place = tmp_path_factory.mktemp("figure")
    for number, rate in enumerate(("0.03", "0.1"), 1):
        trained_run(place / "runs" / "linear" / f"train-000{number}", "linear", f"optimizer.lr={rate}")
    (place / "small.yaml").write_text(
        "dataset: {kind: linear, w: [2], b: 1, num_train: 20, num_val: 10}\n"
        "model: {kind: linear}\nloss: {kind: mse}\noptimizer: {kind: sgd, lr: 0.1}\n"
        "training: {epochs: 2}\nlogging: {figures: false, tensorboard: false}\n"
    )
    silent_lrcli(place, "sweep", "small.yaml", "--lr", "0.01,0.1", "--seeds", "2", "--quiet")
    return place


@pytest.fixture
def place(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "place")
    return tmp_path / "place"


def test_all_of_a_run_beside_it(lrcli, place):
    done = lrcli(place, "figure", "linear/train-0001")
    kinds = ["loss", "predictions", "path", "recovery"]
    files = [f"runs/linear/train-0001/figures/{kind}.{end}" for kind in kinds for end in ("png", "svg")]
    assert done.stdout.replace("\\", "/").split() == files
    assert all((place / file).stat().st_size > 1000 for file in files)
    lrcli(place, "figure", "linear/train-0001", "loss")  # again


def test_one_of_several_runs(lrcli, place):
    lrcli(place, "figure", "linear/train-0001", "linear/train-0002", "loss", "--out", "new/loss.svg")
    svg = (place / "new" / "loss.svg").read_text(encoding="utf-8")
    assert "lr=0.03" in svg
    assert "lr=0.1" in svg


def test_for_print(lrcli, place):
    lrcli(place, "figure", "linear", "path", "--out", "p.pdf", "--size", "8cm,60mm", "--style", "paper")
    assert b"/MediaBox [ 0 0 226.77" in (place / "p.pdf").read_bytes()  # points
    lrcli(place, "figure", "linear", "--out", "p.png", "--size", "2,2.5in")
    png = (place / "p.png").read_bytes()
    assert [int.from_bytes(png[at : at + 4], "big") for at in (16, 20)] == [300, 375]


def test_of_a_sweep(lrcli, place):
    done = lrcli(place, "figure", "small", "final_metric")
    assert done.stdout.split()[0].endswith("final_metric.png")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["linear", "regions", "--out", "a.png"],
            "has no figure regions; it has loss, predictions, path, rec",
        ),
        (["linear", "los", "--out", "a.png"], "neither a run nor a figure; did you mean loss?"),
        (["loss"], "name the run first, as in lrcli figure last loss"),
        (["linea"], "did you mean linear?"),
        (["linear", "small", "--out", "a.png"], "runs and sweeps have no figures in common"),
        (["linear", "linear/train-0001"], "name a file with --out"),
        (["linear", "linear/train-0002", "loss", "--out", "a.png"], "is named twice"),
        (["linear", "--style", "paper"], "name a file with --out"),
        (["linear", "--out", "a.gif"], "must end in .svg, .png or .pdf"),
        (["linear", "--out", "there.png"], "is there already; add --force"),
        (["linear", "--out", "runs.png"], "is a directory"),
        (["linear", "--size", "3", "--out", "a.png"], "write width and height"),
        (["linear", "--size", "3,x", "--out", "a.png"], "write width and height"),
        (["linear", "--size", "0,3", "--out", "a.png"], "each from 2 to 60 inches"),
        (["linear", "--size", "1000cm,3", "--out", "a.png"], "each from 2 to 60 inches"),
        (["linear", "--style", "x", "--out", "a.png"], "must be screen or paper"),
    ],
)
def test_what_cannot_be_drawn_is_told(lrcli, place, words, told):
    (place / "there.png").write_bytes(b"mine")
    (place / "runs.png").mkdir()
    done = lrcli(place, "figure", *words, code=2)
    assert told in done.stderr
    assert done.stdout == ""
    assert (place / "there.png").read_bytes() == b"mine"
    assert not (place / "a.png").exists()


def test_replaced_where_that_is_wanted(lrcli, place):
    (place / "there.png").write_bytes(b"old")
    lrcli(place, "figure", "linear", "--out", "there.png", "--force")
    assert (place / "there.png").read_bytes().startswith(b"\x89PNG")


def test_a_damaged_run(lrcli, place):
    run = place / "runs" / "linear" / "train-0002"
    (run / "metrics.csv").write_text("epoch,step\n1\n")
    assert "has been damaged" in lrcli(place, "figure", "linear", code=2).stderr
    (run / "experiment.yaml").write_text("name: x\n")
    assert "experiment.yaml: has been changed" in lrcli(place, "figure", "linear", code=2).stderr
