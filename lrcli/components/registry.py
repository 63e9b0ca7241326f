"""The registry of components: what `kind` may be in each block of an experiment file.

It is read off the unions in the component modules: a new component is a class, and its name in the union of
its family, or an entry point of a package, see `lrcli.components.installed`. What is computed in training has
a row in the torch engine, too; see `lrcli.engines.torch`.
"""

from typing import Any, get_args

from lrcli.components.choices import AnyDataset, AnyLoss, AnyModel, AnyOptimizer
from lrcli.components.initializers import AnyInitializer
from lrcli.components.schedules import AnySchedule
from lrcli.config.base import Config

__all__ = ["GROUPS", "kind_of", "rows"]


def rows(union: Any) -> dict[str, type[Config]]:
    """The classes of a union, by kind."""
    return {kind_of(row): row for row in get_args(get_args(union)[0])}


def kind_of(row: type[Config]) -> str:
    """The kind that picks a class."""
    (kind,) = get_args(row.model_fields["kind"].annotation)
    return str(kind)


GROUPS: dict[str, dict[str, type[Config]]] = {
    "dataset": rows(AnyDataset),
    "model": rows(AnyModel),
    "init": rows(AnyInitializer),
    "loss": rows(AnyLoss),
    "optimizer": rows(AnyOptimizer),
    "schedule": rows(AnySchedule),
}
