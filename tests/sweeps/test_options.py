"""A sweep from options, from the file, from both, and from neither."""

import gc
import sys

import numpy as np
import pytest
from builders import problem

from lrcli.cli import main
from lrcli.errors import UsageError
from lrcli.sweeps.options import load_sweep
from lrcli.sweeps.plan import plan_sweep

LINEAR = """\
name: small
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, noise: 0.01, num_train: 20, num_val: 10}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: sgd, lr: 0.03}
training: {epochs: 2, batch_size: 10}
"""
XOR = """\
dataset: {kind: xor, num_train: 20, num_val: 10}
model: {kind: mlp, hidden: [4]}
loss: {kind: bce}
optimizer: {kind: adam, lr: 0.01}
training: {epochs: 2}
"""
SWEEP = """\
sweep:
  grid: {optimizer.lr: {values: [0.5, 0.6]}, optimizer.momentum: {range: [0, 0.9, 4]}}
  seeds: [3, 8]
  select: {metric: train/loss}
"""
TWO_GRIDS = "sweep: {grid: [{optimizer.lr: {values: [1]}}, {optimizer.momentum: {values: [0.9]}}]}\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exp.yaml").write_text(LINEAR)
    (tmp_path / "xor.yaml").write_text(XOR)
    (tmp_path / "swept.yaml").write_text(LINEAR + SWEEP)
    (tmp_path / "two.yaml").write_text(LINEAR + TWO_GRIDS)
    return tmp_path


def points(path, *overrides, **options):
    """From swept key to values, and the seeds."""
    experiment = load_sweep(path, list(overrides), **options).experiment
    sweep = experiment.sweep
    assert len(sweep.grid) == 1
    return {key: spec.points() for key, spec in sweep.grid[0].items()}, tuple(
        sweep.seed_list(experiment.seed)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3:1:4", [0.001, 0.01, 0.1, 1.0]),
        ("1e-3:10:9", np.geomspace(1e-3, 10, 9).tolist()),
        ("0.5:2:2", [0.5, 2.0]),
        ("0.1 : 1 : 3", [0.1, 0.1 * 10**0.5, 1.0]),
        ("0.1", [0.1]),
        ("0.3,0.1,1e-2", [0.3, 0.1, 0.01]),
        ("0.3, 0.1", [0.3, 0.1]),
        ("{values: [0.2, 0.1]}", [0.2, 0.1]),
        ("{range: [0.1, 0.3, 3]}", [0.1, 0.2, 0.3]),
        ("{log_range: [1, 100, 3]}", [1, 10, 100]),
    ],
)
def test_learning_rates(place, text, expected):
    for options in ({"rates": text}, {"grids": [f"optimizer.lr={text}"]}):
        grid, seeds = points(place / "exp.yaml", **options)
        assert list(grid) == ["optimizer.lr"]
        assert grid["optimizer.lr"] == pytest.approx(expected, rel=1e-13)
        assert seeds == (0, 1, 2, 3, 4)


def test_the_ends_of_a_range_are_exact(place):
    grid, _ = points(place / "exp.yaml", rates="0.0123:4.56:100")
    rates = np.array(grid["optimizer.lr"])
    assert (rates[0], rates[-1], len(rates)) == (0.0123, 4.56, 100)
    np.testing.assert_allclose(np.diff(np.log(rates)), np.log(4.56 / 0.0123) / 99, rtol=1e-10)


@pytest.mark.parametrize(
    ("file", "spec", "expected"),
    [
        ("exp", "optimizer.momentum=0,0.9", [0, 0.9]),
        ("exp", "loss.kind=mse,half_mse", ["mse", "half_mse"]),
        ("exp", "optimizer.nesterov=false", [False]),
        ("exp", "training.epochs={range: [1, 3, 3]}", [1, 2, 3]),
        ("exp", "training.epochs=1:4:3", [1, 2, 4]),
        ("exp", "training.batch_size=full,5", ["full", 5]),
        ("exp", "training.clip_grad_norm=null,1", [None, 1]),
        ("exp", "training.clip_grad_norm={values: [1, null]}", [1, None]),
        ("exp", "dataset.w.0=1,2", [1, 2]),
        ("exp", "dataset.w=[1, 2],[3, 4]", [[1, 2], [3, 4]]),
        ("exp", "model.init.kind=default, zeros", ["default", "zeros"]),
        ("xor", "optimizer.betas=[0.9, 0.99],[0.8, 0.999]", [[0.9, 0.99], [0.8, 0.999]]),
        ("xor", "optimizer.betas={values: [[0.5, 0.9]]}", [[0.5, 0.9]]),
        ("xor", "model.hidden=[4],[4, 4],[]", [[4], [4, 4], []]),
        ("xor", "model.activation=relu,tanh", ["relu", "tanh"]),
    ],
)
def test_values_of_any_key(place, file, spec, expected):
    key, _, _ = spec.partition("=")
    grid, _ = points(place / f"{file}.yaml", grids=[spec])
    assert grid == {key: expected}
    assert [type(value) for value in grid[key]] == [type(value) for value in expected]


def test_several_options_are_one_product_in_their_order(place):
    grid, seeds = points(
        place / "exp.yaml", rates="0.1,0.2", grids=["optimizer.momentum=0", "training.epochs=1,2"], seeds=2
    )
    assert grid == {
        "optimizer.lr": [0.1, 0.2],
        "optimizer.momentum": [0],
        "training.epochs": [1, 2],
    }
    assert seeds == (0, 1)


@pytest.mark.parametrize(
    ("overrides", "options", "lr", "momentum", "seeds"),
    [
        ([], {}, [0.5, 0.6], 4, (3, 8)),
        ([], {"rates": "1,2,3"}, [1, 2, 3], 4, (3, 8)),
        ([], {"grids": ["optimizer.lr=7"]}, [7], 4, (3, 8)),
        ([], {"grids": ["optimizer.momentum=0"]}, [0.5, 0.6], 1, (3, 8)),
        ([], {"seeds": 3}, [0.5, 0.6], 4, (0, 1, 2)),
        (["sweep.seeds=[9]"], {}, [0.5, 0.6], 4, (9,)),
        (["sweep.seeds=[9]"], {"seeds": 1}, [0.5, 0.6], 4, (0,)),
        (["sweep.grid={optimizer.momentum: {values: [0]}}"], {"rates": "4"}, [4], 1, (3, 8)),
    ],
)
def test_options_change_what_the_file_has(place, overrides, options, lr, momentum, seeds):
    """An option replaces the values of its own key; overrides come first."""
    loaded = load_sweep(place / "swept.yaml", overrides, **options)
    grid, got = points(place / "swept.yaml", *overrides, **options)
    assert (grid["optimizer.lr"], len(grid["optimizer.momentum"]), got) == (lr, momentum, seeds)
    assert loaded.experiment.sweep.select.metric == "train/loss"
    assert not any("no grid was asked for" in note for note in loaded.notes)


def test_a_list_of_grids_stays_as_it_is(place):
    assert len(load_sweep(place / "two.yaml", [], seeds=2).experiment.sweep.grid) == 2
    for options in ({"rates": "1"}, {"grids": ["optimizer.lr=1"]}):
        with pytest.raises(UsageError, match="list of grids"):
            load_sweep(place / "two.yaml", [], **options)


# Where nothing is asked for.


@pytest.mark.parametrize(
    ("dataset", "model", "loss"),
    [
        (
            {"kind": "linear", "w": [2.0, -3.4], "b": 1.0, "num_train": 50},
            {"kind": "linear"},
            {"kind": "mse"},
        ),
        (
            {"kind": "linear", "w": [1.0], "b": 0.0, "feature_std": 30, "num_train": 50},
            {"kind": "linear"},
            {"kind": "half_mse"},
        ),
        (
            {"kind": "linear", "w": [1.0], "b": 0.0, "num_train": 30},
            {"kind": "linear"},
            {"kind": "mse", "reduction": "sum"},
        ),
        ({"kind": "sine", "num_train": 40}, {"kind": "polynomial", "degree": 3}, {"kind": "mse"}),
    ],
)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_default_rates_lie_around_the_largest_stable_one(place, dataset, model, loss, momentum):
    """2 (1 + momentum) over the largest eigenvalue of the Hessian, found with numpy from the data."""
    lines = [f"{name}: {block!r}" for name, block in (("dataset", dataset), ("model", model), ("loss", loss))]
    optimizer = f"optimizer: {{kind: sgd, lr: 0.1, momentum: {momentum}}}"
    (place / "made.yaml").write_text(
        "\n".join([*lines, optimizer, "training: {batch_size: full, epochs: 1}"])
    )
    loaded = load_sweep(place / "made.yaml", [])

    inputs = problem(dataset, model, loss).splits["train"].inputs[0]
    columns = np.hstack([np.ones((len(inputs), 1)), inputs])
    if model["kind"] == "polynomial":
        columns = inputs ** np.arange(model["degree"] + 1)
    hessian = columns.T @ columns * (1 if loss["kind"] == "half_mse" else 2)
    hessian /= 1 if loss.get("reduction") == "sum" else len(inputs)
    limit = 2 * (1 + momentum) / np.linalg.eigvalsh(hessian).max()

    grid, seeds = points(place / "made.yaml")
    rates = grid["optimizer.lr"]
    assert (len(rates), seeds) == (13, (0, 1, 2, 3, 4))
    assert rates[0] == pytest.approx(limit / 1000, rel=0.06)
    assert rates[-1] == pytest.approx(2 * limit, rel=0.06)
    note = next(note for note in loaded.notes if "no grid was asked for" in note)
    assert "13 learning rates" in note
    assert f"{rates[0]:g} to {rates[-1]:g}" in note
    assert note.endswith(f"largest stable one, {limit:.3g}; 5 seeds")


def test_default_rates_of_batches_lie_around_what_is_stable_for_batches(place):
    """Of batches of 2, Gaussian features and a bias: 2 B / (B + D + 2), far below 2 / lambda_max."""
    words = ["dataset.num_train=5000", "training.batch_size=2", "dataset.w=[1.0, 2.0, 3.0]"]
    loaded = load_sweep(place / "exp.yaml", words)
    rates = points(place / "exp.yaml", *words)[0]["optimizer.lr"]
    assert rates[-1] == pytest.approx(2 * 4 / 7, rel=0.1)
    assert any("largest stable one in mean square, for random batches of 2, " in n for n in loaded.notes)


def test_default_rates_of_a_summed_loss_count_the_batch(place):
    """A step sums over its batch, not over all examples: what is stable depends on the size of the batch."""
    words = ["loss.reduction=sum", "dataset.num_train=1000", "training.batch_size=10"]
    rates = points(place / "exp.yaml", *words)[0]["optimizer.lr"]
    mean = points(place / "exp.yaml", "dataset.num_train=1000")[0]["optimizer.lr"]
    assert rates[-1] == pytest.approx(mean[-1] / 10, rel=0.1)


@pytest.mark.parametrize(
    ("file", "overrides", "rate"),
    [
        ("xor", [], 0.01),
        ("xor", ["optimizer.kind=sgd", "optimizer.lr=0.5"], 0.5),
        ("exp", ["optimizer.kind=adam", "optimizer.lr=0.02"], 0.02),
        ("exp", ["loss.kind=huber"], 0.03),
        ("exp", ["training.clip_grad_norm=1"], 0.03),
        ("exp", ["optimizer.schedule={kind: cosine}"], 0.03),
        ("exp", ["optimizer.momentum=1.5"], 0.03),
    ],
)
def test_default_rates_lie_around_that_of_the_file(place, file, overrides, rate):
    loaded = load_sweep(place / f"{file}.yaml", overrides)
    rates = points(place / f"{file}.yaml", *overrides)[0]["optimizer.lr"]
    assert len(rates) == 13
    assert (rates[0], rates[-1]) == (pytest.approx(rate / 100, rel=0.06), pytest.approx(rate * 100, rel=0.06))
    assert any(note.endswith(f"around the file's {rate:g}; 5 seeds") for note in loaded.notes)


def test_seeds_alone_keep_the_default_grid(place):
    grid, seeds = points(place / "exp.yaml", seeds=2)
    assert grid == points(place / "exp.yaml")[0]
    assert seeds == (0, 1)
    assert points(place / "exp.yaml", "sweep.seeds=[4, 7]")[1] == (4, 7)
    notes = load_sweep(place / "exp.yaml", [], seeds=2).notes
    assert any("no grid was asked for" in note for note in notes)


# Optimizers without rates.


def rates_of(sweep):
    """From each grid's optimizer to its rates."""
    return {grid["optimizer.kind"].points()[0]: grid["optimizer.lr"].points() for grid in sweep.grid}


def test_each_optimizer_of_an_option_gets_rates_of_its_own(place):
    """Around the largest stable one, where that is known, else around its own default, never the file's."""
    loaded = load_sweep(place / "exp.yaml", [], grids=["optimizer.kind=adam,sgd,rmsprop"])
    found = rates_of(loaded.experiment.sweep)
    assert list(found) == ["adam", "sgd", "rmsprop"]
    assert found["sgd"] == points(place / "exp.yaml")[0]["optimizer.lr"]
    assert (found["adam"][0], found["adam"][-1], len(found["adam"])) == (1e-5, 1, 13)
    assert (found["rmsprop"][0], found["rmsprop"][-1], len(found["rmsprop"])) == (1e-4, 1, 13)
    note = next(note for note in loaded.notes if note.startswith("each optimizer gets 13 learning rates"))
    assert "adam 1e-05 to 1, around its default 0.001" in note
    assert f"sgd {found['sgd'][0]:g} to {found['sgd'][-1]:g}, around the largest stable one" in note


def test_the_rates_of_optimizers_are_joined_by_the_other_keys(place):
    loaded = load_sweep(place / "xor.yaml", [], grids=["optimizer.kind=sgd,adam", "model.hidden=[2],[4]"])
    grids = loaded.experiment.sweep.grid
    assert [list(grid) for grid in grids] == [["optimizer.kind", "optimizer.lr", "model.hidden"]] * 2
    assert all(grid["model.hidden"].points() == [[2], [4]] for grid in grids)
    assert any("adam 0.0001 to 1, around the file's 0.01" in note for note in loaded.notes)


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("exp", {"rates": "0.1,1", "grids": ["optimizer.kind=sgd,adam"]}),
        ("exp", {"grids": ["optimizer.kind=sgd,adam", "optimizer.lr=0.1"]}),
        ("swept", {"grids": ["optimizer.kind=sgd"]}),  # the file has rates
    ],
)
def test_rates_that_are_given_stay_as_they_are(place, file, options):
    sweep = load_sweep(place / f"{file}.yaml", [], **options).experiment.sweep
    (grid,) = sweep.grid
    assert len(grid["optimizer.lr"].points()) <= 2


def test_an_unknown_optimizer_is_named_as_ever(place):
    with pytest.raises(UsageError, match="unknown kind adm; did you mean adam"):
        load_sweep(place / "exp.yaml", [], grids=["optimizer.kind=sgd,adm"])


ONE_RATE_EACH = "sweep: {grid: {optimizer.kind: {values: [sgd, adam]}}}\n"


@pytest.mark.parametrize(
    ("grid", "warned"),
    [
        (ONE_RATE_EACH, ["sgd at 0.03, adam at 0.001"]),
        (ONE_RATE_EACH.replace("}}}", "}, training.epochs: {values: [1, 2]}}}"), ["sgd at 0.03, adam"]),
        (ONE_RATE_EACH.replace("}}}", "}, optimizer.lr: {values: [0.1]}}}"), ["sgd at 0.1, adam at 0.1"]),
        (ONE_RATE_EACH.replace("}}}", "}, optimizer.lr: {values: [0.1, 1]}}}"), []),
        ("sweep: {grid: {optimizer.kind: {values: [sgd]}}}\n", []),
        ("sweep: {grid: {optimizer.momentum: {values: [0, 0.9]}}}\n", []),
    ],
)
def test_a_file_that_compares_optimizers_at_one_rate_each_is_warned(place, grid, warned):
    (place / "one.yaml").write_text(LINEAR + grid)
    warnings = plan_sweep(load_sweep(place / "one.yaml", [])).warnings
    assert len(warnings) == len(warned)
    assert all(text in warning for text, warning in zip(warned, warnings, strict=True))


@pytest.mark.parametrize("options", [{"rates": "0.1"}, {"grids": ["training.epochs=1,2"]}])
def test_what_is_asked_for_is_not_added_to(place, options):
    loaded = load_sweep(place / "exp.yaml", [], **options)
    assert len(loaded.experiment.sweep.grid[0]) == 1
    assert loaded.notes == []


# Wrong input.

BAD_OPTIONS = [
    (["--lr", "0:1:5"], "needs lo > 0, not 0"),
    (["--lr", "1:0.1:5"], "needs lo < hi, not 1 and 0.1"),
    (["--lr", "0.1:1:1"], "from 2 to 10000, not 1"),
    (["--lr", "0.1:1:2.5"], "from 2 to 10000, not 2.5"),
    (["--lr", "0.1:1:1000000000"], "from 2 to 10000"),
    (["--lr", "a:b:c"], "must be a number, not the text 'a'"),
    (["--lr", "1:2"], "write LO:HI:N"),
    (["--lr", "0.1:1:5:2"], "write LO:HI:N"),
    (["--lr", ""], "at least 1, not an empty list"),
    (["--lr", "0.1,,0.2"], "--lr 0.1,,0.2: "),
    (["--lr", "0.1,x"], "must be a number, not the text 'x'"),
    (["--lr", "0.1,-1"], "must be greater than 0, not -1"),
    (["--lr", "nan"], "must be a number"),
    (["--lr", "1e400"], "must be a"),
    (["--lr", "null"], "must be a number, not empty"),
    (["--lr", "{values: [0.1]"], "is not valid YAML"),
    (["--lr", "{vals: [0.1]}"], "did you mean values?"),
    (["--grid", "lr=1"], "unknown key"),
    (["--grid", "optimizer.lrr=1"], "unknown key; did you mean lr?"),
    (["--grid", "optimiser.lr=1"], "unknown key; did you mean optimizer.lr?"),
    (["--grid", "optimizer.betas=[0.9, 0.99]"], "optimizer.betas: unknown key"),
    (["--grid", "optimizer.lr"], "KEY=SPEC"),
    (["--grid", "=1"], "KEY=SPEC"),
    (["--grid", ""], "KEY=SPEC"),
    (["--grid", "optimizer..lr=1"], "KEY=SPEC"),
    (["--grid", "optimizer.lr="], "empty list"),
    (["--grid", "optimizer.lr=fast"], "must be a number, not the text 'fast'"),
    (["--grid", "optimizer.kind=sgd,adm"], "did you mean adam?"),
    (["--grid", "training.epochs=1.5"], "must be a whole number, not 1.5"),
    (["--grid", "training.batch_size=4,0"], "at least 1 or 'full', not 0"),
    (["--grid", "optimizer.lr={log_range: [1, 2]}"], "three numbers, not 2"),
    (["--grid", "optimizer.lr={values: [1], range: [1, 2, 3]}"], "exactly one of"),
    (["--grid", "model.kind=linear,mlp"], "hidden is missing"),
    (["--grid", "seed=1,2"], "sweep.seeds"),
    (["--grid", "name=a,b"], "cannot be swept"),
    (["--grid", "sweep.seeds=1,2"], "cannot be swept"),
    (["--seeds", "0"], "--seeds"),
    (["--seeds", "x"], "--seeds"),
    (["--memory", "5XB"], "500MB or 2GB"),
    (["--memory", "0"], "500MB or 2GB"),
    (["--memory", "nan"], "500MB or 2GB"),
    (["--memory", "inf"], "500MB or 2GB"),
    (["--memory", "-1GB"], "500MB or 2GB"),
    (["--tb-members", "-1"], "--tb-members"),
    (["--device", "gpu"], "cuda"),
    (["sweep=3"], "sweep"),
    (["sweep=[]"], "sweep"),
    (["sweep=3", "--lr", "0.1"], "sweep"),
    (["sweep.seeds=0"], "at least 1, not 0"),
    (["sweep.seeds=[1, 1]"], "none twice"),
    (["sweep.select.metric=val/los"], "did you mean val/loss?"),
    (["sweep.grid={}"], "mapping from dotted key"),
    (["optimizer.lr=0"], "must be greater than 0, not 0"),
    (["dataset.num_train=1000000000000"], "does not fit in memory"),
    (["--lr", "1", "--grid", "dataset.num_train=9,1000000000000000"], "must be at most 1e+12"),
]
BAD_BLOCKS = [
    ("sweep: 3", "sweep: "),
    ("sweep: {}\nseeds: 3", "seeds: unknown key"),
    ("sweep: {gird: {}}", "did you mean grid?"),
    ("sweep: {grid: 3}", "mapping from dotted key"),
    ("sweep: {grid: []}", "mapping from dotted key"),
    ("sweep: {grid: {optimizer.lr: 3}}", "optimizer.lr"),
    ("sweep: {grid: {optimizer.lr: [1, 2]}}", "optimizer.lr"),
    ("sweep: {grid: {optimizer.lr: {values: 3}}}", "list"),
    ("sweep: {grid: {optimizer.lr: {log_range: [-3, 0, 13]}}}", "exponents"),
    ("sweep: {grid: {lr: {values: [1]}}}", "unknown key"),
    ("sweep: {grid: {seed: {values: [1]}}}", "sweep.seeds"),
    ("sweep: {grid: {optimizer.lr: {values: [1]}}, seeds: none}", "seeds"),
    ("sweep: {grid: {optimizer.lr: {values: [1]}}, seeds: [-1]}", "at least 0"),
    ("sweep: {grid: {optimizer.lr: {values: [1]}}, select: {metric: val/accuracy}}", "not recorded here"),
    ("sweep: {grid: [{optimizer.lr: {values: [1]}}, {optimizer.lrr: {values: [1]}}]}", "did you mean lr?"),
]


@pytest.fixture
def refused(place, monkeypatch, capsys):
    """The message of a sweep that is refused and leaves the disk as it was."""

    def refused(file, *words):
        monkeypatch.setattr(sys, "argv", ["lrcli", "sweep", file, *words])
        before = sorted(place.rglob("*"))
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (2, "")
        assert "Traceback" not in err
        assert sorted(place.rglob("*")) == before
        return err

    yield refused
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize(("words", "message"), BAD_OPTIONS, ids=[" ".join(words) for words, _ in BAD_OPTIONS])
def test_wrong_options(refused, words, message):
    assert message in refused("exp.yaml", *words)


@pytest.mark.parametrize(("block", "message"), BAD_BLOCKS, ids=[block for block, _ in BAD_BLOCKS])
def test_wrong_blocks(place, refused, block, message):
    (place / "bad.yaml").write_text(f"{LINEAR}{block}\n")
    err = refused("bad.yaml")
    assert message in err
    assert "bad.yaml:7:" in err or "bad.yaml:8:" in err


def test_a_short_key_is_completed(refused):
    """People write lr where the key is optimizer.lr."""
    assert "optimizer.lr" in refused("exp.yaml", "--grid", "lr=1,2")


def test_options_for_a_list_of_grids_are_refused(refused):
    assert "list of grids" in refused("two.yaml", "--lr", "1,2")


def test_all_mistakes_at_once(place, refused):
    (place / "bad.yaml").write_text(LINEAR.replace("epochs: 2", "epochs: 0"))
    err = refused("bad.yaml", "--lr", "0:1:5", "--grid", "optimizer.momentum=x", "sweep.seeds=0")
    for words in ("bad.yaml:6:20: training.epochs", "--lr 0:1:5", "sweep.seeds=0"):
        assert words in err
