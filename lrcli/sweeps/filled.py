"""The points of the grids with the values of the file for keys that another grid names."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from lrcli.config.keys import value_at
from lrcli.experiment.experiment import resolved
from lrcli.sweeps.group import Group
from lrcli.sweeps.points import Configurations, Points

__all__ = ["FilledConfigurations"]


class FilledConfigurations(Points):
    """The points of the grids with every swept key: what a point's grid does not name is its experiment's.

    Other keys, such as those that another sweep sweeps, can be had of each point likewise.

    A key that its experiment does not have, such as the momentum of another optimizer, is still missing.

    Attributes:
        own: the points as their grids name them.
    """

    def __init__(
        self, configurations: Configurations, groups: Sequence[Group], keys: Sequence[str] | None = None
    ) -> None:
        """Find what their experiments say.

        Args:
            configurations: the points as their grids name them.
            groups: the populations that train them.
            keys: of each point; None: every swept key.
        """
        self.own = configurations
        self.keys = configurations.keys if keys is None else tuple(keys)
        self._variant = np.empty(len(configurations), dtype=np.intp)
        self._filling: list[dict[str, Any]] = []
        for variant in (variant for group in groups for variant in group.variants):
            self._variant[variant.numbers] = len(self._filling)
            whole = resolved(variant.experiment)
            found = {key: value_at(whole, key) for key in self.keys}
            self._filling.append({key: value for key, value in found.items() if value is not None})

    def __len__(self) -> int:
        return len(self.own)

    def _point(self, number: int) -> dict[str, Any]:
        filled = self._filling[self._variant[number]] | self.own[number]
        return {key: filled[key] for key in self.keys if key in filled}

    @property
    def repeated(self) -> list[int]:
        """The numbers of points that are equal to earlier ones: of one grid no two are."""
        first: dict[str, int] = {}
        numbers = range(len(self) if self.own.grids > 1 else 0)
        return [i for i in numbers if first.setdefault(json.dumps(self[i], sort_keys=True), i) != i]

    def filling(self, key: str) -> list[Any]:
        """(C,) for each point the value of a key in its experiment, or None."""
        values = np.array([filling.get(key) for filling in self._filling] + [None], dtype=object)[:-1]
        return list(values[self._variant])
