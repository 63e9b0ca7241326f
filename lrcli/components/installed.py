"""Components of installed packages: what their entry points name joins what lrcli has itself.

    [project.entry-points."lrcli.models"]
    exponential = "my_package.models:Exponential"

The groups are lrcli.datasets, lrcli.models, lrcli.losses and lrcli.optimizers. A component is a class as
those beside this file, with a ``kind`` of its own; what the torch engine computes is its ``torch_form``. One
that is broken is warned of, and everything else goes on.
"""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from lrcli.config.base import Config
from lrcli.wording import one_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from lrcli.components.component import Component

__all__ = ["PACKAGES", "is_foreign", "with_installed"]

_MARK = b"[lrcli."

PACKAGES: dict[type[Config], str] = {}
"""From each class that is not lrcli's own to the package that it is of, such as ``my-package 1.2``."""


def is_foreign(component: "Component") -> bool:
    """Whether the code of a component is not lrcli's own, but in a file of the user's or in a package."""
    return component.code_path is not None or type(component) in PACKAGES


class _UnfitError(Exception):
    """What an entry point names is no component."""


@dataclass(frozen=True)
class _Offer:
    """One entry point.

    Attributes:
        package: name and version of who offers it.
        entry: the entry point itself.
    """

    package: str
    entry: "EntryPoint"


def with_installed(union: Any, base: type[Config], group: str) -> Any:
    """A union of components together with those of installed packages, in the order of the packages' names.

    Args:
        union: of the classes of a family, annotated as ``AnyModel`` is.
        base: of the family.
        group: of entry points.

    Returns:
        The union itself where there are none.
    """
    classes, field = get_args(union)
    known = {_kind(row): "lrcli" for row in get_args(classes)}
    found: list[type[Config]] = []
    for offer in _offers(group):
        try:
            component = _sound(offer, base, known)
        except _UnfitError as error:
            name = one_line(f"{offer.entry.name} of {offer.package} ({offer.entry.value})")
            warnings.warn(f"{group}: {name} is left out: {one_line(error)}", stacklevel=2)
            continue
        known[_kind(component)] = PACKAGES[component] = offer.package
        found.append(component)
    return Annotated[reduce(or_, found, classes), field] if found else union


def _sound(offer: _Offer, base: type[Config], known: Mapping[str, str]) -> type[Config]:
    """What an entry point names.

    Raises:
        _UnfitError: it cannot be imported or is no component of the family.
    """
    try:
        component = offer.entry.load()
    except (Exception, SystemExit) as error:
        raise _UnfitError(f"it cannot be imported: {error!r}") from None
    if not isinstance(component, type) or not issubclass(component, base):
        raise _UnfitError(f"it is no subclass of {base.__module__}.{base.__name__}")
    kind = _kind(component)
    if not kind:
        raise _UnfitError('it has no kind; write kind: Literal["its_name"] in the class')
    if kind in known:
        raise _UnfitError(f"the kind {kind} is that of {known[kind]}")
    bare = [
        name
        for name, field in component.model_fields.items()
        if name != "kind" and field.is_required() and not field.examples
    ]
    if bare:
        raise _UnfitError(f"its key {bare[0]} needs a default, or Field(examples=[...])")
    form = "torch_form"
    if hasattr(base, form) and getattr(component, form) is getattr(base, form):
        raise _UnfitError(f"it has no {form}, which the torch engine computes")
    return component


def _kind(component: type[Config]) -> str:
    """The kind that picks a class; empty where it has none, or one that no file can say."""
    field = component.model_fields.get("kind")
    kinds = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    is_name = len(kinds) == 1 and isinstance(kinds[0], str) and kinds[0].isidentifier()
    return kinds[0] if is_name else ""


def _offers(group: str) -> Iterator[_Offer]:
    """The entry points of a group; of a package that is there twice, the one that is imported."""
    if not _any_offers():
        return  # and nothing that reads packages is imported, which takes longer than all of this
    from importlib.metadata import distributions

    packages = {each.name: each for each in reversed(list(distributions())) if each.name}
    for name in sorted(packages):
        entries = [entry for entry in packages[name].entry_points if entry.group == group]
        for entry in sorted(entries, key=lambda entry: entry.name):
            yield _Offer(f"{name} {packages[name].version}", entry)


@cache
def _any_offers() -> bool:
    """Whether any installed package offers components."""
    return any(_MARK in text for text in _texts())


def _texts() -> Iterator[bytes]:
    """The lists of entry points of all installed packages."""
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208 - a name each
        except OSError:  # none, or an archive, which holds no installed package
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                try:
                    with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:  # noqa: PTH118, PTH123
                        yield file.read()
                except OSError:
                    continue
