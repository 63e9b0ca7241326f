"""Completion in the shell: keys and values of the file on the line, names of components.

Where nothing is offered the shell completes file names by itself, which it does best.
"""

import contextlib
import io
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import typer

from lrcli.errors import RunDirectoryError

__all__ = [
    "answering_bash",
    "complete_dataset",
    "complete_device",
    "complete_engine",
    "complete_explained",
    "complete_file",
    "complete_group",
    "complete_name",
    "complete_run",
    "complete_sort",
    "complete_status",
    "complete_topic",
    "complete_word",
]

_BASH = "complete_bash"
_VARIABLE = "_LRCLI_COMPLETE"


def complete_file(_start: str = "") -> list[str]:
    """Nothing: the shell knows its files."""
    return []


def complete_word(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The keys and values that may follow the files and overrides of a line."""
    from lrcli.authoring.completion import complete_override

    given = context.params
    words = [*filter(None, [given.get("file")]), *(given.get("words") or given.get("overrides") or ())]
    files = [Path(word) for word in words if "=" not in str(word)]
    if not files:
        return []
    return complete_override(files[0], [str(word) for word in words if "=" in str(word)], incomplete)


def complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """Names of runs and ``last``; nothing for a path, which the shell knows."""
    from lrcli.storage.finding import run_words

    return run_words(incomplete, Path(context.params.get("runs_dir") or "runs"))


def complete_status() -> list[str]:
    """How far a run can have come."""
    from lrcli.storage.listing import STATUSES

    return list(STATUSES)


def complete_sort(context: typer.Context, incomplete: str) -> list[str]:
    """By what runs can be sorted: their metrics, age and name."""
    from lrcli.storage.listing import metric_names

    words = [word for word in ("age", "name") if word.startswith(incomplete)]
    try:
        return [*words, *metric_names(Path(context.params.get("runs_dir") or "runs"), incomplete)]
    except RunDirectoryError:
        return words


def complete_explained(context: typer.Context, incomplete: str) -> list[str]:
    """Names of runs and words of the glossary; nothing for a path, which the shell knows."""
    from lrcli.explaining.terms import all_terms

    terms = [term.name for term in all_terms() if term.name.startswith(incomplete)]
    return [*complete_run(context, incomplete), *terms]


def complete_group() -> list[str]:
    """The groups of components."""
    from lrcli.components.registry import GROUPS

    return list(GROUPS)


def complete_name() -> list[tuple[str, str]]:
    """Components, and what else can be described."""
    from lrcli.authoring.descriptions import describe
    from lrcli.authoring.topics import topic_names
    from lrcli.components.registry import GROUPS

    kinds = [(group, kind) for group, kinds in GROUPS.items() for kind in kinds]
    components = [(f"{group}.{kind}", describe(group, kind).summary) for group, kind in kinds]
    return components + [(name, "") for name in topic_names()]


def complete_dataset() -> list[str]:
    """The kinds of datasets."""
    from lrcli.components.registry import GROUPS

    return list(GROUPS["dataset"])


def complete_topic(context: typer.Context) -> list[tuple[str, str]]:
    """The topics of the documentation."""
    from lrcli.authoring.docs.contents import all_topics
    from lrcli.cli.command_reference import described_commands

    return [(topic.name, topic.summary) for topic in all_topics(*described_commands(context))]


def complete_device() -> list[str]:
    """The devices there can be."""
    return ["auto", "cpu", "cuda", "mps"]


def complete_engine() -> list[str]:
    """The engines there can be."""
    return ["auto", "compiled", "torch"]


@contextlib.contextmanager
def answering_bash() -> Iterator[None]:
    """Around the answer to bash, which takes ``key=value`` for three words and replaces the last one only.

    So the three are made one for the answer, and what stands before the last one is taken off again. With
    other shells, and without completion, nothing is done.
    """
    if os.environ.get("_LRCLI_COMPLETE") != "complete_bash":
        yield
        return
    words = os.environ.get("COMP_WORDS", "").split("\n")
    current = int(os.environ.get("COMP_CWORD", "0"))
    joined = _join(words[: current + 1])
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(joined), str(len(joined) - 1)
    begun = joined[-1][: joined[-1].rfind("=") + 1]
    answer = io.StringIO()
    try:
        with contextlib.redirect_stdout(answer):
            yield
    finally:
        for line in answer.getvalue().split():
            print(line.removeprefix(begun))  # noqa: T201


def _join(words: list[str]) -> list[str]:
    """The words with ``key``, ``=`` and ``value`` as one."""
    joined: list[str] = []
    for before, word in itertools.pairwise(["", *words]):
        if len(joined) > 1 and "=" in {before, word}:
            joined[-1] += word
        else:
            joined.append(word)
    return joined
