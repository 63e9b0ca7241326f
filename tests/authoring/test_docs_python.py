"""What the documentation tells of a module: every public name, how it is called, what its docstring says."""

import sys
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import pytest

from lrcli.authoring.docs.content import Code, Heading, Paragraph, Table
from lrcli.authoring.docs.python import docstring_blocks, python_topic


def train(
    file, overrides=(), *, seed: "int | None" = None, runs_dir: str = "runs", quiet: bool = False
) -> "Run":
    """Train a ``file``.

    More text, with `code`,
    over two lines.

    Args:
        file: where it is: a path
            or a mapping.
        overrides: as ``KEY=VALUE``.

    Returns:
        What came out.

    Raises:
        UsageError: it is wrong.
        RunError: it failed.

    Example:
        >>> train("a.yaml")
        Run()
    """


class _Base:
    """Has what all have."""

    def shared(self, name: str) -> str:
        """Of all."""


@dataclass(frozen=True)
class Run(_Base):
    """A run.

    Attributes:
        name: its name.
    """

    name: str

    @property
    def loss(self) -> float:
        """Its last loss."""

    @cached_property
    def table(self):
        """Its metrics."""

    @classmethod
    def read(cls, path: str) -> "Run":
        """From its directory."""

    def _private(self):
        """Hidden."""


class UsageError(ValueError):
    """A user's mistake."""


@pytest.fixture
def blocks():
    module = ModuleType("made", "A module.")
    names = {"train": train, "Run": Run, "UsageError": UsageError, "VERSION": "1.0"}
    vars(module).update(names | {"__all__": list(names)})
    return list(python_topic(module).blocks)


def codes(blocks):
    return [block.lines for block in blocks if isinstance(block, Code)]


def test_every_name_has_a_heading(blocks):
    assert [(block.level, block.place) for block in blocks if isinstance(block, Heading)] == [
        (2, "train"),
        (2, "Run"),
        (3, "Run.shared"),
        (3, "Run.loss"),
        (3, "Run.table"),
        (3, "Run.read"),
        (2, "UsageError"),
        (2, "VERSION"),
    ]


def test_signatures_are_whole(blocks):
    found = codes(blocks)
    assert found[0] == (
        "train(\n    file,\n    overrides=(),\n    *,\n    seed: int | None = None,\n"
        "    runs_dir: str = 'runs',\n    quiet: bool = False,\n) -> Run"
    )
    assert "class Run(name: str)  # a _Base" in found
    assert "read(path: str) -> Run" in found
    assert "shared(name: str) -> str" in found
    assert "class UsageError  # a ValueError" in found
    assert "made.VERSION = '1.0'" in found


def test_sections_of_a_docstring():
    text, more, arguments, returned, raised, example = docstring_blocks(train)
    assert "".join(span.text for span in text.text) == "Train a file."
    assert [span.look for span in text.text] == ["plain", "code", "plain"]
    assert "".join(span.text for span in more.text) == "More text, with code, over two lines."
    assert isinstance(arguments, Table)
    assert [["".join(s.text for s in cell) for cell in row] for row in arguments.rows] == [
        ["file", "where it is: a path or a mapping."],
        ["overrides", "as KEY=VALUE."],
    ]
    assert isinstance(returned, Paragraph)
    assert "".join(span.text for span in returned.text) == "Returns: What came out."
    assert [row[0][0].text for row in raised.rows] == ["UsageError", "RunError"]
    assert example == Code('>>> train("a.yaml")\nRun()', "python")


def test_text_after_a_section_is_not_lost():
    class Odd:
        """Sum.

        Args:
            a: one.

        After.

        >>> 1 + 1
        2

        Raises:
            KeyError: never.
        """

    found = list(docstring_blocks(Odd))
    assert [type(block) for block in found] == [Paragraph, Table, Paragraph, Code, Table]
    assert found[3].lines == ">>> 1 + 1\n2"


def test_what_has_no_docstring_has_no_blocks():
    assert list(docstring_blocks(lambda: 0)) == []


def test_nothing_private_is_told(blocks):
    assert "_private" not in "".join(codes(blocks))


def test_a_builtin_without_a_signature_is_told():
    module = ModuleType("made")
    module.__all__ = ["walk"]
    module.walk = sys.modules["builtins"].dir
    assert codes(python_topic(module).blocks)[0].startswith("walk(")
