"""The commands as topics, made of what the program knows of itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from lrcli.authoring.docs.content import Block, Code, Heading, Paragraph, Table, Topic, code, plain, prose

__all__ = ["Command", "command_topics"]


@dataclass(frozen=True)
class Command:
    """A command of the program.

    Attributes:
        name: after ``lrcli``; empty for the program itself.
        usage: a line such as ``lrcli show [OPTIONS] {FILE}``.
        summary: what it does, a sentence.
        text: further paragraphs.
        arguments: (how it is written, what it means) for each.
        options: likewise.
        examples: lines that work as they stand where ``experiments/`` lies.
    """

    name: str
    usage: str
    summary: str
    text: Sequence[str]
    arguments: Sequence[tuple[str, str]]
    options: Sequence[tuple[str, str]]
    examples: Sequence[str]


def command_topics(program: Command, commands: Sequence[Command]) -> list[Topic]:
    """A topic for each command, below one for all of them.

    Args:
        program: ``lrcli`` itself.
        commands: in the order in which the program names them.
    """
    part = "Commands"
    summary = "All commands, a line each; what the exit codes mean."
    whole = Topic("commands", "Commands", summary, part, partial(_overview, program, commands))
    return [
        whole,
        *(
            Topic(each.name, f"lrcli {each.name}", each.summary, part, partial(_page, each))
            for each in commands
        ),
    ]


def _overview(program: Command, commands: Sequence[Command]) -> Iterator[Block]:
    yield Paragraph(plain(program.summary))
    rows = [(code(each.name, each.name), prose(each.summary)) for each in commands]
    yield Table(("command", "what it does"), rows)
    yield from (Paragraph(prose(text)) for text in program.text)
    yield from _parameters("Options", "option", program.options)


def _page(command: Command) -> Iterator[Block]:
    yield Paragraph(prose(command.summary))
    yield Code(command.usage, "text")
    yield from (Paragraph(prose(text)) for text in command.text)
    yield from _parameters("Arguments", "argument", command.arguments)
    yield from _parameters("Options", "option", command.options)
    if command.examples:
        yield Heading("Examples", 2, "examples")
        yield Code("\n".join(command.examples), "sh")


def _parameters(title: str, name: str, parameters: Sequence[tuple[str, str]]) -> Iterator[Block]:
    if parameters:
        yield Heading(title, 2, title.lower())
        yield Table((name, "meaning"), [(code(written), prose(meaning)) for written, meaning in parameters])
