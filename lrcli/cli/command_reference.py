"""The commands as the documentation describes them, read off the program itself."""

import inspect
from collections.abc import Mapping
from typing import Any

import typer

from lrcli.authoring.docs.commands import Command

__all__ = ["described_commands"]

_EXAMPLES = "Examples:\n"


def described_commands(context: typer.Context) -> tuple[Command, list[Command]]:
    """The program, and its commands in the order of its help.

    Args:
        context: that of any of its commands.
    """
    root = context.find_root()
    commands: Mapping[str, Any] = getattr(root.command, "commands", {})
    return _described("", root), [
        _described(name, command.context_class(command, info_name=name, parent=root))
        for name, command in commands.items()
        if not command.hidden
    ]


def _described(name: str, context: Any) -> Command:
    command = context.command
    summary, *more = (" ".join(text.split()) for text in inspect.cleandoc(command.help or "").split("\n\n"))
    before, _, examples = (command.epilog or "").replace("\b", "").partition(_EXAMPLES)
    parameters: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            parameters[parameter.param_type_name].append((record[0], " ".join(record[1].split())))
    return Command(
        name,
        " ".join([context.command_path, *command.collect_usage_pieces(context)]),
        summary,
        [*more, *filter(None, [" ".join(before.split())])],
        parameters["argument"],
        parameters["option"],
        [line.strip() for line in examples.splitlines()],
    )
