"""The state of an optimizer after a run: what is kept, and the preconditioned curvature it leads to."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from builders import trained_run
from damaging import without_digests

from lrcli.explaining.runs.explanation import explain_run, what_matters_most
from lrcli.running.trained import read_run
from lrcli.storage.run_result import PreconditionedRow

FULL = ("training.batch_size=full", "training.epochs=300", "dtype=float64", "seed=1")
ADAM = ("optimizer.kind=adam", "optimizer.lr=0.5", *FULL)
RMSPROP = ("optimizer.kind=rmsprop", "optimizer.lr=0.1", *FULL)
SWINGING = (
    *RMSPROP[:2],
    "training.batch_size=full",
    "training.epochs=1000",
    "logging.every=20",
    "engine=torch",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Each of some runs, and its directory, trained once."""
    base, known = tmp_path_factory.mktemp("runs"), {}

    def run(*words, name="linear"):
        if (name, words) not in known:
            directory = base / str(len(known))
            known[name, words] = trained_run(directory, name, *words), directory
        return known[name, words]

    return run


def by_hand(run, rate):
    """v of Adam, m of Adam and the square of RMSprop, with the parameters, by the textbook's loop."""
    split = run.problem.splits["train"]
    x = np.hstack([split.inputs[0], np.ones((split.size, 1))])
    theta = np.concatenate([run.problem.initial[name][0].ravel() for name in ("w", "b")])
    m = v = np.zeros(3)
    o = run.experiment.optimizer
    keep = o.betas[1] if o.kind == "adam" else o.alpha
    for step in range(1, run.result.steps + 1):
        g = x.T @ (x @ theta - split.targets[0, :, 0]) / split.size
        m, v = (0.9 * m + 0.1 * g), keep * v + (1 - keep) * g * g
        if o.kind == "adam":
            d = np.sqrt(v / (1 - keep**step)) + o.eps
            theta = theta - rate * (m / (1 - 0.9**step)) / d
        else:
            d = np.sqrt(v) + o.eps
            theta = theta - rate * g / d
    return {"mean": m, "square": v}, d, x.T @ x / split.size, theta


@pytest.mark.parametrize("words", [ADAM, RMSPROP], ids=["adam", "rmsprop"])
@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_what_is_kept_is_the_state_after_the_last_step(runs, words, engine):
    if engine == "compiled":
        pytest.importorskip("numba")
    run, directory = runs(*words, f"engine={engine}")
    state, *_ = by_hand(run, run.experiment.optimizer.lr)
    with np.load(directory / "checkpoint" / "optimizer.npz") as file:
        kept = dict(file)
    names = ["mean", "square"] if "optimizer.kind=adam" in words else ["square"]
    assert sorted(kept) == sorted(f"{name}/{parameter}" for name in names for parameter in "wb")
    for name in names:
        assert kept[f"{name}/w"].shape == (2, 1)
        flat = np.concatenate([kept[f"{name}/w"].ravel(), kept[f"{name}/b"]])
        assert flat == pytest.approx(state[name], rel=1e-6, abs=1e-14)


def grows(rate, h, d, beta):
    """Whether steps that are divided by d as it is grow without bound."""
    p, m = np.ones(len(h)), np.zeros(len(h))
    for _ in range(3000):
        m = beta * m + (1 - beta) * (h @ p)
        p = p - rate * m / d
        if not np.abs(p).max() < 1e6:
            return True
    return False


@pytest.mark.parametrize(("words", "beta"), [(ADAM, 0.9), (RMSPROP, 0.0)], ids=["adam", "rmsprop"])
def test_the_threshold_is_where_steps_with_that_divisor_begin_to_grow(runs, words, beta):
    run, _ = runs(*words, "engine=torch")
    row = run.result.curvature.preconditioned
    _, d, h, _ = by_hand(run, run.experiment.optimizer.lr)
    assert row.diagnostic
    assert row.rate == run.experiment.optimizer.lr
    assert row.largest == pytest.approx(np.linalg.eigvals(h / d[:, None]).real.max(), rel=1e-5)
    assert not grows(0.99 * row.threshold, h, d, beta)
    assert grows(1.01 * row.threshold, h, d, beta)


def test_rmsprop_trains_up_to_its_threshold_and_is_told_so(runs):
    run, directory = runs(*SWINGING)
    found = {finding.kind: finding for finding in explain_run(run).findings}
    row, finding = run.result.curvature.preconditioned, found["edge_of_stability"]
    assert 0.9 < row.rate / row.threshold < 1.1
    assert "a diagnostic" in finding.text
    assert finding.estimate
    assert finding.numbers["ratio"] == row.rate / row.threshold
    assert not {"unfinished", "finished", "swings"} & set(found)
    assert explain_run(read_run(directory)).findings == explain_run(run).findings


def test_it_is_told_by_how_much_and_only_where_it_is(runs):
    run, _ = runs(*SWINGING)

    def said(ratio):
        row = PreconditionedRow(20.0, 0.1 / ratio, 0.1)
        curvature = replace(run.result.curvature, preconditioned=row)
        findings = explain_run(replace(run, result=replace(run.result, curvature=curvature))).findings
        return next((f.text for f in findings if f.kind == "edge_of_stability"), None)

    assert said(0.5) is None
    assert "is 3 times the largest that is stable there, 0.0333" in said(3.0)


def test_training_that_still_falls_is_not_held_up_there(runs):
    """Along the steepest direction its steps are at the threshold, but the loss is far from its least."""
    words = ("optimizer.lr=0.0003", "engine=torch", "logging.every=50", "training.epochs=1500")
    run, _ = runs(*words, name="sine_rmsprop")
    row = run.result.curvature.preconditioned
    assert row.rate > 0.9 * row.threshold
    assert "edge_of_stability" not in {finding.kind for finding in explain_run(run).findings}


def test_training_that_is_finished_is_told_so_first(runs):
    run, _ = runs("engine=torch", "logging.every=50", name="sine_rmsprop")
    kinds = [finding.kind for finding in explain_run(run).findings]
    assert kinds.index("finished") < kinds.index("edge_of_stability")
    assert getattr(what_matters_most(run), "kind", None) != "edge_of_stability"


def test_a_rate_that_falls_is_that_of_the_last_step(runs):
    run, _ = runs(*RMSPROP, "engine=torch", "optimizer.schedule={kind: cosine}")
    row = run.result.curvature.preconditioned
    assert row.rate == pytest.approx(0.1 * (1 + np.cos(np.pi * 299 / 300)) / 2)


@pytest.mark.parametrize(
    "words",
    [
        ("optimizer.momentum=0.9",),
        (*RMSPROP, "training.clip_grad_norm=1.0"),
        (*RMSPROP, "optimizer.kind=sgd", "optimizer.lr=5"),
    ],
    ids=["not adaptive", "clipped", "diverged"],
)
def test_where_nothing_is_known_nothing_is_told(runs, words):
    run, directory = runs(*words, "engine=torch")
    assert run.result.curvature.preconditioned is None
    assert (directory / "checkpoint" / "optimizer.npz").exists() == (run.result.status != "diverged")


def test_a_run_that_stopped_early_keeps_no_state(runs):
    """The engine has trained the chunk of epochs whose records are judged then."""
    run, directory = runs(*ADAM, "engine=torch", "training.early_stopping={metric: val/loss, patience: 3}")
    assert run.result.status == "stopped_early"
    assert run.result.curvature.preconditioned is None
    assert not (directory / "checkpoint" / "optimizer.npz").exists()


def test_runs_of_an_older_lrcli_are_read(runs, tmp_path):
    _, directory = runs(*RMSPROP, "engine=torch")
    old = tmp_path / "old"
    shutil.copytree(directory, old)
    (old / "checkpoint" / "optimizer.npz").unlink()
    without_digests(old)
    result = json.loads((old / "result.json").read_text(encoding="utf-8"))
    del result["curvature"]["preconditioned"]
    (old / "result.json").write_text(json.dumps(result), encoding="utf-8")
    run = read_run(old)
    assert run.result.curvature.preconditioned is None
    assert "edge_of_stability" not in {finding.kind for finding in explain_run(run).findings}
