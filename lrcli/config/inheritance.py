"""Inheritance: ``extends: base.yaml`` lets a file say only what it changes.

    exp.yaml  extends  base.yaml  extends  ...   ->   one Document, each place in its own file

The file that says ``extends`` wins. Mappings merge key by key; lists and scalars replace, and an empty
value takes the key back to its default. A changed ``kind`` replaces its whole mapping, because the keys
of one kind mean nothing to another, and so does a swept key's specification, whose forms exclude each
other.
"""

from pathlib import Path

from lrcli.config.document import Document, KeyPath
from lrcli.config.source import read
from lrcli.errors import ExperimentError

__all__ = ["EXTENDS", "read_extended"]

EXTENDS = "extends"
MAX_CHAIN = 20


def read_extended(path: Path, origin: str) -> tuple[Document, list[str]]:
    """Read a file and every file that it extends.

    Args:
        path: the file.
        origin: how messages call it.

    Returns:
        The merged document, without the key ``extends``, and what the user should know about the
        merge, a sentence each.

    Raises:
        ExperimentError: a file that cannot be read, or one that extends itself.
    """
    document = read(path, origin)
    chain = [document]
    seen = [path.resolve()]
    while EXTENDS in chain[-1].data:
        path = path.parent / _base_name(chain[-1])
        fault = _fault(path, seen)
        if fault:
            place = chain[-1].values[EXTENDS,]
            raise ExperimentError([place.show(f"{EXTENDS}: {fault}")])
        seen.append(path.resolve())
        chain.append(read(path, str(path)))
    merged = chain.pop()
    notes: list[str] = []
    while chain:
        child = chain.pop()
        del child.data[EXTENDS]
        _merge(merged, child, (), notes)
        merged.values[()] = child.values[()]
        merged.files = child.files | merged.files
    return merged, notes


def _base_name(document: Document) -> str:
    name = document.data[EXTENDS]
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise ExperimentError([document.values[EXTENDS,].show(f"{EXTENDS}: must be the name of a file")])
    return name


def _fault(path: Path, seen: list[Path]) -> str:
    """What keeps a chain of files from going on with this one, or nothing."""
    try:
        if not path.is_file():
            return f"{path}: {'is a directory' if path.is_dir() else 'there is no such file'}"
    except OSError as error:
        return f"{path}: {error.strerror}"
    if path.resolve() in seen:
        return f"{path} leads back here and would never end"
    return "" if len(seen) < MAX_CHAIN else f"a chain of more than {MAX_CHAIN} files"


def _merge(base: Document, child: Document, path: KeyPath, notes: list[str]) -> None:
    """Bring the mapping that a child has at a path into that of its base, data and places."""
    theirs, ours = base.at(path), child.at(path)
    for key, value in list(ours.items()):
        here = (*path, key)
        before = theirs.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and not _is_specification(here):
            if _changes_kind(before, value):
                notes += _replacement(child, here, before, value)
            else:
                base.keys[here], base.values[here] = child.keys[here], child.values[here]
                _merge(base, child, here, notes)
                continue
        base.forget(here, before)
        if value is None:
            theirs.pop(key, None)
            base.keys.pop(here, None)
            base.values.pop(here, None)
            continue
        theirs[key] = ours[key] = _without_empty(value)
        base.adopt(here, child)


def _without_empty(value: object) -> object:
    """A value whose keys without a value are at their defaults."""
    if not isinstance(value, dict):
        return value
    return {key: _without_empty(inner) for key, inner in value.items() if inner is not None}


def _is_specification(path: KeyPath) -> bool:
    return len(path) == 3 and path[:2] == ("sweep", "grid")


def _changes_kind(before: dict[str, object], after: dict[str, object]) -> bool:
    return "kind" in after and before.get("kind", after["kind"]) != after["kind"]


def _replacement(
    child: Document, path: KeyPath, before: dict[str, object], after: dict[str, object]
) -> list[str]:
    """The note about a mapping whose kind has changed, where that made any key disappear."""
    dropped = [key for key in before if key not in after]
    if not dropped:
        return []
    place = child.place((*path, "kind"))
    block = ".".join(map(str, path))
    lost = ", ".join(dropped)
    return [
        f"{place.origin}:{place.line}: another kind replaces the whole {block}; its {lost} no longer apply"
    ]
