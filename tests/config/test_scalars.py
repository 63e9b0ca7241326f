import math

import pytest
import yaml

from lrcli.config.scalars import Loader, to_python
from lrcli.config.source import parse
from lrcli.errors import ExperimentError

CORE_SCHEMA = [
    ("1", 1),
    ("-7", -7),
    ("+7", 7),
    ("0", 0),
    ("017", 17),
    ("0o17", 15),
    ("0x1F", 31),
    ("1e-3", 0.001),
    ("1e3", 1000.0),
    ("1E+2", 100.0),
    ("-2.5e-1", -0.25),
    ("1.", 1.0),
    (".5", 0.5),
    ("-.5", -0.5),
    ("+1.5", 1.5),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("false", False),
    ("False", False),
    ("FALSE", False),
    ("null", None),
    ("Null", None),
    ("~", None),
    ("", None),
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("tRUE", "tRUE"),
    ("nULL", "nULL"),
    ("12:30:45", "12:30:45"),
    ("2026-01-01", "2026-01-01"),
    ("1_000", "1_000"),
    ("0b11", "0b11"),
    ("-0x1F", "-0x1F"),
    ("1,2", "1,2"),
    ("1e", "1e"),
    ("e3", "e3"),
    (".", "."),
    ("+", "+"),
    ("inf", "inf"),
    ("nan", "nan"),
    ("=", "="),
    ("cuda:0", "cuda:0"),
    ("'1'", "1"),
    ('"true"', "true"),
    ("'~'", "~"),
    ("!!str 1", "1"),
    ("!!float 1", 1.0),
    ("!!int '12'", 12),
]


@pytest.mark.parametrize(("written", "value"), CORE_SCHEMA)
def test_scalar(written, value):
    read = parse(f"key: {written}\n", "file").data["key"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("written", [".nan", ".NaN", ".NAN"])
def test_not_a_number(written):
    assert math.isnan(parse(written, "file").data)


def test_scalars_in_lists():
    assert parse("[1e-3, no, 1e3]", "file").data == [0.001, "no", 1000.0]


def test_block_text_is_text():
    assert parse("a: |\n  1e-3\nb: >\n  no\n", "file").data == {"a": "1e-3\n", "b": "no\n"}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("!!int abc", "abc: is no !!int"),
        ("!!int 1.5", "1.5: is no !!int"),
        ("!!bool yes", "yes: is no !!bool"),
        ("!!null nothing", "nothing: is no !!null"),
        ("!!float fast", "fast: is no !!float"),
        ("!!timestamp 2026-01-01", "2026-01-01: the tag !!timestamp is not known here"),
        ("!!binary aGk=", "aGk=: the tag !!binary is not known here"),
    ],
)
def test_tag_and_text_must_agree(written, message):
    with pytest.raises(ExperimentError, match=rf"^file:1:6: {message}"):
        parse(f"key: {written}", "file")


def test_number_of_very_many_digits():
    with pytest.raises(ExperimentError, match=r"^file:1:7: 9{37}\.\.\.: "):
        parse("seed: " + "9" * 5000, "file")


def test_unknown_tag():
    with pytest.raises(ValueError, match="the tag !distance is not known here"):
        to_python("!distance", "3 m")


def test_resolvers_are_private():
    assert yaml.safe_load("[1e-3, no, 017]") == ["1e-3", False, 15]
    assert yaml.load("no", yaml.SafeLoader) is False
    assert Loader.yaml_implicit_resolvers is not yaml.SafeLoader.yaml_implicit_resolvers
