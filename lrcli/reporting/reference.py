"""Components on the console: one line each, or everything about one."""

from rich.box import HEAVY_HEAD
from rich.console import Console

from lrcli.authoring.descriptions import Description, Option
from lrcli.reporting.layout import Column, print_table
from lrcli.reporting.streams import console, standard_output
from lrcli.reporting.text import print_text, wrapped

__all__ = ["print_description", "print_list"]

_GROUP, _KIND = 11, 19  # characters
_NARROW = 30  # a summary that has less room beside its name stands below it


def print_list(descriptions: list[Description]) -> None:
    """A line for each kind on standard output: its group, its name, its formula or idea.

    On a terminal a line that is too long is broken between words.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        for description in descriptions:
            for line in _listed(description, out):
                out.print(line, soft_wrap=True)


def _listed(description: Description, out: Console) -> list[str]:
    group, kind = description.name.split(".")
    summary = description.summary + (f" (of {description.package})" if description.package else "")
    line = f"{group:<{_GROUP}}{kind:<{_KIND}}{summary}"
    if not out.is_terminal:
        return [line]
    if out.width >= _GROUP + _KIND + _NARROW:
        return wrapped(line, out.width, " " * (_GROUP + _KIND))
    return [f"{group:<{_GROUP}}{kind}", *wrapped(f"  {summary}", out.width)]


def print_description(description: Description, heading: str, content: str) -> None:
    """Formula, keys and an example of one kind or block, on standard output.

    Args:
        description: of the kind or the block.
        heading: what the example is.
        content: the example, as YAML.
    """
    out = console()

    def show(text: str) -> None:
        print_text(out, text, as_on_a_terminal=True)

    show(f"{description.name}\n")
    show(description.summary)
    if description.details:
        show("\n" + description.details)
    if description.source:
        show(f"\nSource: {description.source}")
    if description.package:
        show(f"\nOf the installed package {description.package}.")
    if description.options:
        show("")
        print_table(out, _columns(description.options), HEAVY_HEAD, as_on_a_terminal=True)
    show(f"\n{heading}:\n")
    for line in content.splitlines():
        out.print(f"    {line}", soft_wrap=True)


def _columns(options: tuple[Option, ...]) -> list[Column]:
    defaults = ["required" if option.required else option.default_text for option in options]
    return [
        Column("key", [option.name for option in options], right=False),
        Column("takes", [option.type for option in options], right=False, wraps=True),
        Column("default", defaults, right=False),
        Column("range", [option.range for option in options], right=False),
        Column("meaning", [option.meaning for option in options], right=False, wraps=True),
    ]
