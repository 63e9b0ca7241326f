"""What lrcli prints and writes is read back as the same experiment."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from builders import MADE
from generated import apart, changes, sound
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from lrcli.authoring.origins import origins
from lrcli.authoring.schema import schema, schema_text
from lrcli.authoring.starter import starter_text
from lrcli.cli import app as cli
from lrcli.components.registry import GROUPS
from lrcli.config.dumping import annotated_yaml, in_line, yaml_text
from lrcli.config.keys import dotted_keys
from lrcli.config.source import read
from lrcli.errors import ExperimentError
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.experiment.loading import load

CHECKS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # shrinking a whole file takes minutes
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TABLE = Path(__file__).parents[1] / "table.csv"
COMMENTED_OUT = re.compile(r"^\s*# +\w+: +[^ #]", re.MULTILINE)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    shutil.copy(TABLE, folder / "data.csv")
    return folder


def loaded(directory, text, overrides=(), name="exp.yaml"):
    file = directory / name
    file.write_text(text, encoding="utf-8")
    return load(file, overrides)


def shown(loaded):
    """What lrcli show prints."""
    content = resolved(loaded.experiment)
    return annotated_yaml(content, origins(loaded.document, content))


def same(one, other):
    """Equal, and equal to the last digit and type where they are written."""
    assert one == other
    assert json.dumps(resolved(one)) == json.dumps(resolved(other))


@CHECKS
@given(sound())
def test_what_is_printed_is_read_back(directory, content):
    first = loaded(directory, yaml_text(content))
    same(first.experiment, loaded(directory, shown(first), name="shown.yaml").experiment)
    plain = yaml_text(resolved(first.experiment))
    same(first.experiment, loaded(directory, plain, name="plain.yaml").experiment)


def put(content, path, value):
    """Set a key, as a file would say it; the kind stays."""
    for part in path[:-1]:
        content = content.setdefault(part, {})
    content[path[-1]] = value


@CHECKS
@given(data=st.data())
def test_overrides_do_what_a_changed_file_does(directory, data):
    content = data.draw(sound())
    changed = data.draw(sound().flatmap(changes))
    overrides = [f"{'.'.join(path)}={in_line(value)}" for path, value in changed]
    try:
        overridden = loaded(directory, yaml_text(content), overrides)
    except ExperimentError:
        assume(False)
    text = shown(overridden)
    same(overridden.experiment, loaded(directory, text, name="shown.yaml").experiment)
    if not any(path[-1] == "kind" for path, _ in changed):
        for path, value in changed:
            put(content, path, value)
        same(overridden.experiment, loaded(directory, yaml_text(content)).experiment)


@CHECKS
@given(sound().flatmap(changes))
def test_no_override_is_drawn_beside_one_of_a_block_that_holds_it(changed):
    told = [f"{'.'.join(path)}." for path, _ in changed]
    assert not any(i != j and a.startswith(b) for i, a in enumerate(told) for j, b in enumerate(told))


def test_a_key_beside_a_block_that_holds_it_is_not_drawn():
    block, key, other = (("model",), {"kind": "linear"}), (("model", "kind"), "mlp"), (("models",), 1)
    assert apart([key, other])
    assert apart([block, other])
    for pair in ([block, key], [key, block], [key, key], [block, other, key]):
        assert not apart(pair)


@pytest.fixture
def lrcli(monkeypatch, capsys, tmp_path):
    """The program in this process and in a directory of its own: from words to exit code and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "pause_collecting", lambda: None)
    monkeypatch.setattr(cli, "forget_for_exit", lambda: None)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["lrcli", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, capsys.readouterr()

    return run


@pytest.mark.parametrize(
    "overrides", [[], ["optimizer.kind=adam", "optimizer.lr=1e-2"], ["training.best.metric=lr"]]
)
def test_show_on_the_command_line(lrcli, tmp_path, overrides):
    text = "extends: base.yaml\ntraining: {epochs: 3}\n"
    (tmp_path / "base.yaml").write_text(
        "dataset: {kind: sine}\nmodel: {kind: sinusoid}\nloss: {kind: l1}\noptimizer: {kind: sgd}\n"
    )
    first = loaded(tmp_path, text, overrides)
    code, output = lrcli("show", "exp.yaml", *overrides)
    assert code == 0
    same(first.experiment, loaded(tmp_path, output.out, name="shown.yaml").experiment)


@pytest.mark.usefixtures("small_figures")
@pytest.mark.parametrize("kind", MADE)
def test_a_first_file_checks_and_trains(lrcli, tmp_path, kind):
    shutil.copy(TABLE, tmp_path / "data.csv")  # what the first file of a csv dataset names
    for words in (["init", "first", "--dataset", kind], ["check", "first.yaml"], ["train", "first.yaml"]):
        code, output = lrcli(*words)
        assert code == 0, output.err
    assert (tmp_path / "lrcli.schema.json").read_text(encoding="utf-8") == schema_text()
    content = read(tmp_path / "first.yaml", "first.yaml").data
    assert list(Draft7Validator(schema()).iter_errors(content)) == []


@pytest.mark.parametrize("kind", GROUPS["dataset"])
def test_a_second_init_leaves_the_first(lrcli, tmp_path, kind):
    assert lrcli("init", "first", "--dataset", kind)[0] == 0
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    code, output = lrcli("init", "first")
    assert code == 2
    assert "first.yaml" in output.err
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


# A block that is not there by default: its line, and those of its keys.
OPTIONAL = re.compile(r"^( *# *)\w+:  .*\n(?:\1  .*\n)+", re.MULTILINE)


def uncommented(text):
    """A starter whose commented-out keys are said, each at its default."""
    text = re.sub("^# extends: .*\n", "", OPTIONAL.sub("", text), flags=re.MULTILINE)
    return re.sub(r"^( *)# ( *\w+:)(?= +[^# ]|$)", r"\1\2", text, flags=re.MULTILINE)


@pytest.mark.parametrize("kind", MADE)
def test_what_a_starter_comments_out_are_the_defaults(directory, kind):
    text = starter_text(kind, "first.yaml")
    assert len(COMMENTED_OUT.findall(text)) > 15
    every = uncommented(text)
    assert not COMMENTED_OUT.search(every)
    same(loaded(directory, text).experiment, loaded(directory, every).experiment)
    assert Draft7Validator(schema()).is_valid(read(directory / "exp.yaml", "exp.yaml").data)


@pytest.mark.parametrize("kind", MADE)
def test_a_starter_explains_every_key(directory, kind):
    text = starter_text(kind, "first.yaml")
    content = loaded(directory, text).document.data
    content["model"]["init"], content["optimizer"]["schedule"] = {"kind": "default"}, {"kind": "constant"}
    explained = {*re.findall(r"^[ #]*(\w+):.* # \S", text, re.MULTILINE), *content}
    keys = {name for dotted in dotted_keys(Experiment, content) for name in dotted.split(".")}
    blocks = {"logging", "training", "kind"}  # a heading, and what is said of each kind of a choice
    assert keys | {"extends", "expect", "sweep", "early_stopping", "best", "select"} <= explained | blocks


@pytest.mark.parametrize("kind", MADE)
def test_blocks_that_a_starter_leaves_out_can_be_taken_as_they_stand(directory, kind):
    text = starter_text(kind, "first.yaml")
    blocks = [match[0] for match in OPTIONAL.finditer(text)]
    names = [re.search(r"\w+", block)[0] for block in blocks]
    assert names == [*(["split"] if kind == "csv" else []), "early_stopping", "best", "sweep", "expect"]
    for block in blocks:
        said = "".join(re.sub("^( *)# ", r"\1", line) for line in block.splitlines(keepends=True))
        assert loaded(directory, text.replace(block, said)).experiment != loaded(directory, text).experiment
