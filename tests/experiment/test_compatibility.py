import pytest

from lrcli.errors import ExperimentError
from lrcli.experiment.loading import load

BLOCKS = {
    "dataset": "{kind: linear, w: [2.0, -3.4], b: 4.2}",
    "model": "{kind: linear}",
    "loss": "{kind: half_mse}",
    "optimizer": "{kind: sgd, lr: 0.03}",
    "training": "{epochs: 3}",
}
SINE = "{kind: sine}"
XOR = "{kind: xor}"


@pytest.fixture
def load_with(tmp_path):
    """Load an experiment in which some blocks are replaced."""

    def load_with(*overrides, **blocks):
        path = tmp_path / "exp.yaml"
        path.write_text("".join(f"{key}: {text}\n" for key, text in (BLOCKS | blocks).items()))
        return load(path, overrides)

    return load_with


@pytest.fixture
def messages(load_with):
    """What is said about such an experiment, without places, and the text at each caret."""

    def messages(*overrides, **blocks):
        with pytest.raises(ExperimentError) as caught:
            load_with(*overrides, **blocks)
        found = []
        for mistake in caught.value.mistakes:
            head, shown, marker = mistake.splitlines()
            found.append((head.split(": ", 1)[1], shown[marker.index("^") :]))
        return found

    return messages


def test_sound(load_with):
    loaded = load_with()
    assert loaded.experiment.name == "exp"
    assert loaded.notes == []


REFUSED = [
    # dataset
    (
        {"dataset": "{kind: linear, w: [1, 2], b: 0, feature_std: [1, 2, 3]}"},
        "dataset.feature_std: has 3 numbers where w has 2",
        "[1, 2, 3]",
    ),
    (
        {"dataset": "{kind: linear, w: [1, 2], b: 0, feature_std: []}"},
        "dataset.feature_std: has 0 numbers where w has 2",
        "[]",
    ),
    (
        {"dataset": "{kind: linear, w: [1, 2], b: 0, feature_std: [1, -2]}"},
        "dataset.feature_std.1: must be at least 0, not -2",
        "-2",
    ),
    (
        {"dataset": "{kind: linear, w: [1, 2], b: 0, feature_std: -1}"},
        "dataset.feature_std: must be at least 0, not -1",
        "-1",
    ),
    (
        {"dataset": "{kind: linear, w: [1], b: 0, num_train: 10, outliers: {10: 5}}"},
        "dataset.outliers: there is no training example 10; there are 0 to 9",
        "{10",
    ),
    (
        {"dataset": "{kind: linear, w: [1], b: 0, outliers: {-1: 5}}"},
        "dataset.outliers.-1: must be the index of a training example, a number from 0, not '-1'",
        "-1",
    ),
    (
        {"dataset": "{kind: sine, low: 2, high: 1}"},
        "dataset.high: must be greater than low, which is 2",
        "1}",
    ),
    (
        {"dataset": "{kind: sine, low: 4}"},
        "dataset.high: must be greater than low, which is 4",
        "{kind: sine",
    ),
    (
        {"dataset": "{kind: xor, low: 1}", "loss": "{kind: bce}"},
        "dataset.high: must be greater than low, which is 1",
        "{kind: xor",
    ),
    (
        {"dataset": "{kind: xor, outliers: {3: 0.5}}", "loss": "{kind: bce}"},
        "dataset.outliers: the target of example 3 must be 0 or 1, not 0.5",
        "{3",
    ),
    (
        {"dataset": "{kind: quadratic, num_train: 10}"},
        "dataset.num_train: a covariance of 10 features needs at least 11 examples",
        "10}",
    ),
    (
        {"dataset": "{kind: quadratic, spectrum: [1, 2, 3], w: [1, 2]}"},
        "dataset.w: has 2 numbers where there are 3 features",
        "[1, 2]",
    ),
    (
        {"dataset": "{kind: planck, temperature: 300, low: -1}"},
        "dataset.low: a wavelength is positive: must be at least 0.001 um, not -1",
        "-1",
    ),
    # loss
    (
        {"dataset": "{kind: blobs}", "loss": "{kind: bce}"},
        "loss.kind: bce tells 2 classes apart, but there are 3; take cross_entropy",
        "bce",
    ),
    (
        {"dataset": "{kind: spirals, classes: 4}", "loss": "{kind: mse}"},
        "loss.kind: mse tells 2 classes apart, but there are 4; take cross_entropy",
        "mse",
    ),
    (
        {"dataset": "{kind: blobs}", "loss": "{kind: python, path: a.py, name: Mine, outputs: 1}"},
        "loss.outputs: must be 3, one for each class",
        "1",
    ),
    (
        {"dataset": "{kind: moons}", "loss": "{kind: python, path: a.py, name: Mine, outputs: 3}"},
        "loss.outputs: must be 1, or 2, one for each class",
        "3",
    ),
    (
        {"loss": "{kind: bce}"},
        "loss.kind: bce needs classes as targets, but those of linear are numbers",
        "bce",
    ),
    (
        {"dataset": SINE, "loss": "{kind: cross_entropy}"},
        "loss.kind: cross_entropy needs classes as targets, but those of sine are numbers",
        "cross_entropy",
    ),
    # model
    (
        {"model": "{kind: polynomial, degree: 3}"},
        "model.kind: a polynomial is a curve over one feature, but the dataset has 2",
        "polynomial",
    ),
    (
        {"model": "{kind: legendre}"},
        "model.kind: a legendre is a curve over one feature, but the dataset has 2",
        "legendre",
    ),
    (
        {"dataset": XOR, "loss": "{kind: bce}", "model": "{kind: sinusoid}"},
        "model.kind: a sinusoid is a curve over one feature, but the dataset has 2",
        "sinusoid",
    ),
    (
        {"model": "{kind: linear, init: {kind: uniform, low: 1, high: 1}}"},
        "model.init.high: must be greater than low, which is 1",
        "1}",
    ),
    (
        {"model": "{kind: linear, init: {kind: uniform, low: 2}}"},
        "model.init.high: must be greater than low, which is 2",
        "{kind: uniform",
    ),
    (
        {"model": "{kind: linear, init: {kind: values, values: {w: [[1], [2]]}}}"},
        "model.init.values: the parameter b is missing",
        "{w:",
    ),
    (
        {"model": "{kind: linear, init: {kind: values, values: {w: [[1], [2]], b: [0], c: 1}}}"},
        "model.init.values.c: the model has no parameter c; it has w, b",
        "1}",
    ),
    (
        {"model": "{kind: linear, init: {kind: values, values: {w: [1, 2], b: [0]}}}"},
        "model.init.values.w: must be a list of 2 lists of 1 numbers",
        "[1, 2]",
    ),
    (
        {"model": "{kind: linear, init: {kind: values, values: {w: [[1], [2, 3]], b: [0]}}}"},
        "model.init.values.w: must be a list of 2 lists of 1 numbers",
        "[[1]",
    ),
    (
        {"model": "{kind: linear, init: {kind: values, values: {w: [[1], [2]], b: 0}}}"},
        "model.init.values.b: must be a list of 1 numbers",
        "0}",
    ),
    (
        {"model": "{kind: linear, init: {kind: values, values: {w: [[1], [true]], b: [0]}}}"},
        "model.init.values.w: must be a list of 2 lists of 1 numbers",
        "[[1]",
    ),
    (
        {"model": "{kind: linear, init: {kind: values, values: {w: [[1], [.inf]], b: [0]}}}"},
        "model.init.values.w: must be a list of 2 lists of 1 numbers",
        "[[1]",
    ),
    (
        {
            "dataset": SINE,
            "model": "{kind: legendre, init: {kind: values, values: {a: [1], b: 1, c: 1, d: 1}}}",
        },
        "model.init.values.a: must be a number",
        "[1]",
    ),
    # classes
    (
        {"dataset": "{kind: spirals, classes: 3}", "loss": "{kind: mse}"},
        "loss.kind: mse tells 2 classes apart, but there are 3; take cross_entropy",
        "mse",
    ),
    (
        {
            "dataset": "{kind: spirals, classes: 3}",
            "loss": "{kind: python, path: loss.py, name: L}",
        },
        "loss.outputs: must be 3, one for each class",
        "{kind",
    ),
    # optimizer
    (
        {"optimizer": "{kind: sgd, nesterov: true}"},
        "optimizer.nesterov: needs a momentum greater than 0",
        "true",
    ),
    (
        {"optimizer": "{kind: sgd, momentum: 0.9, dampening: 0.5, nesterov: true}"},
        "optimizer.dampening: must be 0 with nesterov",
        "0.5",
    ),
    (
        {"optimizer": "{kind: python, path: a.py, name: Mine, decay: weights}"},
        "optimizer.decay: has nothing to say here: what your code decays is a matter of your code",
        "weights",
    ),
    # training
    (
        {"dataset": "{kind: sine, num_train: 9}", "training": "{batch_size: 10, drop_last: true}"},
        "training.drop_last: would leave out the only batch: batch_size 10 is larger than the 9 examples",
        "true",
    ),
    # device
    (
        {"device": "mps", "dtype": "float64"},
        "dtype: an mps device has no float64; use float32, or device: cpu",
        "float64",
    ),
]


@pytest.mark.parametrize(("blocks", "message", "caret"), REFUSED)
def test_refused(messages, blocks, message, caret):
    ((found, at),) = messages(**blocks)
    assert found == message
    assert at.startswith(caret)


def test_an_override_may_be_the_culprit(load_with):
    with pytest.raises(ExperimentError, match=r"^override: loss\.kind: bce needs classes as targets"):
        load_with("loss.kind=bce")


def test_reasons_of_several_blocks_at_once(messages):
    found = messages(
        dataset="{kind: linear, w: [1], b: 0, feature_std: [1, 2]}",
        loss="{kind: bce}",
        optimizer="{kind: sgd, nesterov: true}",
        training="{batch_size: 1001, drop_last: true, best: {metric: val/accuracy}}",
    )
    assert [message.split(":")[0] for message, _ in found] == [
        "dataset.feature_std",
        "loss.kind",
        "optimizer.nesterov",
        "training.drop_last",
        "training.best.metric",
    ]


ALLOWED = [
    {"dataset": "{kind: linear, w: [1, 2], b: 0, feature_std: [0, 2]}"},
    {"dataset": "{kind: linear, w: [1], b: 0, outliers: {999: 5, 0: -5}}"},
    {"dataset": "{kind: linear, w: [1], b: 0}", "model": "{kind: polynomial, degree: 0}"},
    {"dataset": XOR},
    {"dataset": XOR, "loss": "{kind: bce}"},
    {"dataset": XOR, "loss": "{kind: cross_entropy}", "model": "{kind: mlp, hidden: []}"},
    {"dataset": "{kind: xor, outliers: {3: 0}}", "loss": "{kind: cross_entropy}"},
    {"model": "{kind: linear, init: {kind: values, values: {w: [[1], [2.5]], b: [0]}}}"},
    {"optimizer": "{kind: sgd, momentum: 0.9, nesterov: true}"},
    {"training": "{batch_size: 1000, drop_last: true}"},
    {"training": "{batch_size: full, drop_last: true}"},
    {"device": "mps"},
    {"device": "cpu", "dtype": "float64"},
]


@pytest.mark.parametrize("blocks", ALLOWED)
def test_allowed(load_with, blocks):
    assert load_with(**blocks).notes == []


def test_a_batch_larger_than_the_data_is_remarked_on(load_with):
    assert load_with(training="{batch_size: 1001}").notes == [
        "batch_size 1,001 is larger than the 1,000 training examples: each epoch is one batch"
    ]


def test_figures_that_are_switched_off_are_remarked_on(load_with):
    assert load_with(logging="{figures: false, figures_every: 3}").notes == [
        "logging.figures_every draws nothing where logging.figures is false"
    ]
    assert load_with(logging="{figures_every: 3}").notes == []


@pytest.mark.parametrize(
    ("model", "noted"),
    [
        ("{kind: ohm, init: {kind: constant, value: 1.0}}", True),
        ("{kind: linear}", False),
        ("{kind: legendre}", False),
        ("{kind: polynomial, degree: 2}", False),
    ],
)
def test_a_law_of_standardised_inputs_is_remarked_on(load_with, tmp_path, model, noted):
    (tmp_path / "data.csv").write_text("x,y\n" + "".join(f"{i},{i / 2 + 1}\n" for i in range(1, 31)))
    dataset = "{kind: csv, path: data.csv, target: y}"
    said = "ohm is fitted to inputs that are standardised"
    keys = {"dataset": dataset, "model": model, "training": "{batch_size: full}"}
    assert [said in note for note in load_with(**keys).notes] == [True] * noted
    assert load_with("dataset.standardize=false", **keys).notes == []


def test_notes_of_overrides_come_first(load_with):
    notes = load_with("optimizer.kind=adam", training="{batch_size: 1001}").notes
    assert [note.split()[0] for note in notes] == ["optimizer.kind=adam", "batch_size"]


# Metrics that decide something.

EVERY_METRIC = "train/running_loss, train/loss, val/loss, grad_norm, lr, recovery/max_abs_error, recovery/err"


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            {"training": "{best: {metric: val/los}}"},
            f"training.best.metric: val/los is not recorded here; did you mean val/loss?; recorded are "
            f"{EVERY_METRIC}",
        ),
        (
            {"training": "{early_stopping: {metric: val/accuracy}}"},
            f"training.early_stopping.metric: val/accuracy is not recorded here; recorded are {EVERY_METRIC}",
        ),
        (
            {"dataset": "{kind: linear, w: [1], b: 0, num_val: 0}", "training": "{best: {metric: val/loss}}"},
            "training.best.metric: val/loss is not recorded here; ",
        ),
        (
            {"logging": "{evaluate_train: false}", "training": "{best: {metric: train/loss}}"},
            "training.best.metric: train/loss is not recorded here; ",
        ),
        (
            {"training": "{best: {metric: test/loss}}"},
            "training.best.metric: test/loss is not recorded here; ",
        ),
        (
            {"training": "{best: {metric: recovery/maximum}}"},
            "training.best.metric: recovery/maximum is not recorded here; ",
        ),
        (
            {
                "model": "{kind: mlp, hidden: [4]}",
                "training": "{early_stopping: {metric: recovery/error_norm}}",
            },
            "training.early_stopping.metric: recovery/error_norm is not recorded here; ",
        ),
        (
            {
                "dataset": XOR,
                "loss": "{kind: bce}",
                "model": "{kind: mlp, hidden: [4]}",
                "training": "{best: {metric: recovery/error_norm}}",
            },
            "training.best.metric: recovery/error_norm is not recorded here; ",
        ),
        (
            {"sweep": "{grid: {optimizer.lr: {values: [1]}}, select: {metric: val/accuracy}}"},
            "sweep.select.metric: val/accuracy is not recorded here; ",
        ),
    ],
)
def test_metric_that_is_not_recorded(messages, blocks, message):
    ((found, _),) = messages(**blocks)
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("metric", "blocks"),
    [
        ("train/running_loss", {"logging": "{evaluate_train: false}"}),
        ("grad_norm", {}),
        ("val/accuracy", {"dataset": XOR, "loss": "{kind: bce}"}),
        ("recovery/max_abs_error", {}),
        ("recovery/error_norm", {"dataset": SINE, "model": "{kind: sinusoid}"}),
        ("recovery/error_norm", {"dataset": SINE, "model": "{kind: polynomial, degree: 3}"}),
        ("recovery/error_norm", {"dataset": SINE, "model": "{kind: legendre}"}),
        ("recovery/error_norm", {"dataset": XOR, "loss": "{kind: bce}"}),
        ("recovery/error_norm", {"dataset": XOR, "loss": "{kind: cross_entropy}"}),
        ("recovery/error_norm", {"dataset": XOR, "loss": "{kind: mse}"}),
    ],
)
def test_metric_that_is_recorded(load_with, metric, blocks):
    assert load_with(f"training.best.metric={metric}", **blocks).experiment.best.metric == metric


# Sweeps.

LR = "optimizer.lr: {values: [1]}"


@pytest.mark.parametrize(
    ("sweep", "message", "caret"),
    [
        (
            "{grid: {optimizer.momentun: {values: [1]}}}",
            "sweep.grid.optimizer.momentun: with 1: optimizer.momentun: unknown key; did you mean momentum?",
            "{values",
        ),
        (
            "{grid: {optimiser.lr: {values: [1]}}}",
            "sweep.grid.optimiser.lr: unknown key; did you mean optimizer.lr?",
            "optimiser",
        ),
        (
            "{grid: {optimizer..lr: {values: [1]}}}",
            "sweep.grid.optimizer..lr: with 1: optimizer..lr=1: is no override; ",
            "{values",
        ),
        (
            "{grid: {optimizer.lr: {values: [0.1, -1, -2]}}}",
            "sweep.grid.optimizer.lr: with -2: optimizer.lr: must be greater than 0, not -2",
            "{values",
        ),
        (
            "{grid: {optimizer.lr: {range: [0, 1, 3]}}}",
            "sweep.grid.optimizer.lr: with 0: optimizer.lr: must be greater than 0, not 0",
            "{range",
        ),
        (
            "{grid: {optimizer.kind: {values: [sgd, adm]}}}",
            'sweep.grid.optimizer.kind: with "adm": optimizer.kind: unknown kind adm; did you mean adam?',
            "{values",
        ),
        (
            "{grid: {model.kind: {values: [linear, legendre]}}}",
            'sweep.grid.model.kind: with "legendre": model.kind: a legendre is a curve over one feature, but',
            "{values",
        ),
        (
            "{grid: {optimizer.kind: {values: [sgd, adam]}, optimizer.momentum: {values: [0, 0.9]}}}",
            'sweep.grid.optimizer.kind: with "adam": optimizer.momentum: unknown key; ',
            "{values: [sgd",
        ),
        (
            "{grid: {optimizer.momentum: {values: [0, 0.9]}, optimizer.lr: {values: [-1]}}}",
            "sweep.grid.optimizer.lr: with -1: optimizer.lr: must be greater than 0, not -1",
            "{values: [-1",
        ),
        (
            "{grid: [{optimizer.lr: {values: [1]}}, {optimizer.lr: {values: [-1]}}]}",
            "sweep.grid.1.optimizer.lr: with -1: optimizer.lr: must be greater than 0, not -1",
            "{values: [-1",
        ),
        (
            "{grid: {seed: {values: [0, 1]}}}",
            "sweep.grid.seed: cannot be swept; replicates are sweep.seeds",
            "seed",
        ),
        ("{grid: {name: {values: [a, b]}}}", "sweep.grid.name: cannot be swept", "name"),
        ("{grid: {sweep.seeds: {values: [1]}}}", "sweep.grid.sweep.seeds: cannot be swept", "sweep.seeds"),
        (
            "{grid: {optimizer.lr: {log_range: [0, 1, 5]}}}",
            "sweep.grid.optimizer.lr: log_range needs lo > 0, not 0, as its steps are "
            "geometric; equal steps are written {range: [0, 1, 5]}",
            "{log_range",
        ),
        (
            "{grid: {optimizer.lr: {log_range: [1, 0.1, 5]}}}",
            "sweep.grid.optimizer.lr: log_range needs lo < hi, not 1 and 0.1",
            "{log_range",
        ),
        (
            "{grid: {optimizer.lr: {range: [1, 1, 5]}}}",
            "sweep.grid.optimizer.lr: range needs lo < hi, not 1 and 1",
            "{range",
        ),
        (
            "{grid: {optimizer.lr: {range: [1, 2]}}}",
            "sweep.grid.optimizer.lr: range is [lo, hi, n], three numbers, not 2",
            "{range",
        ),
        (
            "{grid: {optimizer.lr: {log_range: []}}}",
            "sweep.grid.optimizer.lr: log_range is [lo, hi, n], three numbers, not 0",
            "{log_range",
        ),
        (
            "{grid: {optimizer.lr: {range: [1, 2, 1]}}}",
            "sweep.grid.optimizer.lr: range needs a whole number n from 2 to 10000, not 1",
            "{range",
        ),
        (
            "{grid: {optimizer.lr: {range: [1, 2, 2.5]}}}",
            "sweep.grid.optimizer.lr: range needs a whole number n from 2 to 10000, not 2.5",
            "{range",
        ),
        (
            "{grid: {optimizer.lr: {range: [1, 2, x]}}}",
            "sweep.grid.optimizer.lr.range.2: must be a number, not the text 'x'",
            "x",
        ),
        (
            "{grid: {optimizer.lr: {values: []}}}",
            "sweep.grid.optimizer.lr.values: must be a list of at least 1, not an empty list",
            "[]",
        ),
        (
            "{grid: {optimizer.lr: {}}}",
            "sweep.grid.optimizer.lr: give exactly one of values, log_range, range",
            "{}",
        ),
        (
            "{grid: {optimizer.lr: {values: [1], range: [1, 2, 3]}}}",
            "sweep.grid.optimizer.lr: give exactly one of values, log_range, range",
            "{values",
        ),
        (
            "{grid: {optimizer.lr: {value: [1]}}}",
            "sweep.grid.optimizer.lr.value: unknown key; did you mean values?",
            "value: [1]",
        ),
        (
            "{grid: {optimizer.lr: [1, 2]}}",
            "sweep.grid.optimizer.lr: must be a mapping, not a list of 2",
            "[1",
        ),
        ("{grid: 3}", "sweep.grid: must be a mapping from dotted key to values, or a list of such ma", "3"),
        ("{grid: {}}", "sweep.grid: must be a mapping from dotted key to values, or a list of such ma", "{}"),
        ("{seeds: 3}", "sweep: the key grid is missing", "{seeds"),
        ("3", "sweep: must be a mapping, not 3", "3"),
        (
            f"{{grid: {{{LR}}}, seeds: [0, 1, 0]}}",
            "sweep.seeds: must name at least one seed, and none tw",
            "[0",
        ),
        (f"{{grid: {{{LR}}}, seeds: []}}", "sweep.seeds: must name at least one seed, and none twice", "[]"),
        (f"{{grid: {{{LR}}}, seeds: [0, -1]}}", "sweep.seeds.1: must be at least 0, not -1", "-1"),
        (
            f"{{grid: {{{LR}}}, seeds: some}}",
            "sweep.seeds: must be a whole number or a list, not the tex",
            "some",
        ),
    ],
)
def test_sweep_that_is_refused(messages, sweep, message, caret):
    ((found, at),) = messages(sweep=sweep)
    assert found.startswith(message)
    assert at.startswith(caret)


def test_every_bad_key_of_a_grid(messages):
    sweep = "{grid: {seed: {values: [1]}, name: {values: [b]}, optimizer.lr: {values: [-1]}}}"
    assert [message.split(": ")[0] for message, _ in messages(sweep=sweep)] == [
        "sweep.grid.seed",
        "sweep.grid.name",
        "sweep.grid.optimizer.lr",
    ]


@pytest.mark.parametrize(
    "sweep",
    [
        "{grid: {optimizer.lr: {log_range: [1e-4, 1, 25]}}, seeds: 10}",
        "{grid: {optimizer.kind: {values: [sgd, adam]}, optimizer.lr: {values: [1e-3]}}}",
        "{grid: {training.batch_size: {values: [full, 3]}}, seeds: [3, 1]}",
        "{grid: {dataset.w: {values: [[1, 2], [1, 2, 3]]}}}",
        "{grid: [{optimizer.lr: {values: [1]}}, {optimizer.momentum: {range: [0, 0.9, 4]}}]}",
        "{grid: {optimizer.lr: {values: [1]}}, select: {metric: recovery/error_norm, mode: min}}",
    ],
)
def test_sweep_that_is_sound(load_with, sweep):
    assert load_with(sweep=sweep).experiment.sweep is not None


@pytest.mark.parametrize(
    ("spec", "points"),
    [
        ("{log_range: [1e-4, 1, 5]}", [1e-4, 1e-3, 1e-2, 1e-1, 1]),
        ("{log_range: [0.1, 0.7, 2]}", [0.1, 0.7]),
        ("{range: [0.5, 2, 4]}", [0.5, 1, 1.5, 2]),
        ("{values: [3, 1, 2]}", [3, 1, 2]),
    ],
)
def test_points(load_with, spec, points):
    (grid,) = load_with(sweep=f"{{grid: {{optimizer.lr: {spec}}}}}").experiment.sweep.grid
    found = grid["optimizer.lr"].points()
    assert found == pytest.approx(points, rel=1e-15)
    assert (found[0], found[-1]) == (points[0], points[-1])  # the ends as written


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("linear", "linear"),
        ("my experiment (2)", "my-experiment-2"),
        (".hidden", "hidden"),
        ("übung", "übung"),
        ("…", "experiment"),
        ("a" * 99 + ".b", "a" * 99),
        ("v1.2", "v1.2"),
    ],
)
def test_the_name_is_that_of_the_file(tmp_path, stem, name):
    path = tmp_path / f"{stem}.yaml"
    path.write_text("".join(f"{key}: {text}\n" for key, text in BLOCKS.items()))
    assert load(path).experiment.name == name
