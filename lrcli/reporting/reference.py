"""Components on the console: one line each, or everything about one."""

from typing import Any

from rich.table import Table

from lrcli.components.descriptions import Description, Option
from lrcli.reporting.streams import console

__all__ = ["list_lines", "print_description"]


def list_lines(descriptions: list[Description]) -> list[str]:
    """A line for each kind: its group, its name, its formula or idea."""
    return [f"{d.group:<11}{d.kind:<17}{d.summary}" for d in descriptions]


def print_description(description: Description, content: str) -> None:
    """Formula, keys and a minimal file of one kind, on standard output.

    Args:
        description: the kind.
        content: the file, as YAML.
    """
    out = console()

    def show(text: str) -> None:
        out.print(text, markup=False, highlight=False)

    show(f"{description.group}.{description.kind}\n")
    show(description.summary)
    if description.details:
        show("\n" + description.details)
    show(f"\nSource: {description.source}")
    if description.options:
        show("")
        out.print(_options_table(description.options), markup=False, highlight=False)
    show("\nA minimal file:\n")
    for line in content.splitlines():
        show(f"    {line}")


def _options_table(options: tuple[Option, ...]) -> Table:
    table = Table()
    for heading in ("key", "takes", "default", "range", "meaning"):
        table.add_column(heading, no_wrap=heading == "key")
    for option in options:
        default = "required" if option.required else _written(option.default)
        table.add_row(option.name, option.type, default, option.range, option.meaning)
    return table


def _written(value: Any) -> str:
    """A default as it would be written in a file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(item)}" for key, item in value.items()) + "}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
