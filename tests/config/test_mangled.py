"""Whatever a file holds, it loads or is refused with a message that names it: soon, and in little memory."""

import itertools
import signal
import sys
import time
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lrcli.errors import ExperimentError
from lrcli.experiment.loading import load

try:
    import resource
except ImportError:  # Windows
    resource = None

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
TEXTS = [file.read_text(encoding="utf-8") for file in sorted(EXPERIMENTS.glob("*.yaml"))]
MOST_SECONDS = 1.0
MOST_GROWTH = 200e6  # bytes
LIMIT = 1_000_000
CHECKS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # shrinking a whole file takes minutes
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
GOOD = """\
dataset: {kind: linear, w: [1], b: 1}
model: {kind: linear}
loss: {kind: mse}
optimizer: {kind: sgd}
"""


def attempt(file):
    """Load a file; what it is refused with, or nothing."""
    mistakes = []
    try:
        load(file)
    except ExperimentError as error:
        mistakes = error.mistakes or [""]
    assert all(file.name in mistake for mistake in mistakes)
    return "\n".join(mistakes)


class TooSlow(BaseException):
    """Nothing in the package takes it for an error of its own."""


@contextmanager
def stopped_after(seconds):
    """End what takes far too long, where the system can; elsewhere the clock tells afterwards."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(*_):
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def survives(file, content):
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    if seconds(file) > MOST_SECONDS:  # once may be bad luck
        assert seconds(file) <= MOST_SECONDS


def seconds(file):
    started = time.process_time()
    with stopped_after(5 * MOST_SECONDS):
        attempt(file)
    return time.process_time() - started


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("mangled") / "exp.yaml"


JUNK = [
    *"[]{},:?-&*!|>'\"%@`#~\t\n\r \x00\x85\u2028\ufeffé漢😀",
    *[
        "- ",
        ": ",
        "? ",
        "\n  ",
        "\n\t",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "%TAG ! tag:x:\n",
        "<<: ",
        "<<: *a",
        "&a ",
    ],
    *["*a", "*b", "!!str ", "!!python/name:os ", "!<x> ", "!", "|2-\n", ">+\n", "\\x", '"\\ud800"', "''"],
    *[
        "1e999999999",
        "0x" + "f" * 5000,
        "9" * 5000,
        "-.inf",
        ".nan",
        "1_0",
        "0o9",
        "-0.0",
        "1e400",
        "~",
        "null",
        "true",
    ],
    *[
        "kind",
        "linear",
        "extends: ",
        "dataset",
        "optimizer: ",
        "sweep: {grid: ",
        "values: ",
        "seed: ",
        "name: ",
        "lr: ",
    ],
]
BITS = st.sampled_from(JUNK)
GRAMMAR = st.recursive(
    st.sampled_from(
        ["a", "1", "~", "*a", "*b", "&a 1", "!x y", "'q'", '"\\n"', "", "kind", "<<", "1e9", "? ", "|"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(inner, inner), max_size=4).map(
            lambda pairs: f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"
        ),
        st.tuples(st.sampled_from(["&a ", "&b ", "!!map ", "!!seq ", "!t ", "<<: "]), inner).map("".join),
        st.lists(inner, max_size=4).map(
            lambda items: "".join(f"\n- {each}" for each in items).replace("\n", "\n  ")
        ),
        st.lists(st.tuples(inner, inner), max_size=4).map(
            lambda pairs: "".join(f"\n{key}: {value}" for key, value in pairs).replace("\n", "\n  ")
        ),
    ),
    max_leaves=20,
)
KEYS = st.sampled_from(
    ["a", "dataset", "model", "sweep", "seed", "extends", "<<", "expect", "training", "''"]
)
DOCUMENTS = st.lists(st.tuples(KEYS, GRAMMAR), max_size=6).map(
    lambda pairs: "".join(f"{key}: {value}\n" for key, value in pairs)
)


@st.composite
def mangled(draw):
    """An experiment with a few characters or lines deleted, inserted, replaced, doubled or swapped."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 6))):
        lines = draw(st.booleans())
        parts = text.splitlines(keepends=True) if lines else text
        start = draw(st.integers(0, len(parts)))
        end = min(len(parts), start + draw(st.integers(0, 4 if lines else 12)))
        before, here, after = ("".join(part) for part in (parts[:start], parts[start:end], parts[end:]))
        way = draw(st.sampled_from(["delete", "insert", "replace", "double", "swap"]))
        extra = {
            "insert": draw(BITS) + here,
            "replace": draw(BITS),
            "double": here * draw(st.integers(2, 50)),
        }
        text = here + before + after if way == "swap" else before + extra.get(way, "") + after
    return text


@CHECKS
@given(mangled())
def test_mangled_experiments(file, text):
    survives(file, text)


@CHECKS
@given(DOCUMENTS | DOCUMENTS.map(lambda text: GOOD + text) | st.lists(BITS, max_size=30).map("".join))
def test_odd_yaml(file, text):
    survives(file, text)


@CHECKS
@given(st.text(max_size=60) | st.binary(max_size=60) | st.text("abk:{}[]-, \n'\"&*!#<|>%0.9e", max_size=80))
def test_any_text_and_any_bytes(file, content):
    survives(file, content)


def fill(unit, size=LIMIT - 1000):
    """A text repeated up to a size near the largest that a file may have."""
    return unit * (size // len(unit))


def counted(form, count):
    return "".join(form.format(i=i) for i in range(count))


def bomb(width, depth, start="a0: &a0 [1, 1]\n", form="a{i}: &a{i} [{aliases}]\n"):
    lines = [form.format(i=i, aliases=", ".join([f"*a{i - 1}"] * width)) for i in range(1, depth)]
    return start + "".join(lines)


HOSTILE = {
    "brackets": fill("["),
    "braces": fill("{a: "),
    "sequences": fill("- "),
    "explicit keys": fill("? "),
    "indentation": "".join(" " * i + "a:\n" for i in range(1400)),
    "closed brackets": fill("[" * 40 + "]" * 40 + "\n"),
    "tabs": fill("\t"),
    "blank lines": fill("\n"),
    "comments": fill("#\n"),
    "long comment": fill("#"),
    "colons": fill(":"),
    "markers": fill("---\n"),
    "directives": fill("%YAML 1.2\n"),
    "escapes": 'a: "' + fill("\\n") + '"',
    "open quote": "a: '" + fill("a\n"),
    "block scalar": "a: |\n" + fill(" a\n"),
    "null characters": b"a: " + bytes(900_000),
    "long number": "seed: " + fill("1"),
    "long float": "seed: " + fill("1") + ".5",
    "number of 5000 digits": GOOD + "seed: " + "1" * 5000,
    "number of 4000 digits": GOOD + "seed: " + "1" * 4000,
    "hexadecimal": "seed: 0x" + "f" * 100_000,
    "octal": "seed: 0o" + fill("7"),
    "hexadecimal in a good file": GOOD + "seed: 0x" + "f" * 5000,
    "hexadecimal in a sweep": GOOD + f"sweep: {{grid: {{optimizer.lr: {{values: [0x{'f' * 5000}]}}}}}}",
    "huge float": GOOD + "seed: 1e999999999",
    "huge rate": GOOD.replace("sgd", "sgd, lr: " + "9" * 4000),
    "huge index": GOOD.replace("b: 1", f"b: 1, outliers: {{{'1' * 5000}: 1}}"),
    "huge device": GOOD + "device: cuda:" + "1" * 5000,
    "huge expectation": GOOD + f"expect: {{lr: '< {'1' * 100_000}'}}",
    "long expectation": GOOD + f"expect: {{lr: '{fill(' ', 900_000)}'}}",
    "long name": GOOD + "name: " + fill("a", 900_000),
    "long key": fill("a") + ": 1",
    "long explicit key": "? " + fill("a") + "\n: 1",
    "long tag": "a: !" + fill("a") + " 1",
    "long anchor": "a: &" + fill("a") + " 1",
    "many keys": counted("k{i}: 1\n", 80_000),
    "many keys like known ones": counted("dataset{i}: 1\n", 60_000),
    "many keys on a line": "{" + counted("k{i}: 1, ", 80_000) + "}",
    "many repeated keys": fill("a: 1\n"),
    "many repeated keys on a line": "{" + fill("a: 1, ") + "}",
    "many keys that are no words": "{" + fill("[a]: 1, ") + "}",
    "many items": "a: [" + fill("1,") + "]",
    "many lines of items": fill("- 1\n"),
    "many unknown tags": "a: [" + fill("!x 1,") + "]",
    "many unknown tags in lines": "a:\n" + fill("- !x 1\n"),
    "many numbers that are none": "a: [" + fill("!!int x,") + "]",
    "many anchors": "a: [" + counted("&a{i} 1, ", 80_000) + "]",
    "many aliases": "a: &a 1\nb: [" + fill("*a, ") + "]",
    "aliases of a repeated key": "a: &a {k: 1, k: 1}\nb: [" + fill("*a, ", 100_000) + "]",
    "bomb": bomb(10, 100),
    "bomb of mappings": bomb(9, 100, "a0: &a0 {b: 1}\n", "a{i}: &a{i} {{<<: [{aliases}]}}\n"),
    "bomb of a long line": "{" + bomb(10, 20).replace("\n", ", ") + "}",
    "merge of many": "a: &a {x: 1}\nb:\n  <<: [" + fill("*a, ") + "]",
    "merge of a large one": "a: &a {" + counted("k{i}: 1, ", 900) + "}\nb:\n  <<: [" + "*a, " * 100 + "]",
    "merge of what is no mapping": "b:\n  <<: [" + fill("1, ") + "]",
    "many merges": "b:\n" + fill("  <<: {}\n"),
    "merge in a chain": "a0: &a0 {k: 1}\n" + counted("b{i}: {{<<: *a0, c{i}: 1}}\n", 20_000),
    "many wrong numbers": GOOD.replace("w: [1]", "w: [" + fill("a, ", 200_000) + "]"),
    "many weights": GOOD.replace("w: [1]", "w: [" + "1, " * 90_000 + "]"),
    "many layers": GOOD.replace(
        "model: {kind: linear", "model: {kind: mlp, hidden: [" + "1, " * 90_000 + "]"
    ),
    "many outliers": GOOD.replace("b: 1", "b: 1, outliers: {" + counted("{i}: 1, ", 40_000) + "}"),
    "many wrong outliers": GOOD.replace("b: 1", "b: 1, outliers: {" + counted("x{i}: 1, ", 40_000) + "}"),
    "many expectations": GOOD + "expect:\n" + counted("  a{i}: '< 1'\n", 40_000),
    "many wrong expectations": GOOD + "expect:\n" + counted("  a{i}: 1\n", 40_000),
    "many expectations of weights": GOOD.replace("w: [1]", "w: [" + "1, " * 9000 + "]")
    + "expect:\n"
    + counted("  recovery/w[{i}]: '< 1'\n", 9000),
    "many initial values": GOOD.replace(
        "{kind: linear}",
        "{kind: linear, init: {kind: values, values: {" + counted("a{i}: 1, ", 40_000) + "}}}",
    ),
    "many swept keys": GOOD + "sweep:\n  grid:\n" + counted("    a{i}: {{values: [1]}}\n", 10_000),
    "many wrong swept keys": GOOD + "sweep:\n  grid:\n" + counted("    a{i}: {{vals: [1]}}\n", 10_000),
    "many swept values": GOOD + "sweep: {grid: {optimizer.lr: {values: [" + "1, " * 9000 + "]}}}",
    "many grids": GOOD + "sweep:\n  grid:\n" + fill("    - {optimizer.lr: {values: [1]}}\n", 100_000),
    "many seeds": GOOD
    + "sweep: {grid: {optimizer.lr: {values: [1]}}, seeds: ["
    + counted("{i}, ", 90_000)
    + "]}",
    "extends a long name": "extends: " + fill("a"),
    "extends a long path": "extends: " + fill("a/"),
    "too large": fill("a", 2 * LIMIT),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_soon_done(content, file):
    survives(file, content)


@pytest.mark.parametrize(
    "name",
    [
        *[
            "exp.yaml",
            "./exp.yaml",
            "../mangled0/exp.yaml",
            ".",
            "..",
            "/",
            "''",
            "' '",
            "none.yaml",
            "exp.yaml/",
        ],
        *[
            "exp.yaml/x",
            '"\\0"',
            '"\\n"',
            '"a\\0b"',
            "'*'",
            "'?'",
            "CON",
            "nul",
            "C:\\x",
            "//x/y",
            "~",
            "~/x",
            "file:x",
        ],
        *["1", "true", "[a]", "{a: b}", "é.yaml", '"\\ud800"', '"\\x1b[31m"', "a" * 300, "a/" * 5000, "x: y"],
    ],
)
def test_odd_names_of_bases(name, file):
    file.write_text(f"extends: {name}\n", encoding="utf-8")
    assert attempt(file)


def test_long_chains(tmp_path):
    for i, j in itertools.pairwise(range(100)):
        (tmp_path / f"{i}.yaml").write_text(f"extends: {j}.yaml\n")
    with pytest.raises(ExperimentError, match="a chain of more than 20 files"):
        load(tmp_path / "0.yaml")


def test_large_files_that_extend_each_other(tmp_path):
    for i, j in itertools.pairwise(range(5)):
        (tmp_path / f"{i}.yaml").write_text(f"extends: {j}.yaml\n" + counted("k{i}: {{a: [1, 2]}}\n", 4000))
    (tmp_path / "4.yaml").write_text(GOOD)
    taken = []
    for _ in range(2):  # once may be bad luck
        started = time.process_time()
        with pytest.raises(ExperimentError):
            load(tmp_path / "0.yaml")
        taken.append(time.process_time() - started)
    assert min(taken) < 5 * MOST_SECONDS  # beside other workers; alone a third of it


def peak():
    """The largest memory of this process so far, in bytes; None where the system does not say."""
    if resource is None:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize(
    "content",
    [HOSTILE[name] for name in ("many items", "many repeated keys", "many anchors", "bomb", "many merges")],
)
def test_memory(content, file):
    file.write_text(content, encoding="utf-8")
    before = peak()
    if before is None:
        tracemalloc.start()
    try:
        attempt(file)
        grown = tracemalloc.get_traced_memory()[1] if before is None else peak() - before
    finally:
        tracemalloc.stop()
    assert grown < MOST_GROWTH


def test_shuffled_lines(file):
    for text in TEXTS:
        lines = sorted(text.splitlines(keepends=True))
        for order in (lines, lines[::-1]):
            survives(file, "".join(order))
