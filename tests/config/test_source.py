import time

import pytest

from lrcli.config.document import SourceLocation
from lrcli.config.source import parse, read
from lrcli.errors import ExperimentError


def mistakes(text):
    with pytest.raises(ExperimentError) as caught:
        parse(text, "file")
    return caught.value.mistakes


def heads(text):
    """The first line of each message."""
    return [message.splitlines()[0] for message in mistakes(text)]


def test_plain_data():
    document = parse("a: {b: [1, {c: x}]}\nd:\n  - 2\n", "file")
    assert document.data == {"a": {"b": [1, {"c": "x"}]}, "d": [2]}


def test_keys_are_text_as_written():
    assert parse("{1: a, true: b, 0x1F: c, ~: d}", "file").data == {
        "1": "a",
        "true": "b",
        "0x1F": "c",
        "~": "d",
    }


PLACES = """\
# a comment
dataset: {kind: linear, w: [2.0, -3.4]}
märz: &m   {größe: 1}
list:
  - one
  -   two
again: *m
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), None, (2, 1)),
        (("dataset",), (2, 1), (2, 10)),
        (("dataset", "kind"), (2, 11), (2, 17)),
        (("dataset", "w"), (2, 25), (2, 28)),
        (("dataset", "w", 1), None, (2, 34)),
        (("märz", "größe"), (3, 13), (3, 20)),
        (("list", 0), None, (5, 5)),
        (("list", 1), None, (6, 7)),
        (("again", "größe"), (3, 13), (3, 20)),  # an alias points at its anchor's text
    ],
)
def test_places(path, key, value):
    document = parse(PLACES, "file")
    at = document.values[path]
    assert (at.line, at.column) == value
    assert at.text == PLACES.splitlines()[at.line - 1]
    if key is not None:
        assert (document.keys[path].line, document.keys[path].column) == key


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_breaks(line_break):
    document = parse(line_break.join(["a: 1", "", "b: 2", ""]), "file")
    assert document.values["b",] == SourceLocation("file", 3, 4, "b: 2")


def test_place_of_what_was_not_written_is_that_of_its_mapping():
    document = parse("training:\n  {epochs: 1}\n", "file")
    assert document.location(("training", "batch_size")) == document.values["training",]
    assert document.location(("sweep", "grid")) == document.values[()]


def test_message_shows_the_line_and_a_caret():
    assert SourceLocation("exp.yaml", 12, 5, "lr:\t.nan # ?").show("must be finite") == (
        "exp.yaml:12:5: must be finite\n  12 | lr: .nan # ?\n     |     ^"
    )


def test_message_shows_the_part_of_a_long_line():
    text = "a" * 5000 + "?" + "b" * 5000
    shown, caret = SourceLocation("file", 1, 5001, text).show("no").splitlines()[1:]
    assert len(shown) < 250
    assert shown[caret.index("^")] == "?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: 1\nepochs: 2\nlr: 3\n", "file:3:1: the key lr is given twice, first on line 1"),
        ("a: {b: 1, b: 1}", "file:1:11: the key b is given twice, first on line 1"),
        ("a:\n  b: 1\n  'b': 1\n", "file:3:3: the key b is given twice, first on line 2"),
        (
            "a: {<<: {b: 1}, <<: {c: 2}}",
            "file:1:17: the key << is given twice; merge several as <<: [*a, *b]",
        ),
    ],
)
def test_duplicate_key(text, message):
    assert heads(text) == [message]


def test_every_duplicate_key_once_though_an_alias_repeats_it():
    assert heads("a: &x {k: 1, k: 2}\nb: *x\na: 3\n") == [
        "file:1:14: the key k is given twice, first on line 1",
        "file:3:1: the key a is given twice, first on line 1",
    ]


@pytest.mark.parametrize("key", ["[a, b]", "{a: b}"])
def test_key_that_is_no_word(key):
    assert heads(f"? {key}\n: 1\n") == ["file:1:3: a key must be a plain word"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !foo 1", "file:1:4: 1: the tag !foo is not known here"),
        ("a: !foo {b: 1}", "file:1:4: the tag !foo is not known here"),
        ("a: !foo [1]", "file:1:4: the tag !foo is not known here"),
        ("a: !!set {b, c}", "file:1:4: the tag !!set is not known here"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "file:1:4: the tag !!python/object/apply:os.system is not known here",
        ),
    ],
)
def test_unknown_tag_of_a_node(text, message):
    assert heads(text) == [message]


def test_collections_may_say_their_own_tag():
    assert parse("!!map {a: !!seq [1]}", "file").data == {"a": [1]}


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 2\n", "a: 1\n...\n---\n"])
def test_several_documents(text):
    (message,) = heads(text)
    assert message.endswith("holds several documents; an experiment file is one")


@pytest.mark.parametrize("text", ["---\na: 1\n", "a: 1\n...\n", "%YAML 1.2\n---\na: 1\n"])
def test_document_markers(text):
    assert parse(text, "file").data == {"a": 1}


def test_alias_bomb():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    started = time.perf_counter()
    (message,) = heads("\n".join(lines))
    assert message.endswith("expands to more than 50,000 values through its aliases")
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("text", ["a: &a [1, *a]", "a: &a {b: *a}", "a: &a {b: {<<: *a}}", "a: &a {<<: *a}"])
def test_recursive_alias(text):
    assert heads(text) == ["file:1:4: an alias that contains itself cannot be expanded"]


@pytest.mark.parametrize("text", ["[" * 10_000, "{a: " * 10_000, "- " * 10_000])
def test_deep_nesting(text):
    (message,) = heads(text)
    assert message.endswith("is nested more than 40 levels deep")


def test_deep_nesting_through_aliases():
    brackets = 30
    lines = ["- &a0 [1]"]
    lines += [f"- &a{i} {'[' * brackets}*a{i - 1}{']' * brackets}" for i in range(1, 100)]
    (message,) = heads("\n".join(lines))
    assert message.endswith("is nested more than 40 levels deep")


def test_forty_levels_are_allowed():
    assert parse("[" * 40 + "]" * 40, "file").data
    assert heads("[" * 41 + "]" * 41) == ["file:1:41: is nested more than 40 levels deep"]


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("a: {b: 1\nc: ]\n", "file:2:", "flow mapping"),
        ("a:\n\tb: 1\n", "file:2:1: ", "there is a tab, and YAML indents with spaces"),
        ("a: *nowhere\n", "file:1:4: ", "undefined alias"),
        ("a: b: c\n", "file:1:5: ", "mapping values are not allowed"),
        ('a: "\\q"\n', "file:1:", "unknown escape character"),
        ("a: 'open\n", "file:", "quoted scalar"),
        ("a: \x00\n", "file: ", "not allowed"),
        ("a: \x1b[31m\n", "file: ", "not allowed"),
        ("a: \udcff\n", "file: ", ""),
    ],
)
def test_invalid_yaml(text, place, word):
    (message,) = heads(text)
    assert message.startswith(place)
    assert "is not valid YAML: " in message
    assert word in message


@pytest.mark.parametrize(
    ("merge", "data"),
    [
        ("{<<: *a}", {"lr": 1, "eps": 2}),
        ("{lr: 9, <<: *a}", {"lr": 9, "eps": 2}),
        ("{<<: *a, lr: 9}", {"lr": 9, "eps": 2}),
        ("{<<: [*a, *b]}", {"lr": 1, "eps": 2, "beta": 4}),
        ("{<<: [*b, *a]}", {"lr": 3, "eps": 2, "beta": 4}),
        ("{<<: {lr: 7}}", {"lr": 7}),
        ("{<<: []}", {}),
        ("{'<<': 1}", {"<<": 1}),
        ("{a: <<}", {"a": "<<"}),
    ],
)
def test_merge(merge, data):
    text = f"a: &a {{lr: 1, eps: 2}}\nb: &b {{lr: 3, beta: 4}}\nc: {merge}\n"
    assert parse(text, "file").data["c"] == data


@pytest.mark.parametrize("merge", ["1", "[1]", "abc"])
def test_only_mappings_merge(merge):
    (message,) = heads(f"a: {{<<: {merge}}}")
    assert message.endswith("<< merges mappings only")


def test_merged_keys_keep_the_place_of_the_one_that_won():
    text = "a: &a {lr: 1}\nb: &b {lr: 2, eps: {min: 3}}\nc:\n  <<: [*a, *b]\n  eps: {}\n"
    document = parse(text, "file")
    assert document.data["c"] == {"lr": 1, "eps": {}}
    assert document.values["c", "lr"].line == 1
    assert document.keys["c", "eps"].line == 5
    assert document.location(("c", "eps", "min")).line == 5


def write(path, raw):
    path.write_bytes(raw)
    return path


def refusal(path):
    with pytest.raises(ExperimentError) as caught:
        read(path, "exp.yaml")
    return str(caught.value)


def test_missing_file(tmp_path):
    assert refusal(tmp_path / "none.yaml") == "exp.yaml: there is no such file"


def test_directory(tmp_path):
    assert refusal(tmp_path) == "exp.yaml: is a directory, not an experiment file"


def test_path_through_a_file(tmp_path):
    assert refusal(write(tmp_path / "file", b"a: 1") / "exp.yaml") == "exp.yaml: Not a directory"


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"# nothing\n", b"---\n", b"~\n"])
def test_empty_file(tmp_path, raw):
    assert refusal(write(tmp_path / "a", raw)).startswith("exp.yaml: is empty")


@pytest.mark.parametrize(
    ("raw", "what"), [(b"- 1\n", "a list"), (b"hello\n", "a single value"), (b"3", "a s")]
)
def test_not_a_mapping(tmp_path, raw, what):
    message = f"exp.yaml:1:1: an experiment file is a mapping of keys to values, not {what}"
    assert refusal(write(tmp_path / "a", raw)).startswith(message)


@pytest.mark.parametrize(
    ("raw", "where"), [(b"a: \xff", "byte 3 is 0xff"), ("a: é".encode("utf-16"), "byte 0 is 0xff")]
)
def test_not_utf8(tmp_path, raw, where):
    assert refusal(write(tmp_path / "a", raw)) == f"exp.yaml: is not a text file in UTF-8 ({where})"


def test_byte_order_mark(tmp_path):
    document = read(write(tmp_path / "a", b"\xef\xbb\xbfa: 1"), "exp.yaml")
    assert document.data == {"a": 1}
    assert document.keys["a",].column == 1


def test_size(tmp_path):
    assert "larger than 1 MB" in refusal(write(tmp_path / "a", b"#" * 1_000_001))
    assert read(write(tmp_path / "b", b"a: 1\n" + b"#" * 999_995), "exp.yaml").data == {"a": 1}
