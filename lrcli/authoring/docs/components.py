"""The components as topics, one for each group: what ``lrcli describe`` tells of each kind."""

from collections.abc import Iterator, Sequence
from functools import partial

from lrcli.authoring.descriptions import Option, describe
from lrcli.authoring.docs.content import Block, Code, Heading, Paragraph, Table, Topic, code, plain, prose
from lrcli.authoring.minimal_files import minimal_experiment
from lrcli.components.registry import GROUPS
from lrcli.config.dumping import yaml_text

__all__ = ["component_topics", "options_table", "topic_name"]

_PART = "Files and components"
_NAMES = {"init": "model-init"}  # of topics; lrcli init is a command, which has one, too
_GROUPS = {
    "dataset": "What is to be learned, drawn from a rule that is known.",
    "model": "What learns: its output for given inputs and parameters.",
    "init": "How the parameters begin; a key of the model.",
    "loss": "What is made small.",
    "optimizer": "How the parameters move.",
    "schedule": "How the rate changes over the steps; a key of the optimizer.",
}


def component_topics() -> list[Topic]:
    """A topic for each group, below one for all of them."""
    summary = "All datasets, models, losses, optimizers, schedules and initializers, a line each."
    whole = Topic("components", "Components", summary, _PART, _overview)
    return [
        whole,
        *(Topic(topic_name(group), group, _of(group), _PART, partial(_page, group)) for group in GROUPS),
    ]


def topic_name(group: str) -> str:
    """What the topic of a group is called."""
    return _NAMES.get(group, group)


def _of(group: str) -> str:
    """What a group is for, and its kinds."""
    return f"{_GROUPS.get(group, '')} {', '.join(GROUPS[group])}.".lstrip()


def _overview() -> Iterator[Block]:
    yield Paragraph(
        prose("What an experiment file can choose from, by a `kind` in the mapping of that name.")
    )
    for group, kinds in GROUPS.items():
        yield Heading(group, 2, group)
        rows = [
            (code(kind, f"{topic_name(group)}.{kind}"), prose(describe(group, kind).summary))
            for kind in kinds
        ]
        yield Table(("kind", "formula or idea"), rows)


def _page(group: str) -> Iterator[Block]:
    yield Paragraph(plain(_of(group)))
    for kind in GROUPS[group]:
        yield from _kind(group, kind)


def _kind(group: str, kind: str) -> Iterator[Block]:
    described = describe(group, kind)
    yield Heading(f"{group}.{kind}", 2, kind)
    yield Paragraph(prose(described.summary))
    yield from (Paragraph(prose(text)) for text in described.details.split("\n\n") if text)
    if described.source:
        yield Paragraph(prose(f"Source: {described.source}"))
    if described.options:
        yield options_table(described.options)
    yield Paragraph(plain("A minimal file:"))
    yield Code(yaml_text(minimal_experiment(group, kind)).rstrip("\n"), "yaml")


def options_table(options: Sequence[Option]) -> Table:
    """Keys with what they take, default, range and meaning."""
    rows = [
        (
            code(option.name),
            plain(option.type),
            plain("required") if option.required else code(option.default_text),
            plain(option.range),
            prose(option.meaning),
        )
        for option in options
    ]
    return Table(("key", "takes", "default", "range", "meaning"), rows)
