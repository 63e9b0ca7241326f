import pytest

from lrcli.config.dumping import annotated_yaml, in_line, yaml_text
from lrcli.config.source import parse


@pytest.mark.parametrize(
    "value",
    [
        1e-3,
        1e16,
        -0.0,
        5e-324,
        0.1,
        3,
        True,
        None,
        "",
        " x ",
        "1e-3",
        "1",
        "true",
        "null",
        "~",
        "<<",
        "no",
        "12:30",
        "a: b",
        "# no comment",
        "a # b",
        "- a",
        "{a}",
        "[a, b]",
        "it's",
        '"quoted"',
        "two\nlines",
        "ends\n",
        "\n",
        "tab\there",
        "next\x85line",
        "line\u2028separator",
        "größe 表 \U0001f600",
        "x" * 500,
        "word " * 100,
        [],
        {},
        [1.5, [2, "a"]],
        {"a": {"b": [1, {"c": "x\ny"}]}},
        {"1": 2, "a b": 3, "": 4},
    ],
)
def test_data_on_a_line_reads_back(value):
    text = in_line(value)
    assert len(text.splitlines()) <= 1
    assert parse(f"key: {text}", "text").data == {"key": value}
    assert repr(parse(f"key: {text}", "text").data["key"]) == repr(value)  # 1 is not 1.0, -0.0 is not 0.0


DATA = {
    "name": "a",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "outliers": {}},
    "model": {"init": {"kind": "zeros"}},
    "expect": {"val/loss": "<= 1"},
}


def test_lines_without_comments():
    assert annotated_yaml(DATA, {}) == (
        "name: a\n"
        "dataset:\n"
        "  kind: linear\n"
        "  w: [2.0, -3.4]\n"
        "  outliers: {}\n"
        "model:\n"
        "  init:\n"
        "    kind: zeros\n"
        "expect:\n"
        "  val/loss: <= 1\n"
    )


def test_comments_stand_below_each_other():
    comments = {("name",): "default", ("dataset", "w"): "base.yaml:3", ("model",): "override x=1"}
    lines = annotated_yaml(DATA, comments).splitlines()
    assert [line for line in lines if "#" in line] == [
        "name: a           # default",
        "  w: [2.0, -3.4]  # base.yaml:3",
        "model:            # override x=1",
    ]


def test_a_long_line_does_not_push_the_others_comments():
    data = {"a": 1, "b": "x" * 60, "c": 22}
    comments = dict.fromkeys([("a",), ("b",), ("c",)], "default")
    assert annotated_yaml(data, comments).splitlines() == [
        "a: 1   # default",
        f"b: {'x' * 60}  # default",
        "c: 22  # default",
    ]


@pytest.mark.parametrize(
    "comment",
    [
        "default",
        "override description=a # b",
        "override a='\"'",
        "a: b",
        "größe 表 \U0001f600",
        "tab\there",
        "two\nlines",
        "two\n\n  seed: 5",
        "carriage\rreturn",
        "next\x85line",
        "line\u2028separator",
        "escape\x1b[31m",
    ],
)
def test_a_comment_changes_nothing(comment):
    """Neither what is read nor the number of lines, whatever a user's word or a file's name holds."""
    text = annotated_yaml({"a": 1, "b": {"c": [2]}}, {("a",): comment, ("b", "c"): comment})
    assert parse(text, "text").data == {"a": 1, "b": {"c": [2]}}
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("dump", [yaml_text, lambda data: annotated_yaml(data, {})])
@pytest.mark.parametrize(
    "data",
    [
        DATA,
        {"sweep": {"grid": [{"a.b": {"values": [1, "x"]}}, {"c": {"range": [1.0, 2.0, 3.0]}}]}},
        {"a": "two\nlines", "b": {"1e-3": "1e-3", "null": None, "x: y": "#"}},
    ],
)
def test_the_text_reads_back(dump, data):
    assert parse(dump(data), "text").data == data
    assert list(parse(dump(data), "text").data) == list(data)
