import pytest

from lrcli.components.registry import GROUPS
from lrcli.config.hints import nearest
from lrcli.config.source import parse
from lrcli.config.validation import Mistake, refuse, validate
from lrcli.errors import ExperimentError
from lrcli.experiment.experiment import Experiment

MODELS = ", ".join(GROUPS["model"])
OPTIMIZERS = ", ".join(GROUPS["optimizer"])
GOOD = {
    "name": "name: linear",
    "dataset": "dataset: {kind: linear, w: [2.0, -3.4], b: 4.2}",
    "model": "model: {kind: linear}",
    "loss": "loss: {kind: half_mse}",
    "optimizer": "optimizer: {kind: sgd, lr: 0.03}",
}


def check(text):
    return validate(parse(text, "file"), Experiment)


def mistakes(text):
    with pytest.raises(ExperimentError) as caught:
        check(text)
    return caught.value.mistakes


def check_line(line):
    """A sound experiment in which one block is this line, at the end."""
    block = line.partition(":")[0]
    return check("\n".join([*(text for key, text in GOOD.items() if key != block), line]))


def message_of_line(line):
    """The one message about a line, without its place, and the text at its caret."""
    with pytest.raises(ExperimentError) as caught:
        check_line(line)
    (only,) = caught.value.mistakes
    head, shown, marker = only.splitlines()
    return head.split(": ", 1)[1], shown[marker.index("^") :]


def test_sound():
    experiment = check("\n".join(GOOD.values()))
    assert experiment.dataset.w == [2.0, -3.4]
    assert experiment.training.epochs == 10


@pytest.mark.parametrize(
    ("line", "message", "caret"),
    [
        ("optimiser: 1", "optimiser: unknown key; did you mean optimizer?", "optimiser"),
        ("training: {epoch: 1}", "training.epoch: unknown key; did you mean epochs?", "epoch: 1"),
        (
            "training: {xyz: 1}",
            "training.xyz: unknown key; known here: epochs, batch_size, shuffle, drop_last, clip_grad_norm, "
            "early_stopping, best",
            "xyz",
        ),
        (
            "model: {kind: linear, init: {kind: normal, sdt: 1}}",
            "model.init.sdt: unknown key; known here: kind, std",
            "sdt",
        ),
        (
            "model: {kind: polynomial, degree: 2, hidden: [3]}",
            "model.hidden: unknown key; known here: init, kind, degree",
            "hidden",
        ),
        ("loss: {kind: l1, delta: 1}", "loss.delta: unknown key; known here: reduction, kind", "delta"),
        ("model: {kind: linear, linear: 3}", "model.linear: unknown key; known here: ", "linear: 3"),
    ],
)
def test_unknown_key(line, message, caret):
    found, at = message_of_line(line)
    assert found.startswith(message)
    assert at.startswith(caret)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "optimizer: {kind: adamm}",
            "optimizer.kind: unknown kind adamm; did you mean adam?; one of sgd, rmsprop, adam, adamw, "
            "python",
        ),
        (
            "model: {kind: forest}",
            f"model.kind: unknown kind forest; one of {MODELS}",
        ),
        (
            "optimizer: {kind: sgd, schedule: {kind: cosin}}",
            "optimizer.schedule.kind: unknown kind cosin; did you mean cosine?; one of constant, step, "
            "exponential, cosine, linear_warmup",
        ),
        ("loss: {kind: }", "loss.kind: must be text, not empty; one of mse, "),
        ("loss: {kind: true}", "loss.kind: must be text, not true; one of mse, "),
        ("loss: {kind: 3}", "loss.kind: must be text, not 3; one of mse, "),
        ("loss: {kind: [mse]}", "loss.kind: must be text, not a list of 1; one of mse, "),
    ],
)
def test_unknown_kind(line, message):
    found, at = message_of_line(line)
    assert found.startswith(message)
    assert line.endswith(at)
    assert line.removesuffix(at).endswith("kind: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("loss: {}", "loss: the key kind is missing; one of mse, half_mse, l1, huber, bce, cross_entropy"),
        ("loss: {reduction: sum}", "loss: the key kind is missing; one of mse, half_mse, "),
        ("model: {kind: linear, init: {std: 1}}", "model.init: the key kind is missing; one of default, "),
        ("dataset: {kind: linear, b: 1}", "dataset: the key w is missing"),
        ("dataset: {kind: linear}", "dataset: the key w is missing; the key b is missing"),
        ("model: {kind: linear, init: {kind: values}}", "model.init: the key values is missing"),
        ("training: {best: {mode: max}}", "training.best: the key metric is missing"),
    ],
)
def test_missing_key(line, message):
    found, at = message_of_line(line)
    assert found.startswith(message)
    assert at.startswith("{")


def test_missing_blocks():
    (only,) = mistakes("name: a\ndataset: {kind: sine}\n")
    assert only.startswith(
        "file:1:1: the key model is missing; the key loss is missing; the key optimizer is missing\n"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("optimizer: {kind: sgd, lr: fast}", "optimizer.lr: must be a number, not the text 'fast'"),
        ("optimizer: {kind: sgd, lr: '1'}", "optimizer.lr: must be a number, not the text '1'"),
        ("optimizer: {kind: sgd, lr: true}", "optimizer.lr: must be a number, not true"),
        ("optimizer: {kind: sgd, lr: }", "optimizer.lr: must be a number, not empty"),
        ("optimizer: {kind: sgd, lr: [1, 2]}", "optimizer.lr: must be a number, not a list of 2"),
        (
            "optimizer: {kind: sgd, nesterov: yes}",
            "optimizer.nesterov: must be true or false, not the text 'y",
        ),
        ("optimizer: {kind: sgd, nesterov: 1}", "optimizer.nesterov: must be true or false, not 1"),
        ("optimizer: sgd", "optimizer: must be a mapping, not the text 'sgd'"),
        ("optimizer: []", "optimizer: must be a mapping, not an empty list"),
        ("training: 3", "training: must be a mapping, not 3"),
        ("training: {epochs: 1.5}", "training.epochs: must be a whole number, not 1.5"),
        ("training: {epochs: 1e-3}", "training.epochs: must be a whole number, not 0.001"),
        ("training: {epochs: 1e300}", "training.epochs: must be a whole number, not 1e+300"),
        ("training: {epochs: true}", "training.epochs: must be a whole number, not true"),
        ("training: {epochs: '3'}", "training.epochs: must be a whole number, not the text '3'"),
        ("dataset: {kind: linear, w: 2, b: 1}", "dataset.w: must be a list, not 2"),
        ("dataset: {kind: linear, w: {a: 1}, b: 1}", "dataset.w: must be a list, not a mapping"),
        ("dataset: {kind: linear, w: [1, x], b: 1}", "dataset.w.1: must be a number, not the text 'x'"),
        ("dataset: {kind: linear, w: [[1]], b: 1}", "dataset.w.0: must be a number, not a list of 1"),
        ("dataset: {kind: sine, outliers: {1: x}}", "dataset.outliers.1: must be a number, not the text 'x'"),
        (
            "dataset: {kind: sine, outliers: {x: 1}}",
            "dataset.outliers.x: must be the index of a training example, a number from 0, not 'x'",
        ),
        ("dataset: {kind: sine, outliers: [1]}", "dataset.outliers: must be a mapping, not a list of 1"),
        ("name: 12", "name: must be text, not 12"),
        ("name: ", "name: must be text, not empty"),
        ("description: {a: b}", "description: must be text, not a mapping"),
    ],
)
def test_wrong_type(line, message):
    assert message_of_line(line)[0].startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("seed: -1", "seed: must be at least 0, not -1"),
        ("optimizer: {kind: sgd, lr: 0}", "optimizer.lr: must be greater than 0, not 0"),
        ("optimizer: {kind: sgd, lr: -1e-3}", "optimizer.lr: must be greater than 0, not -0.001"),
        ("optimizer: {kind: sgd, lr: .nan}", "optimizer.lr: must be a finite number, not nan"),
        ("optimizer: {kind: sgd, lr: .inf}", "optimizer.lr: must be a finite number, not inf"),
        ("optimizer: {kind: sgd, lr: 1e999}", "optimizer.lr: must be a finite number, not inf"),
        ("optimizer: {kind: sgd, momentum: -0.5}", "optimizer.momentum: must be at least 0, not -0.5"),
        ("optimizer: {kind: rmsprop, alpha: 1.5}", "optimizer.alpha: must be at most 1, not 1.5"),
        ("optimizer: {kind: adam, betas: [0.9, 1]}", "optimizer.betas.1: must be less than 1, not 1"),
        (
            "optimizer: {kind: adam, betas: [0.9]}",
            "optimizer.betas: must be a list of at least 2, not a list",
        ),
        (
            "optimizer: {kind: adam, betas: [0, 0, 0]}",
            "optimizer.betas: must be a list of at most 2, not a l",
        ),
        (
            "dataset: {kind: linear, w: [], b: 1}",
            "dataset.w: must be a list of at least 1, not an empty list",
        ),
        ("dataset: {kind: linear, w: [.nan], b: 1}", "dataset.w.0: must be a finite number, not nan"),
        ("dataset: {kind: sine, num_train: 0}", "dataset.num_train: must be at least 1, not 0"),
        ("dataset: {kind: sine, num_val: -1}", "dataset.num_val: must be at least 0, not -1"),
        ("dataset: {kind: sine, noise: -0.1}", "dataset.noise: must be at least 0, not -0.1"),
        ("dataset: {kind: xor, label_noise: 2}", "dataset.label_noise: must be at most 1, not 2"),
        ("model: {kind: polynomial, degree: 51}", "model.degree: must be at most 50, not 51"),
        ("model: {kind: mlp, hidden: [4, 0]}", "model.hidden.1: must be at least 1, not 0"),
        ("loss: {kind: huber, delta: 0}", "loss.delta: must be greater than 0, not 0"),
        ("training: {epochs: 0}", "training.epochs: must be at least 1, not 0"),
        ("training: {clip_grad_norm: 0}", "training.clip_grad_norm: must be greater than 0, not 0"),
        ("logging: {every: 0}", "logging.every: must be at least 1, not 0"),
    ],
)
def test_bounds(line, message):
    assert message_of_line(line)[0].startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dtype: float16", "dtype: must be 'float32' or 'float64', not the text 'float16'"),
        ("loss: {kind: mse, reduction: max}", "loss.reduction: must be 'mean' or 'sum', not the text 'max'"),
        ("device: gpu", "device: must be auto, cpu, cuda, cuda:N or mps, not 'gpu'"),
        ("device: cuda:x", "device: must be auto, cpu, cuda, cuda:N or mps, not 'cuda:x'"),
        ("name: a/b", "name: must name a directory: letters, digits, - _ and . only, not 'a/b'"),
        ("name: ..", "name: must name a directory: letters, digits, - _ and . only, not '..'"),
        ("name: ''", "name: must name a directory: letters, digits, - _ and . only, not ''"),
    ],
)
def test_choices(line, message):
    assert message_of_line(line)[0] == message


@pytest.mark.parametrize(
    ("line", "message", "caret"),
    [
        (
            "training: {batch_size: half}",
            "training.batch_size: must be a whole number or 'full', not the",
            "half",
        ),
        ("training: {batch_size: 0}", "training.batch_size: must be at least 1 or 'full', not 0", "0"),
        ("training: {batch_size: -3}", "training.batch_size: must be at least 1 or 'full', not -3", "-3"),
        (
            "training: {batch_size: 1.5}",
            "training.batch_size: must be a whole number or 'full', not 1.5",
            "1.5",
        ),
        ("training: {batch_size: }", "training.batch_size: must be a whole number or 'full', not empty", "}"),
        (
            "dataset: {kind: linear, w: [1], b: 1, feature_std: x}",
            "dataset.feature_std: must be a number or a list, not the text 'x'",
            "x",
        ),
        (
            "dataset: {kind: linear, w: [1], b: 1, feature_std: [1, y]}",
            "dataset.feature_std.1: must be a number, not the text 'y'",
            "y",
        ),
        ("sweep: {grid: {}, seeds: 0}", "sweep.seeds: must be at least 1, not 0", "0"),
        ("training: {early_stopping: 3}", "training.early_stopping: must be a mapping, not 3", "3"),
    ],
)
def test_a_union_gives_one_message(line, message, caret):
    if line.startswith("sweep"):
        line = line.replace("{}", "{optimizer.lr: {values: [1]}}")
    found, at = message_of_line(line)
    assert found.startswith(message)
    assert at.startswith(caret)


def test_every_mistake_in_the_order_of_the_file():
    text = """\
training: {epoch: 3, batch_size: half}
optimizer: {knd: sgd}
model: {kind: lin}
dataset:
  nois: 3
  b: true
  w: [2.0, x]
  kind: linear
foo: 3
"""
    assert [message.splitlines()[0] for message in mistakes(text)] == [
        "file:1:1: the key name is missing; the key loss is missing",
        "file:1:12: training.epoch: unknown key; did you mean epochs?",
        "file:1:34: training.batch_size: must be a whole number or 'full', not the text 'half'",
        f"file:2:12: optimizer: the key kind is missing; one of {OPTIMIZERS}",
        f"file:3:15: model.kind: unknown kind lin; one of {MODELS} (lrcli list model tells what they are)",
        "file:5:3: dataset.nois: unknown key; did you mean noise?",
        "file:6:6: dataset.b: must be a number, not true",
        "file:7:12: dataset.w.1: must be a number, not the text 'x'",
        "file:9:1: foo: unknown key; known here: name, description, seed, device, engine, dtype, dataset, "
        "model, loss, optimizer, training, logging, sweep, expect, extends",
    ]


def test_mistake_behind_an_alias_is_shown_at_its_text():
    text = "\n".join(GOOD.values()).replace("{kind: sgd, lr: 0.03}", "{<<: *a}") + "\n"
    (only,) = mistakes("training: &a {epochs: 1}\n" + text.replace("{<<", "{kind: sgd, <<"))
    assert only.startswith("file:1:15: optimizer.epochs: unknown key")


def test_a_key_named_like_its_kind_does_not_mislead():
    lines = mistakes(
        "\n".join([*GOOD.values()]).replace(
            "{kind: linear, w: [2.0, -3.4]", "{kind: linear, linear: 3, w: abc"
        )
    )
    assert [line.splitlines()[0].split(": ")[1] for line in lines] == ["dataset.linear", "dataset.w"]


def test_integers_are_numbers():
    experiment = check_line("optimizer: {kind: sgd, lr: 1}")
    assert type(experiment.optimizer.lr) is float


def test_refuse_shows_places_in_order_and_once():
    document = parse("a: 1\nb: {c: 2}\n", "file")
    error = refuse(
        document,
        [
            Mistake(("b", "c"), "is bad"),
            Mistake(("b", "d"), "is not there"),
            Mistake(("a",), "is worse", at_key=True),
            Mistake(("a",), "is worse", at_key=True),
            Mistake((), "has no name"),
        ],
    )
    assert [message.splitlines()[0] for message in error.mistakes] == [
        "file:1:1: a: is worse",
        "file:1:1: has no name",
        "file:2:4: b.d: is not there",
        "file:2:8: b.c: is bad",
    ]


@pytest.mark.parametrize(
    ("name", "guess"),
    [("momentun", "; did you mean momentum?"), ("Momentum", "; did you mean momentum?"), ("x", ""), ("", "")],
)
def test_nearest(name, guess):
    assert nearest(name, ["lr", "momentum"]) == guess
