import pytest

from lrcli.config.overrides import override
from lrcli.config.source import parse
from lrcli.config.validation import validate
from lrcli.errors import ExperimentError, UsageError
from lrcli.experiment.experiment import Experiment

TEXT = """\
name: linear
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2}
model: {kind: linear, init: {kind: normal, std: 0.01}}
loss: {kind: half_mse}
optimizer:
  kind: sgd
  lr: 0.03
  momentum: 0.9
"""


def after(*words):
    """The data after some overrides, and what they note."""
    document = parse(TEXT, "file")
    notes = [note for word in words for note in override(document, word)]
    return document.data, notes


def experiment(*words):
    document = parse(TEXT, "file")
    for word in words:
        override(document, word)
    return validate(document, Experiment)


def message(*words):
    """The one message about overrides that are refused."""
    with pytest.raises(ExperimentError) as caught:
        experiment(*words)
    (only,) = caught.value.mistakes
    return only


def value_at(data, path):
    for part in path:
        data = data[part]
    return data


@pytest.mark.parametrize(
    ("word", "path", "value"),
    [
        ("optimizer.lr=1e-3", ["optimizer", "lr"], 0.001),
        ("optimizer.lr=1", ["optimizer", "lr"], 1),
        ("seed=3", ["seed"], 3),
        ("dataset.w=[1e-3, 5]", ["dataset", "w"], [0.001, 5]),
        ("dataset.w.1=7", ["dataset", "w"], [2.0, 7]),
        ("dataset.w.0=-1e-2", ["dataset", "w"], [-0.01, -3.4]),
        ("dataset.outliers.3=5", ["dataset", "outliers"], {"3": 5}),
        ("training.batch_size=full", ["training", "batch_size"], "full"),
        ("training={epochs: 2}", ["training"], {"epochs": 2}),
        ("training.best.metric=val/loss", ["training", "best"], {"metric": "val/loss"}),
        ("optimizer.nesterov=true", ["optimizer", "nesterov"], True),
        ("description=no", ["description"], "no"),
        ("description='1'", ["description"], "1"),
        ("description=a=b", ["description"], "a=b"),
        ("description=", ["description"], None),
        ("a.b=1,2", ["a", "b"], "1,2"),
        ("a.b=x=1,c.d=2", ["a", "b"], "x=1,c.d=2"),
    ],
)
def test_value(word, path, value):
    data, notes = after(word)
    changed = value_at(data, path)
    assert changed == value
    assert type(changed) is type(value)
    assert notes == []


def test_the_rest_stays():
    data, _ = after("optimizer.lr=1")
    assert data["optimizer"] == {"kind": "sgd", "lr": 1, "momentum": 0.9}
    assert {key: data[key] for key in data if key != "optimizer"} == {
        key: value for key, value in parse(TEXT, "file").data.items() if key != "optimizer"
    }


def test_the_later_override_wins():
    assert after("optimizer.lr=1", "optimizer.lr=2")[0]["optimizer"]["lr"] == 2


def test_validated_values_are_floats():
    assert experiment("optimizer.lr=1e-3").optimizer.lr == 0.001
    assert experiment("dataset.w.1=7").dataset.w == [2.0, 7.0]
    assert experiment("dataset.outliers.3=5").dataset.outliers == {3: 5.0}


def test_another_kind_replaces_the_mapping_and_says_so():
    data, notes = after("optimizer.kind=adam")
    assert data["optimizer"] == {"kind": "adam"}
    assert notes == ["optimizer.kind=adam replaces the whole optimizer; its lr, momentum no longer apply"]


def test_another_kind_further_down():
    data, notes = after("model.init.kind=zeros")
    assert data["model"] == {"kind": "linear", "init": {"kind": "zeros"}}
    assert notes == ["model.init.kind=zeros replaces the whole model.init; its std no longer applies"]


@pytest.mark.parametrize("word", ["optimizer.kind=sgd", "optimizer.schedule.kind=constant"])
def test_a_kind_that_replaces_nothing(word):
    data, notes = after(word)
    assert notes == []
    assert data["optimizer"]["momentum"] == 0.9


def test_another_kind_with_nothing_to_lose_says_nothing():
    assert after("loss.kind=l1") == ({**parse(TEXT, "file").data, "loss": {"kind": "l1"}}, [])


def test_keys_after_another_kind():
    changed = experiment("optimizer.kind=adam", "optimizer.lr=0.1")
    assert (changed.optimizer.kind, changed.optimizer.lr) == ("adam", 0.1)


@pytest.mark.parametrize("word", ["optimizer.lr", "", "=1", ".=1", "a..b=1", ".a=1", "a.=1"])
def test_no_pair(word):
    with pytest.raises(UsageError) as caught:
        after(word)
    assert str(caught.value) == f"{word}: is no override; write KEY=VALUE, such as optimizer.lr=0.01"


@pytest.mark.parametrize(
    ("word", "what", "caret"),
    [
        ("optimizer.lr=fast", "optimizer.lr: must be a number, not the text 'fast'", "fast"),
        ("optimizer.lr=1,2", "optimizer.lr: must be a number, not the text '1,2'", "1,2"),
        ("optimizer.lr=0", "optimizer.lr: must be greater than 0, not 0", "0"),
        ("optimizer.lr=.nan", "optimizer.lr: must be a finite number, not nan", ".nan"),
        ("optimizer.lr=", "optimizer.lr: must be a number, not empty", ""),
        ("seed=-1", "seed: must be at least 0, not -1", "-1"),
        ("seed=1.5", "seed: must be a whole number, not 1.5", "1.5"),
        ("seed.x=1", "seed: must be a whole number, not a mapping", "seed.x=1"),
        ("dataset.w.1=x", "dataset.w.1: must be a number, not the text 'x'", "x"),
        ("dataset.w=[1, no]", "dataset.w.1: must be a number, not the text 'no'", "no]"),
        ("name=a b", "name: must name a directory: letters, digits, - _ and . only, not 'a b'", "a b"),
        ("device=gpu", "device: must be auto, cpu, cuda, cuda:N or mps, not 'gpu'", "gpu"),
        ("optimizer.learning_rate=1", "optimizer.learning_rate: unknown key; known here: ", "optimizer"),
        ("optimizer.momentun=1", "optimizer.momentun: unknown key; did you mean momentum?", "optimizer"),
        ("optimizer={kind: adam, ep: 1}", "optimizer.ep: unknown key; did you mean eps?", "ep: 1"),
        ("optimizer.kind=adm", "optimizer.kind: unknown kind adm; did you mean adam?; one of ", "adm"),
        ("optimizer.schedule={kind: step}", "optimizer.schedule: the key every is missing", "{kind"),
        ("optimizer.lr=[1", "optimizer.lr: a bracket is open; if the shell has cut it at a space, ", "[1"),
        ("optimizer.lr=a: b: c", "optimizer.lr: is not valid YAML: ", "a: b"),
        ("optimizer.lr=!foo 1", "optimizer.lr: 1: the tag !foo is not known here", "!foo"),
        ("loss={kind: l1, kind: mse}", "loss: the key kind is given twice, first on line 1", "{kind"),
        ("loss=&a [*a]", "loss: an alias that contains itself cannot be expanded", "&a"),
        ("dataset.w.7=1", "dataset.w is a list; select an item by its number", "7=1"),
        ("dataset.w.-1=1", "dataset.w is a list; select an item by its number", "-1=1"),
        ("dataset.w.first=1", "dataset.w is a list; select an item by its number", "first=1"),
        ("dataset.b.c=1", "dataset.b is not a mapping", "c=1"),
    ],
)
def test_mistake_is_shown_as_the_override(word, what, caret):
    head, shown, marker = message(word).splitlines()
    assert head.startswith(f"override: {what}")
    assert shown == f"   | {word}"
    assert shown[marker.index("^") :].startswith(caret)


def test_value_that_is_no_text_in_utf8():
    assert message("name=\udcff").startswith("override: name: is not valid YAML: ")


def test_mistakes_of_file_and_overrides_together():
    document = parse(TEXT.replace("0.03", "0"), "file")
    override(document, "seed=-1")
    with pytest.raises(ExperimentError) as caught:
        validate(document, Experiment)
    assert [text.splitlines()[0] for text in caught.value.mistakes] == [
        "file:7:7: optimizer.lr: must be greater than 0, not 0",
        "override: seed: must be at least 0, not -1",
    ]


def test_no_mistake_is_shown_at_a_line_that_an_override_replaced():
    document = parse("dataset: {kind: xor, low: 1, high: 2}\n", "file")
    override(document, "dataset.kind=sine")
    assert document.location(("dataset", "high")).column == len("dataset: {")
