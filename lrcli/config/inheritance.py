"""Inheritance: ``extends: base.yaml`` lets a file say only what it changes.

    exp.yaml  extends  base.yaml  extends  ...   ->   one Document, each location in its own file

The file that says ``extends`` wins. Mappings merge key by key; lists and scalars replace, and an empty
value takes a key that there is back to its default. A changed ``kind`` replaces its whole mapping, because
the keys of one kind mean nothing to another, and so does a swept key's specification, whose forms exclude
each other.
"""

from pathlib import Path, PurePath

from lrcli.config.base import Config
from lrcli.config.document import EXTENDS, Document, KeyPath
from lrcli.config.foreign import resembles, text_resembles
from lrcli.config.keys import blocks_at
from lrcli.config.source import parse_file, read, read_text
from lrcli.errors import ExperimentError
from lrcli.wording import one_line

__all__ = ["extended", "no_longer", "read_extended"]

MAX_CHAIN = 20


def read_extended(path: Path, origin: str, config: type[Config]) -> tuple[Document, list[str]]:
    """Read a file and every file that it extends.

    Args:
        path: the file.
        origin: how messages call it.
        config: what it must be, which tells the keys that an empty value may take back.

    Returns:
        The merged document, without the key ``extends``, and what the user should know about the
        merge, a sentence each.

    Raises:
        ExperimentError: a file that cannot be read or is no experiment, or one that extends itself.
    """
    return extended(read(path, origin), path, config)


def extended(document: Document, where: PurePath, config: type[Config]) -> tuple[Document, list[str]]:
    """Read every file that a document extends.

    Args:
        document: that of a file, or of none.
        where: the file; without one, a name in the folder that paths in it are relative to.
        config: what it must be, which tells the keys that an empty value may take back.

    Returns:
        As of `read_extended`.

    Raises:
        ExperimentError: a file that cannot be read or is no experiment, or one that extends itself.
    """
    chain, path = [document], Path(where)
    seen = [path.resolve()]
    while EXTENDS in chain[-1].data:
        path = path.parent / _base_name(chain[-1])
        fault = _fault(path, seen)
        base = None if fault else _read_base(path, config)
        if base is None:
            location = chain[-1].values[EXTENDS,]
            fault = fault or f"{path} is no experiment file; lrcli check {path} says why"
            raise ExperimentError([location.show(f"{EXTENDS}: {fault}")])
        seen.append(path.resolve())
        chain.append(base)
    merged = chain.pop()
    if not chain:
        return merged, []
    merge = _Merge(merged)
    while chain:
        child = chain.pop()
        del child.data[EXTENDS]
        merge.take_in(child, ())
        merged.values[()] = child.values[()]
        merged.files = child.files | merged.files
    merge.drop_taken_back(config)
    return merged, merge.notes


def _read_base(path: Path, config: type[Config]) -> Document | None:
    """A file that another extends; None where it was never meant for an experiment."""
    file = read_text(path, str(path))
    if not file.text.strip():
        return parse_file(file, str(path))  # which says that it is empty
    try:
        document = parse_file(file, one_line(path))
    except ExperimentError:
        if text_resembles(file.text, config):
            raise
        return None
    return document if resembles(document.data, config) else None


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


class _Merge:
    """One document that takes in its children, each changing what came before.

    Attributes:
        notes: what the user should know, a sentence each.
    """

    def __init__(self, base: Document) -> None:
        self.notes: list[str] = []
        self._base = base
        self._taken_back: set[KeyPath] = set()

    def take_in(self, child: Document, path: KeyPath) -> None:
        """Bring the mapping that a child has at a path into that of the base, data and locations."""
        base = self._base
        theirs, ours = base.at(path), child.at(path)
        for key, value in ours.items():
            here = (*path, key)
            before = theirs.get(key)
            if isinstance(before, dict) and isinstance(value, dict) and not _is_specification(here):
                if _changes_kind(before, value):
                    self.notes += _replacement(child, here, before, value)
                else:
                    base.keys[here], base.values[here] = child.keys[here], child.values[here]
                    self.take_in(child, here)
                    continue
            if value is None and before is not None:
                self._taken_back.add(here)
            base.forget(here, before)
            theirs[key] = value
            base.adopt(here, child)

    def drop_taken_back(self, config: type[Config]) -> None:
        """Take keys without a value back to their defaults.

        Only keys that the class there knows, or that a base has given where any key may stand: the others
        stay, so that whoever validates the document finds them.
        """
        self._drop(config, ())

    def _drop(self, config: type[Config], path: KeyPath) -> None:
        mapping = self._base.at(path)
        blocks = blocks_at(config, path, self._base.data)
        known = {name for block in blocks for name in block.model_fields}
        for key, value in list(mapping.items()):
            here = (*path, key)
            if isinstance(value, dict):
                self._drop(config, here)
            elif value is None and (key in known if blocks else here in self._taken_back):
                del mapping[key]
                self._base.keys.pop(here, None)
                self._base.values.pop(here, None)


def _is_specification(path: KeyPath) -> bool:
    return len(path) == 3 and path[:2] == ("sweep", "grid")


def _changes_kind(before: dict[str, object], after: dict[str, object]) -> bool:
    kind = before.get("kind")
    return "kind" in after and kind is not None and kind != after["kind"]


def _replacement(
    child: Document, path: KeyPath, before: dict[str, object], after: dict[str, object]
) -> list[str]:
    """The note about a mapping whose kind has changed, where that made any key disappear."""
    dropped = [key for key in before if key not in after]
    if not dropped:
        return []
    location = child.location((*path, "kind"))
    block = ".".join(map(str, path))
    return [
        f"{location.origin}:{location.line}: another kind replaces the whole {block}; {no_longer(dropped)}"
    ]


def no_longer(keys: list[str]) -> str:
    """What is lost with a kind, as the end of a sentence."""
    return f"its {', '.join(keys)} no longer {'applies' if len(keys) == 1 else 'apply'}"
