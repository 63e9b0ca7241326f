"""Components on the console: one line each, or everything about one."""

from typing import Any

from rich.box import HEAVY_HEAD

from lrcli.authoring.descriptions import Description, Option
from lrcli.reporting.layout import Column, print_table
from lrcli.reporting.streams import console

__all__ = ["list_lines", "print_description"]


def list_lines(descriptions: list[Description]) -> list[str]:
    """A line for each kind: its group, its name, its formula or idea."""
    names = [(*d.name.split("."), d.summary) for d in descriptions]
    return [f"{group:<11}{kind:<17}{summary}" for group, kind, summary in names]


def print_description(description: Description, heading: str, content: str) -> None:
    """Formula, keys and an example of one kind or block, on standard output.

    Args:
        description: of the kind or the block.
        heading: what the example is.
        content: the example, as YAML.
    """
    out = console()

    def show(text: str) -> None:
        out.print(text)

    show(f"{description.name}\n")
    show(description.summary)
    if description.details:
        show("\n" + description.details)
    if description.source:
        show(f"\nSource: {description.source}")
    if description.options:
        show("")
        print_table(out, _columns(description.options), HEAVY_HEAD, as_on_a_terminal=True)
    show(f"\n{heading}:\n")
    for line in content.splitlines():
        show(f"    {line}")


def _columns(options: tuple[Option, ...]) -> list[Column]:
    defaults = ["required" if option.required else _written(option.default) for option in options]
    return [
        Column("key", [option.name for option in options], right=False),
        Column("takes", [option.type for option in options], right=False, wraps=True),
        Column("default", defaults, right=False),
        Column("range", [option.range for option in options], right=False),
        Column("meaning", [option.meaning for option in options], right=False, wraps=True),
    ]


def _written(value: Any) -> str:
    """A default as it would be written in a file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(item)}" for key, item in value.items()) + "}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
