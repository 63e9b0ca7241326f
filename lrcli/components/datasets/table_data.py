"""Examples made of the columns of tables: their names, their splits, and what is wrong with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets.examples import SPLITS, Array, Scaling, SplitName
from lrcli.components.datasets.table_columns import MOST_VALUES, NumberColumn, Table, TextColumn, shown
from lrcli.components.randomness import generator

__all__ = ["Part", "TableData", "feature_names_of", "table_of_numbers"]

_MOST_NAMED = 5  # classes


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of a table that may be examples of a split.

    Attributes:
        table: whose.
        rows: (N,) of the table.
    """

    table: Table
    rows: NDArray[np.intp]


def feature_names_of(columns: Mapping[str, NumberColumn | TextColumn], *, drop_first: bool) -> list[str]:
    """The names of the features: a column of numbers is one, a column of text one for each of its values."""
    names = []
    for name, column in columns.items():
        if isinstance(column, TextColumn):
            names += [f"{name}={value}" for value in column.names[drop_first:]]
        else:
            names.append(name)
    return names


@dataclass(frozen=True, eq=False)
class TableData:
    """The examples of a dataset that is read from files.

    Attributes:
        tables: by split, or the whole as ``train``; the columns of all have the same kinds and names.
        features: the columns that are features, in order.
        target: the column that is the target.
        classes: the names of the classes; None where targets are numbers.
        class_values: (C,) the numbers that are classes, ascending; None where the target is text.
        drop_first: the first value of a column of text has no feature of its own.
        counts: the examples of each split.
        by_column: the column that says the split of a row; empty where none does.
        shuffled: whether the seed says which rows each split has.
        separator: between the cells of its files, where they are CSV.
    """

    tables: Mapping[SplitName, Table]
    features: Sequence[str]
    target: str
    classes: tuple[str, ...] | None
    class_values: Array | None
    drop_first: bool
    counts: Mapping[SplitName, int]
    by_column: str
    shuffled: bool
    separator: str = ","

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The D names."""
        columns = self.tables["train"].columns
        return tuple(
            feature_names_of({name: columns[name] for name in self.features}, drop_first=self.drop_first)
        )

    @property
    def scaled(self) -> NDArray[np.bool_]:
        """(D,) the features that are numbers of a column, which may be standardised."""
        columns = [self.tables["train"].columns[name] for name in self.features]
        parts = [
            np.zeros(len(column.names[self.drop_first :]), dtype=bool)
            if isinstance(column, TextColumn)
            else np.array([not column.is_boolean])
            for column in columns
        ]
        return np.concatenate(parts)

    def part(self, seed: int, split: SplitName) -> Part:
        """The rows of a split, in the order in which they are examples."""
        if not self.shuffled and not self.by_column:
            return Part(self.tables[split], np.arange(self.tables[split].size))
        table = self.tables["train"]
        if self.by_column:
            column = table.columns[self.by_column]
            return Part(table, np.flatnonzero(_is_named(column, split)))
        order = generator(seed, "data", 0).permutation(table.size)
        first = sum(self.counts[s] for s in SPLITS[: SPLITS.index(split)])
        return Part(table, order[first : first + self.counts[split]])

    def inputs(self, part: Part) -> Array:
        """(N, D) the features of some rows, in their own units."""
        columns, drop = part.table.columns, self.drop_first
        values = np.empty((len(part.rows), len(self.feature_names)))
        index = 0
        for name in self.features:
            column = columns[name]
            if isinstance(column, NumberColumn):
                values[:, index] = column.values[part.rows]
                index += 1
                continue
            codes = column.codes[part.rows]
            for code in range(int(drop), len(column.names)):
                values[:, index] = codes == code
                index += 1
        return values

    def targets(self, part: Part) -> Array:
        """(N, 1) the targets of some rows, numbers or classes."""
        column = part.table.columns[self.target]
        if isinstance(column, TextColumn):
            return column.codes[part.rows].astype(np.float64)[:, None]
        values = column.values[part.rows][:, None]
        if self.class_values is None:
            return values
        return np.searchsorted(self.class_values, values).astype(np.float64)

    def scaling(self, part: Part) -> Scaling:
        """What standardises the features by some rows; those that are 0 or 1 stay as they are."""
        scaled = self.scaled
        mean, scale = np.zeros(len(scaled)), np.ones(len(scaled))
        numbers = [part.table.columns[name] for name in self.features]
        values = (c.values[part.rows] for c in numbers if isinstance(c, NumberColumn) and not c.is_boolean)
        for index, column in zip(np.flatnonzero(scaled).tolist(), values, strict=True):
            mean[index], scale[index] = column.mean(), column.std()
        return Scaling(mean, scale)

    def constant_features(self, part: Part) -> list[str]:
        """The columns of one and the same number in some rows, or of numbers too close for a deviation."""
        found = []
        for name in self.features:
            column = part.table.columns[name]
            if isinstance(column, NumberColumn) and len(part.rows):
                values = column.values[part.rows]
                if values.min() == values.max() or values.std() == 0:
                    found.append(name)
        return found

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What is wrong with the columns as features and target: (key, message) pairs."""
        yield from self._wrong_features()
        yield from self._wrong_target()

    def _wrong_features(self) -> Iterator[tuple[str, str]]:
        table = self.tables["train"]
        for name in self.features:
            column = table.columns[name]
            if isinstance(column, TextColumn) and len(column.names) > MOST_VALUES:
                yield (
                    "path",
                    f"column {shown(name)} holds more than {MOST_VALUES:,} different texts: names "
                    "rather than kinds; leave it out of dataset.features",
                )
            elif isinstance(column, TextColumn) and len(column.names) == 1:
                yield (
                    "path",
                    f"column {shown(name)} is {shown(column.names[0])} in every row, and so tells nothing; "
                    "leave it out of dataset.features",
                )
        rows = Part(table, np.arange(table.size)) if self.shuffled else self.part(0, "train")
        where = "every row" if self.shuffled else "every training row"
        for name in self.constant_features(rows):
            number = table.columns[name].values[rows.rows[0]]  # type: ignore[union-attr]
            yield (
                "path",
                f"column {shown(name)} is {number:g} in {where}, and so tells nothing; leave it out of "
                "dataset.features",
            )

    def _wrong_target(self) -> Iterator[tuple[str, str]]:
        table = self.tables["train"]
        column = table.columns[self.target]
        of_column = f"column {shown(self.target)}"
        if self.classes is None:
            if isinstance(column, TextColumn):
                yield (
                    "task",
                    f"regression needs numbers, and {of_column} holds text such as "
                    f"{shown(column.names[0])}; set task to classification, or choose another target",
                )
            elif column.values.min() == column.values.max():
                yield "target", f"is {column.values[0]:g} in every row: there is nothing to learn"
            return
        if len(self.classes) > MOST_VALUES or 2 * len(self.classes) > max(table.size, 4):
            yield (
                "target",
                f"{of_column} has {len(self.classes):,} different values in {table.size:,} rows, too many "
                "for classes; is it a number? Then set task to regression",
            )
            return
        if len(self.classes) == 1:
            yield "target", f"is {shown(self.classes[0])} in every row: there is nothing to tell apart"
            return
        yield from self._lonely_classes(table)

    def _lonely_classes(self, table: Table) -> Iterator[tuple[str, str]]:
        """Classes of which there is one example."""
        names = self.classes or ()
        codes = self.targets(Part(table, np.arange(table.size)))[:, 0].astype(np.intp)
        alone = np.flatnonzero(np.bincount(codes, minlength=len(names)) == 1).tolist()
        for code in alone[:_MOST_NAMED]:
            row = int(np.flatnonzero(codes == code)[0])
            yield (
                "path",
                f"{table.row_name(row)}, column {shown(self.target)}: the only example of class "
                f"{shown(names[code])}; a class needs two at least, one to learn it from and one to see "
                "whether it was learned",
            )
        if len(alone) > _MOST_NAMED:
            yield (
                "target",
                f"{len(alone)} of the {len(names)} values of column {shown(self.target)} are there once "
                "only, and so are no classes; is it a number? Then set task to regression",
            )


def table_of_numbers(count: int) -> TableData:
    """An empty table as `lrcli data` would write it: numbers in columns x0, x1, ... and y.

    Args:
        count: D, the number of features.
    """
    features = [f"x{i}" for i in range(count)]
    columns = dict.fromkeys([*features, "y"], NumberColumn(np.zeros(0)))
    table = Table(Path(), columns, 0, None, "line", 0, "", ())
    return TableData(
        {"train": table}, features, "y", None, None, False, dict.fromkeys(SPLITS, 0), "", shuffled=False
    )


def _is_named(column: NumberColumn | TextColumn, name: str) -> NDArray[np.bool_]:
    """(N,) where a column says a name."""
    if isinstance(column, NumberColumn) or name not in column.names:
        size = len(column.values if isinstance(column, NumberColumn) else column.codes)
        return np.zeros(size, dtype=bool)
    return np.asarray(column.codes == column.names.index(name))
