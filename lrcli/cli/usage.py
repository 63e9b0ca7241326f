"""Mistakes of the command line itself: an option or a command that there is not."""

import sys

import typer

__all__ = ["Misuse", "what_is_wrong"]

_CALLED_HERE = {"diff": "lrcli compare RUN RUN"}  # what users know by another name
# What typer raises, whose base is click's; newer versions of typer bring their own copy of click.
Misuse: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


def what_is_wrong(misuse: Exception) -> str:
    """What is wrong, and what to write instead."""
    message = str(getattr(misuse, "format_message", misuse.__str__)()).rstrip(".")
    context: typer.Context | None = getattr(misuse, "ctx", None)
    if context is None:
        return message
    for name, command in _CALLED_HERE.items():
        if message == f"No such command '{name}'":
            return f"{message}; write {command}"
    option = getattr(misuse, "option_name", "") if type(misuse).__name__ == "NoSuchOption" else ""
    takes_keys = any(parameter.name in {"words", "overrides"} for parameter in context.command.params)
    key = _key_called(option.lstrip("-").replace("-", "_")) if option and takes_keys else ""
    if key:
        return f"No such option: {option}; write {key}={_value_after(option, sys.argv)}"
    return f"{message}; see {context.command_path} --help"


def _key_called(name: str) -> str:
    """The key of an experiment file that an option's name means, or nothing."""
    from lrcli.config.keys import dotted_keys
    from lrcli.experiment.experiment import Experiment

    found = [key for key in dotted_keys(Experiment, {}) if key.rpartition(".")[2] == name or key == name]
    return min(found, key=lambda key: key.count("."), default="")


def _value_after(option: str, words: list[str]) -> str:
    """What the user gave for an option, to be shown where it belongs."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name == option:
            return value or after or "VALUE"
    return "VALUE"
