"""What Python sees, as a topic: the public names of a module, with signatures and docstrings."""

import inspect
import re
from collections.abc import Iterator, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from lrcli.authoring.docs.content import Block, Code, Heading, Paragraph, Table, Topic, code, plain, prose
from lrcli.authoring.docs.markdown import blocks_of

__all__ = ["docstring_blocks", "public_members", "python_topic"]

_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields|Examples?|Notes?):$", re.MULTILINE)
_TABLES = {"Args": "argument", "Attributes": "attribute", "Raises": "raises"}
_ENTRY = re.compile(r"^(\S[^:\n]*):[ \n](.*(?:\n(?: .*)?)*)", re.MULTILINE)
_ROOM = 70  # letters of a line of code
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def python_topic(module: ModuleType) -> Topic:
    """The public names of a module, those of its ``__all__``."""
    name = module.__name__
    summary = f"What import {name} gives: every public name, its signature and what it does."
    return Topic("python", f"Python: import {name}", summary, "Python", partial(_blocks, module))


def _blocks(module: ModuleType) -> Iterator[Block]:
    yield from docstring_blocks(module)
    for name in module.__all__:
        thing = getattr(module, name)
        yield Heading(f"{module.__name__}.{name}", 2, name)
        if inspect.isclass(thing):
            yield from _class(name, thing)
        elif callable(thing):
            yield from _callable(name, thing)
        else:
            yield Code(f"{module.__name__}.{name} = {thing!r}", "python")


def _callable(name: str, thing: Any) -> Iterator[Block]:
    yield Code(f"{name}{_signature(thing)}", "python")
    yield from docstring_blocks(thing)


def _class(name: str, thing: type) -> Iterator[Block]:
    signature = "" if issubclass(thing, BaseException) else _signature(thing)
    bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
    yield Code(f"class {name}{signature}" + f"  # a {bases}" * bool(bases), "python")
    yield from docstring_blocks(thing)
    for member, value in public_members(thing):
        yield Heading(f"{name}.{member}", 3, f"{name}.{member}")
        if callable(value):
            yield from _callable(member, value)
        else:
            yield from docstring_blocks(value)


def public_members(thing: type) -> list[tuple[str, Any]]:
    """The methods and properties that a class, or a base of it in the same package, has a docstring for."""
    package = thing.__module__.partition(".")[0]
    ours = [base for base in thing.__mro__ if base.__module__.partition(".")[0] == package]
    found: dict[str, Any] = {}
    for base in reversed(ours):
        for name, value in vars(base).items():
            bare = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            shown = inspect.isfunction(bare) or isinstance(bare, property) or hasattr(bare, "attrname")
            if shown and not name.startswith("_"):
                found[name] = bare
    return list(found.items())


def _signature(thing: Any) -> str:
    """The parameters of something that can be called, one to a line where they are many."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return "(...)"
    returned = inspect.Signature.empty if inspect.isclass(thing) else _as_read(signature.return_annotation)
    kept = [
        each.replace(annotation=_as_read(each.annotation))
        for each in signature.parameters.values()
        if each.name not in {"self", "cls"}
    ]
    signature = signature.replace(parameters=kept, return_annotation=returned)
    text = _ADDRESS.sub("", str(signature))
    return text if len(text) <= _ROOM else _in_lines(signature)


class _Written(str):
    """An annotation that is written as a string, shown without its quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _as_read(annotation: Any) -> Any:
    return _Written(annotation) if isinstance(annotation, str) else annotation


def _in_lines(signature: inspect.Signature) -> str:
    """A signature with a line for each parameter."""
    named_from = next((p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY), None)
    lines = ["("]
    for each in signature.parameters.values():
        lines += ["    *,"] if each is named_from else []
        lines.append(f"    {_ADDRESS.sub('', str(each))},")
    returned = signature.return_annotation
    said = "" if returned is inspect.Signature.empty else f" -> {inspect.formatannotation(returned)}"
    return "\n".join([*lines, f"){said}"])


def docstring_blocks(thing: Any) -> Iterator[Block]:
    """A docstring in Google's style: its text is Markdown, its sections are tables or paragraphs."""
    text, *parts = _SECTION.split(inspect.getdoc(thing) or "")
    yield from _markdown(text)
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        # What is indented belongs to the section; text may go on after it.
        inside = re.match(r"\n*((?:(?:[ ].*)?(?:\n|\Z))*)", body)
        length = inside.end() if inside else 0
        yield from _section(title, inspect.cleandoc(body[:length]))
        yield from _markdown(body[length:])


def _section(title: str, body: str) -> Iterator[Block]:
    if title in _TABLES:
        rows = [(code(name), prose(" ".join(meaning.split()))) for name, meaning in _ENTRY.findall(body)]
        yield Table((_TABLES[title], "meaning"), rows)
    elif title.startswith("Example"):
        yield from _markdown(body) if ">>>" in body or "```" in body else [Code(body, "python")]
    else:
        yield Paragraph((*plain(f"{title}: "), *prose(" ".join(body.split()))))


def _markdown(text: str) -> Sequence[Block]:
    """Markdown, in which an example of the interpreter is code and not a quotation in a quotation."""
    found: list[Block] = []
    for paragraph in re.split(r"\n\s*\n(?=\S)", text.strip("\n")):
        is_session = paragraph.startswith(">>> ")
        found += [Code(paragraph, "python")] if is_session else blocks_of(paragraph)
    return found
