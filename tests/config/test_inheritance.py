import copy
import time
from pathlib import Path
from typing import Any

import pytest

from lrcli.config.base import Config
from lrcli.config.blocks import Training
from lrcli.config.inheritance import read_extended
from lrcli.config.overrides import override
from lrcli.config.source import read
from lrcli.config.validation import validate
from lrcli.errors import ExperimentError, UsageError
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import load

BASE = """\
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2}
model: {kind: linear, init: {kind: normal, std: 0.01}}
loss: {kind: half_mse}
optimizer:
  kind: sgd
  lr: 0.03
  momentum: 0.9
training: {epochs: 3}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory to be in, so that messages name files as short as a user would."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(place, **texts):
    """Files from their stems, a double underscore standing for a directory."""
    for name, text in texts.items():
        file = place / f"{name.replace('__', '/')}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return place / "exp.yaml"


class Letters(Config):
    """What a file of these tests may be where it is no experiment."""

    a: Any = None
    b: Any = None
    c: Any = None
    d: Any = None
    m: Any = None


def merged(place, child, base=BASE, config=Experiment):
    """What comes of a child and its base: data and notes."""
    write(place, base=base, exp=f"extends: base.yaml\n{child}")
    document, notes = read_extended(place / "exp.yaml", "exp.yaml", config)
    return document.data, notes


def refusals(place, *overrides):
    """Each message of an experiment that is refused, its lines apart."""
    with pytest.raises(ExperimentError) as caught:
        load((place / "exp.yaml").relative_to(place), overrides)
    return [message.splitlines() for message in caught.value.mistakes]


def heads(place, *overrides):
    return [lines[0] for lines in refusals(place, *overrides)]


@pytest.mark.parametrize(
    ("base", "child", "data"),
    [
        ("a: 1", "", {"a": 1}),
        ("a: 1", "a: 2", {"a": 2}),
        ("a: 1", "b: 2", {"a": 1, "b": 2}),
        ("a: {b: 1, c: 2}", "a: {c: 3, d: 4}", {"a": {"b": 1, "c": 3, "d": 4}}),
        ("a: {b: {c: {d: 1, e: 2}}}", "a: {b: {c: {e: 3}}}", {"a": {"b": {"c": {"d": 1, "e": 3}}}}),
        ("a: {b: 1}", "a: {}", {"a": {"b": 1}}),
        ("a: [1, 2, 3]", "a: [4]", {"a": [4]}),
        ("a: [{b: 1}]", "a: [{c: 2}]", {"a": [{"c": 2}]}),
        ("a: [1]", "a: []", {"a": []}),
        ("a: {b: 1}", "a: [2]", {"a": [2]}),
        ("a: {b: 1}", "a: 2", {"a": 2}),
        ("a: [1]", "a: {b: 2}", {"a": {"b": 2}}),
        ("a: 1", "a: {b: 2}", {"a": {"b": 2}}),
        ("{a: 1, b: 2}", "a:", {"b": 2}),
        ("{a: 1, b: 2}", "a: ~", {"b": 2}),
        ("a: {b: 1, c: 2}", "a: {b: }", {"a": {"c": 2}}),
        ("a: {b: 1, c: 2}", "a: {b: ''}", {"a": {"b": "", "c": 2}}),
        ("a: {b: {c: 1}}\nd: 2", "a:", {"d": 2}),
        ("a: {b: 1}", "a: {b: {c: 2}}", {"a": {"b": {"c": 2}}}),
        ("a: 1", "a: false", {"a": False}),
        ("a: &m {b: 1}\nc: *m", "a: {b: 2}", {"a": {"b": 2}, "c": {"b": 1}}),
        ("a: {b: 1, c: 2}", "m: &m {b: 3}\na: {<<: *m}", {"a": {"b": 3, "c": 2}, "m": {"b": 3}}),
    ],
)
def test_the_child_wins(place, base, child, data):
    assert merged(place, child, base, Letters) == (data, [])


@pytest.mark.parametrize(
    ("child", "block", "notes"),
    [
        ("optimizer: {lr: 0.1}", {"kind": "sgd", "lr": 0.1, "momentum": 0.9}, []),
        ("optimizer: {kind: sgd, lr: 0.1}", {"kind": "sgd", "lr": 0.1, "momentum": 0.9}, []),
        (
            "optimizer: {kind: adam}",
            {"kind": "adam"},
            ["exp.yaml:2: another kind replaces the whole optimizer; its lr, momentum no longer apply"],
        ),
        (
            "optimizer:\n  lr: 0.1\n  kind: adam",
            {"lr": 0.1, "kind": "adam"},
            ["exp.yaml:4: another kind replaces the whole optimizer; its momentum no longer applies"],
        ),
        (
            "optimizer: {kind: adam, lr: 0.1, momentum: 1}",
            {"kind": "adam", "lr": 0.1, "momentum": 1},
            [],
        ),
    ],
)
def test_kinds(place, child, block, notes):
    data, said = merged(place, child)
    assert data["optimizer"] == block
    assert said == notes


@pytest.mark.parametrize(
    ("keys", "notes"),
    [
        ("", []),
        (
            ", std: 2",
            ["exp.yaml:2: another kind replaces the whole model.init; its std no longer applies"],
        ),
    ],
)
def test_another_kind_further_down(place, keys, notes):
    base = f"model: {{kind: linear, init: {{kind: normal{keys}}}}}"
    data, said = merged(place, "model: {init: {kind: zeros}}", base)
    assert data == {"model": {"kind": "linear", "init": {"kind": "zeros"}}}
    assert said == notes


def test_another_kind_leaves_no_places_of_the_old_one(place):
    write(place, base=BASE, exp="extends: base.yaml\noptimizer: {kind: adam}\n")
    document, _ = read_extended(place / "exp.yaml", "exp.yaml", Experiment)
    assert ("optimizer", "momentum") not in document.keys.keys() | document.values.keys()
    assert document.location(("optimizer", "momentum")).origin == "exp.yaml"


@pytest.mark.parametrize(
    ("child", "grid"),
    [
        ("lr: {range: [1, 2, 3]}", {"lr": {"range": [1, 2, 3]}, "eps": {"values": [1]}}),
        ("std: {values: [3]}", {"lr": {"values": [1]}, "eps": {"values": [1]}, "std": {"values": [3]}}),
        ("eps: ", {"lr": {"values": [1]}}),
    ],
)
def test_a_swept_keys_specification_is_replaced_whole(place, child, grid):
    base = "sweep: {grid: {lr: {values: [1]}, eps: {values: [1]}}, seeds: 3}"
    data, notes = merged(place, f"sweep: {{grid: {{{child}}}}}", base)
    assert data == {"sweep": {"grid": grid, "seeds": 3}}
    assert notes == []


def test_a_chain_of_three(place):
    write(
        place,
        root=BASE,
        mid="extends: root.yaml\noptimizer: {lr: 0.1}\ntraining:\nseed: 1\n",
        exp="extends: mid.yaml\noptimizer: {momentum: 0.5}\nseed: 2\n",
    )
    document, notes = read_extended(place / "exp.yaml", "exp.yaml", Experiment)
    assert document.data["optimizer"] == {"kind": "sgd", "lr": 0.1, "momentum": 0.5}
    assert document.data["seed"] == 2
    assert not {"training", "extends"} & set(document.data)
    assert notes == []
    said = {path: (Path(at.origin).name, at.line) for path, at in document.values.items()}
    assert said[()] == ("exp.yaml", 1)
    assert {path[1:]: at for path, at in said.items() if path[:1] == ("optimizer",)} == {
        (): ("exp.yaml", 2),
        ("kind",): ("root.yaml", 5),
        ("lr",): ("mid.yaml", 2),
        ("momentum",): ("exp.yaml", 2),
    }


def test_notes_of_a_chain_name_the_file_that_changed_the_kind(place):
    write(
        place,
        root=BASE,
        mid="extends: root.yaml\noptimizer: {kind: adam, lr: 0.1}\n",
        exp="extends: mid.yaml\n\nmodel: {kind: mlp, hidden: [2]}\n",
    )
    assert load((place / "exp.yaml").relative_to(place)).notes == [
        "mid.yaml:2: another kind replaces the whole optimizer; its momentum no longer applies",
        "exp.yaml:3: another kind replaces the whole model; its init no longer applies",
    ]


@pytest.mark.parametrize("name", ["exp", "a__exp", "a__b__exp"])
def test_a_name_counts_from_the_file_that_says_it(place, name):
    up = "../" * name.count("__")
    write(
        place,
        **{name: f"extends: {up}one/mid.yaml\n"},
        one__mid="extends: two/base.yaml\nseed: 1\n",
        one__two__base="extends: ../../top.yaml\nseed: 0\n",
        top=BASE,
    )
    loaded = load(place / f"{name.replace('__', '/')}.yaml")
    assert loaded.experiment.seed == 1
    assert loaded.experiment.optimizer.lr == 0.03
    assert loaded.experiment.name == "exp"


def test_an_absolute_name(place):
    write(place, elsewhere__base=BASE, exp=f"extends: '{place / 'elsewhere' / 'base.yaml'}'\nseed: 4\n")
    assert load(place / "exp.yaml").experiment.seed == 4


def test_mistakes_are_shown_where_they_were_written_the_childs_first(place):
    write(
        place,
        base=BASE.replace("0.03", "fast"),
        exp="extends: base.yaml\n\ntraining:\n  epochs: 0\n",
    )
    assert refusals(place, "seed=-1") == [
        [
            "exp.yaml:4:11: training.epochs: must be at least 1, not 0",
            "  4 |   epochs: 0",
            "    |           ^",
        ],
        [
            "base.yaml:6:7: optimizer.lr: must be a number, not the text 'fast'",
            "  6 |   lr: fast",
            "    |       ^",
        ],
        ["override: seed: must be at least 0, not -1", "   | seed=-1", "   |      ^"],
    ]


def test_a_mistake_in_a_file_between(place):
    write(
        place, root=BASE, dir__mid="extends: ../root.yaml\nseed: x\n", exp="extends: dir/mid.yaml\nlos: 1\n"
    )
    assert heads(place) == [
        "exp.yaml:2:1: los: unknown key; did you mean loss?",
        f"{Path('dir', 'mid.yaml')}:2:7: seed: must be a whole number, not the text 'x'",
    ]


def test_what_is_missing_is_missing_from_the_child(place):
    write(place, base=BASE, exp="extends: base.yaml\nloss:\n")
    assert heads(place) == ["exp.yaml:1:1: the key loss is missing"]


def test_what_neither_says_of_a_block_is_missing_where_the_child_has_it(place):
    write(place, base=BASE, exp="extends: base.yaml\nmodel: {kind: mlp}\n")
    assert heads(place) == ["exp.yaml:2:8: model: the key hidden is missing"]


@pytest.mark.parametrize(
    ("texts", "where", "named"),
    [
        ({"exp": "extends: exp.yaml\n"}, "exp.yaml:1:10", "exp.yaml"),
        ({"exp": "extends: ./exp.yaml\n"}, "exp.yaml:1:10", "exp.yaml"),
        ({"exp": "seed: 1\nextends: dir/../exp.yaml\n", "dir__a": "a: 1\n"}, "exp.yaml:2:10", "exp.yaml"),
        ({"exp": "extends: base.yaml\n", "base": "extends: exp.yaml\n"}, "base.yaml:1:10", "exp.yaml"),
        ({"exp": "extends: base.yaml\n", "base": "extends: base.yaml\n"}, "base.yaml:1:10", "base.yaml"),
        ({"exp": "extends: a/b.yaml\n", "a__b": "extends: ../exp.yaml\n"}, "b.yaml:1:10", "exp.yaml"),
        (
            {"exp": "extends: a.yaml\n", "a": "extends: b.yaml\n", "b": "extends: ./a.yaml\n"},
            "b.yaml:1:10",
            "a.yaml",
        ),
    ],
)
def test_a_circle(place, texts, where, named):
    write(place, **texts)
    ((head, shown, caret),) = refusals(place)
    assert f"{where}: extends: " in head
    assert head.endswith(f"{named} leads back here and would never end")
    assert shown[caret.index("^") - 9 :].startswith("extends: ")


def test_a_circle_through_a_link(place):
    write(place, exp="extends: link.yaml\n")
    try:
        (place / "link.yaml").symlink_to("exp.yaml")
    except OSError:
        pytest.skip("no links here")
    assert heads(place) == ["exp.yaml:1:10: extends: link.yaml leads back here and would never end"]


@pytest.mark.parametrize(("count", "good"), [(20, True), (21, False)])
def test_the_length_of_a_chain(place, count, good):
    files = {f"f{i}": f"extends: f{i + 1}.yaml\nseed: {i}\n" for i in range(1, count - 1)}
    write(place, exp="extends: f1.yaml\n", **files, **{f"f{count - 1}": BASE})
    if good:
        assert load(place / "exp.yaml").experiment.seed == 1
    else:
        assert heads(place) == ["f19.yaml:1:10: extends: a chain of more than 20 files"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("none.yaml", "none.yaml: there is no such file"),
        ("dir", "dir: is a directory"),
        (".", ".: is a directory"),
        ("exp.yaml/base.yaml", "base.yaml: there is no such file"),
        ("[base.yaml]", "must be the name of a file"),
        ("{a: b}", "must be the name of a file"),
        ("3", "must be the name of a file"),
        ("true", "must be the name of a file"),
        ("", "must be the name of a file"),
        ("''", "must be the name of a file"),
        ("' '", "must be the name of a file"),
        ('"a\\0b"', "must be the name of a file"),
        ("a" * 5000, ""),  # the words are the operating system's
    ],
)
def test_no_file_to_extend(place, said, message):
    write(place, exp=f"seed: 1\nextends: {said}\n")
    (place / "dir").mkdir()
    ((head, shown, caret),) = refusals(place)
    assert head.startswith("exp.yaml:2:")
    assert "extends: " in head
    assert head.endswith(message)
    assert shown.startswith("  2 | ")
    assert caret.endswith("^")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "base.yaml: is empty; an experiment needs at least a dataset and a model"),
        (b"a: \xff", "base.yaml: is not a text file in UTF-8 (byte 3 is 0xff)"),
        (b"loss: 1\nloss: 2\n", "base.yaml:2:1: the key loss is given twice, first on line 1"),
        (b"loss: b: c\n", "base.yaml:1:8: is not valid YAML: mapping values are not allowed in this context"),
        (b"loss: 1\n---\nb: 2\n", "base.yaml:2:1: holds several documents; an experiment file is one"),
        (b"#" * 1_000_001, "base.yaml: is larger than 1 MB; an experiment file is a page"),
    ],
)
def test_a_base_that_cannot_be_read(place, raw, message):
    write(place, exp="extends: base.yaml\n")
    (place / "base.yaml").write_bytes(raw)
    assert heads(place) == [message]


@pytest.mark.parametrize(
    "child", ["training:", "seed:", "name:", "training: {epochs: }", "optimizer: {kind: adam, eps: }"]
)
def test_what_no_base_gives_is_at_its_default_already(place, child):
    write(place, base=BASE.replace("training: {epochs: 3}\n", ""), exp=f"extends: base.yaml\n{child}\n")
    experiment = load(place / "exp.yaml").experiment
    assert (experiment.name, experiment.seed, experiment.training) == ("exp", 0, Training())


def test_a_name_is_inherited_as_any_other_key(place):
    write(place, root=BASE, base="extends: root.yaml\nname: shared\n", exp="extends: base.yaml\n")
    assert load(place / "exp.yaml").experiment.name == "shared"
    write(place, exp="extends: base.yaml\nname: mine\n")
    assert load(place / "exp.yaml").experiment.name == "mine"
    write(place, exp="extends: base.yaml\nname:\n")
    assert load(place / "exp.yaml").experiment.name == "exp"


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (BASE.replace("  kind: sgd", "  extends: o.yaml\n  kind: sgd"), "exp.yaml:5:3: optimizer"),
        (BASE.replace("epochs: 3", "extends: o.yaml"), "exp.yaml:8:12: training"),
        ("extends: base.yaml\ntraining: {extends: o.yaml}\n", "exp.yaml:2:12: training"),
    ],
)
def test_extends_inside_a_block_is_an_unknown_key(place, text, head):
    write(place, base=BASE, exp=text)
    (shown,) = heads(place)
    assert shown.startswith(f"{head}.extends: unknown key; known here: ")
    assert shown.count("extends") == 1


@pytest.mark.parametrize("word", ["extends=base.yaml", "extends=", "extends=[1]"])
def test_extends_is_no_override(place, word):
    write(place, base=BASE, exp="extends: base.yaml\n")
    with pytest.raises(UsageError) as caught:
        load(place / "exp.yaml", [word])
    assert str(caught.value) == f"{word}: extends is said in a file; an override changes what came of it"


def test_an_override_below_extends_is_refused_without_offering_it_again(place):
    write(place, base=BASE, exp="extends: base.yaml\n")
    with pytest.raises(UsageError) as caught:
        load(place / "exp.yaml", ["extends.x=1"])
    assert "extends" in str(caught.value)
    assert "did you mean extends" not in str(caught.value)


def test_overrides_change_what_came_of_it(place):
    write(place, base=BASE, exp="extends: base.yaml\noptimizer: {lr: 0.1}\n")
    loaded = load(place / "exp.yaml", ["optimizer.lr=0.2", "dataset.w.1=7"])
    assert loaded.experiment.optimizer.lr == 0.2
    assert loaded.experiment.dataset.w == [2.0, 7.0]
    assert loaded.notes == []


def test_a_base_stays_as_it_is(place):
    file = write(place, base=BASE, exp="extends: base.yaml\noptimizer: {lr: 0.1, momentum: }\n")
    before = {path: path.read_bytes() for path in place.iterdir()}
    alone = copy.deepcopy(read(place / "base.yaml", "base.yaml").data)
    first = read_extended(file, "exp.yaml", Experiment)
    override(first[0], "dataset.w.0=9")
    assert read_extended(file, "exp.yaml", Experiment)[0].data["dataset"]["w"] == [2.0, -3.4]
    assert read_extended(place / "base.yaml", "base.yaml", Experiment)[0].data == alone
    assert {path: path.read_bytes() for path in place.iterdir()} == before


def test_the_same_as_one_file_that_says_it_all(place):
    write(place, base=BASE, exp="extends: base.yaml\ntraining: {epochs: 7}\n")
    write(place, whole=f"name: exp\n{BASE.replace('epochs: 3', 'epochs: 7')}")
    assert load(place / "exp.yaml").experiment == load(place / "whole.yaml").experiment
    assert validate(read(place / "whole.yaml", "w"), Experiment) == load(place / "whole.yaml").experiment


def test_many_keys_are_merged_in_little_time(place):
    keys = [f"a_key_with_a_long_enough_name_{i:05d}" for i in range(20_000)]
    write(
        place,
        base="a:\n" + "".join(f"  {key}: {i:05d}.25\n" for i, key in enumerate(keys)),
        exp="extends: base.yaml\na:\n" + "".join(f"  {key}: {i}\n" for i, key in enumerate(keys)),
    )
    assert 900_000 < (place / "base.yaml").stat().st_size <= 1_000_000
    started = time.process_time()
    document, _ = read_extended(place / "exp.yaml", "exp.yaml", Letters)
    assert time.process_time() - started < 5  # half of it with a core of its own
    assert document.data == {"a": {key: i for i, key in enumerate(keys)}}
    assert {at.origin for at in document.values.values()} == {"exp.yaml"}
