"""From files and what is wanted of them to examples, or to all that is wrong, read once in a process."""

import difflib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from lrcli.components.datasets.examples import SPLITS, Array, SplitName
from lrcli.components.datasets.table_columns import NumberColumn, Table, TextColumn, is_number, shown
from lrcli.components.datasets.table_data import TableData
from lrcli.components.datasets.table_reading import TableError, read_names, read_table
from lrcli.wording import counted

__all__ = ["FILE_KEYS", "Gathered", "Wanted", "gather", "shown_file"]

FILE_KEYS: Mapping[SplitName, str] = {"train": "path", "val": "val_path", "test": "test_path"}

_MOST_LISTED = 12  # names of columns in a message
_ALWAYS_KEPT = 4  # files, and datasets, that are held in memory however large they are
_MOST_BYTES = 2**28  # of more of them, such as the many small files of a sweep
_T = TypeVar("_T", "Gathered", Table)
_Mistake = tuple[str, str]


@dataclass(frozen=True)
class Wanted:
    """What a dataset wants of its files; from it the same examples are gathered.

    Attributes:
        files: from split to the path of its file; all of them in one where that is for training alone.
        separator: between the cells of a CSV file.
        target: a column.
        features: columns; None: all others.
        task: ``regression`` or ``classification``; empty: classification where the target is text or boolean.
        shares: of each split; None where a column or files say it.
        split_column: says the split of each row; empty where none does.
        drop_first: the first value of a column of text has no feature of its own.
        drop_missing: rows in which a value is missing are left out.
    """

    files: tuple[tuple[SplitName, Path], ...]
    separator: str
    target: str
    features: tuple[str, ...] | None
    task: str
    shares: tuple[float, float, float] | None
    split_column: str
    drop_first: bool
    drop_missing: bool


@dataclass(frozen=True, eq=False)
class Gathered:
    """What came of it.

    Attributes:
        data: the examples; None where something is wrong.
        mistakes: (key, message) pairs.
    """

    data: TableData | None
    mistakes: tuple[_Mistake, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Of its tables."""
        return sum(table.num_bytes for table in self.data.tables.values()) if self.data else 0


_gathered: OrderedDict[Hashable, Gathered] = OrderedDict()
_tables: OrderedDict[Hashable, Table] = OrderedDict()


def gather(wanted: Wanted) -> Gathered:
    """Read the files, unless they have been read, and make examples of them."""
    stamps = tuple(_stamp(path) for _, path in wanted.files)
    return _once(_gathered, (wanted, stamps), lambda: _gather(wanted))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes with a file's content; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def _once(kept: OrderedDict[Hashable, _T], key: Hashable, make: Callable[[], _T]) -> _T:
    """What was made for a key; of what takes much memory the oldest is let go."""
    if key not in kept:
        while len(kept) >= _ALWAYS_KEPT and sum(each.num_bytes for each in kept.values()) > _MOST_BYTES:
            kept.popitem(last=False)
        kept[key] = make()
    kept.move_to_end(key)
    return kept[key]


def _gather(wanted: Wanted) -> Gathered:
    names: dict[SplitName, list[str]] = {}
    mistakes: list[_Mistake] = []
    for split, path in wanted.files:
        try:
            names[split] = read_names(path, wanted.separator)
        except TableError as error:
            mistakes.append((FILE_KEYS[split], str(error)))
    features = [] if "train" not in names else _features(wanted, names["train"])
    for split, of_file in names.items():
        mistakes += _wrong_names(wanted, features, of_file, split)
    if mistakes:
        return Gathered(None, tuple(dict.fromkeys(mistakes)))
    columns = [*features, wanted.target, *([wanted.split_column] if wanted.split_column else [])]
    try:
        tables = {split: _read(wanted, path, columns) for split, path in wanted.files}
    except TableError as error:
        return Gathered(None, (("path", str(error)),))
    for split, table in tables.items():
        mistakes += [(FILE_KEYS[split], f"{shown_file(table.path)}, {text}") for text in table.mistakes]
        if not table.size and not table.mistakes:
            mistakes.append((FILE_KEYS[split], f"{shown_file(table.path)} has no rows below its names"))
    mistakes += [] if mistakes else _different_kinds(tables)
    if mistakes:
        return Gathered(None, tuple(mistakes))
    data, wrong = _assemble(wanted, _with_common_names(tables), features)
    return Gathered(None if wrong else data, tuple(wrong))


def _read(wanted: Wanted, path: Path, columns: Sequence[str]) -> Table:
    key = (path, _stamp(path), wanted.separator, tuple(columns), wanted.drop_missing)
    return _once(
        _tables,
        key,
        lambda: read_table(path, wanted.separator, columns, drop_missing=wanted.drop_missing),
    )


def shown_file(path: Path) -> str:
    """A file's name within a message, without its folder."""
    return shown(path.name).strip("'")


def _features(wanted: Wanted, names: Sequence[str]) -> list[str]:
    """The columns that are features."""
    if wanted.features is not None:
        return list(dict.fromkeys(wanted.features))
    others = [wanted.target, *([wanted.split_column] if wanted.split_column else [])]
    return [name for name in dict.fromkeys(names) if name not in others]


def _wrong_names(
    wanted: Wanted, features: Sequence[str], names: Sequence[str], split: SplitName
) -> Iterator[_Mistake]:
    """Columns that are not there, or twice, or have no name."""
    beside = "" if split == "train" else f" in the file of {FILE_KEYS[split]}"
    asked = [("target", wanted.target), *(("features", name) for name in features)]
    asked += [("split.column", wanted.split_column)] if wanted.split_column else []
    for key, name in asked:
        places = [i for i, other in enumerate(names, start=1) if other == name]
        if not places and name in features and not name:
            continue
        if not places:
            yield key, f"there is no column {shown(name)}{beside}{_closest(name, names)}"
        elif len(places) > 1 and name:
            where = " and ".join(map(str, places[:4]))
            yield FILE_KEYS[split], f"column {shown(name)} is there {len(places)} times, as columns {where}"
    if "" in features:
        place = names.index("") + 1 if "" in names else 0
        yield (
            FILE_KEYS[split],
            f"column {place} has no name; give it one, or list the columns to use in dataset.features "
            "(pandas writes such a column unless it is told index=False)",
        )
    if not features and split == "train":
        yield "features", f"there is none: the file's columns are {_listed(names)}"
    elif wanted.target in features and split == "train":
        yield "features", f"{shown(wanted.target)} is the target; it cannot tell itself"
    elif wanted.split_column and wanted.split_column in features and split == "train":
        yield "features", f"{shown(wanted.split_column)} says the split, and cannot be a feature"
    if split == "train" and names and all(is_number(name) for name in names):
        yield "path", "its first line holds numbers; it must name the columns, such as x0,x1,y"


def _closest(name: str, names: Sequence[str]) -> str:
    """What may have been meant, or what there is."""
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    match = match or [other for other in names if other.lower() == name.lower()]
    return f"; did you mean {shown(match[0])}?" if match else f"; there are {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(map(shown, names[:_MOST_LISTED])) + more


def _different_kinds(tables: Mapping[SplitName, Table]) -> Iterator[_Mistake]:
    """Columns of numbers in one file and of text in another."""
    train = tables["train"]
    for split, table in tables.items():
        for name, column in table.columns.items():
            if type(column) is not type(train.columns[name]):
                kinds = [
                    "text" if isinstance(c, TextColumn) else "numbers" for c in (column, train.columns[name])
                ]
                yield (
                    FILE_KEYS[split],
                    f"column {shown(name)} holds {kinds[0]} here, and {kinds[1]} in the file of path",
                )


def _with_common_names(tables: Mapping[SplitName, Table]) -> dict[SplitName, Table]:
    """The tables, of which each column of text has the same names in all."""
    if len(tables) == 1:
        return dict(tables)
    common: dict[str, list[str]] = {}
    for table in tables.values():
        for name, column in table.columns.items():
            if isinstance(column, TextColumn):
                common.setdefault(name, []).extend(column.names)
    return {
        split: replace(
            table,
            columns={
                name: _renamed(column, tuple(sorted(set(common[name]))))
                if isinstance(column, TextColumn)
                else column
                for name, column in table.columns.items()
            },
        )
        for split, table in tables.items()
    }


def _renamed(column: TextColumn, names: tuple[str, ...]) -> TextColumn:
    ranks = np.array([names.index(name) for name in column.names], dtype=np.int32)
    return TextColumn(ranks[column.codes], names)


def _assemble(
    wanted: Wanted, tables: Mapping[SplitName, Table], features: Sequence[str]
) -> tuple[TableData, list[_Mistake]]:
    """The examples, and what is wrong with them."""
    classes, values = _classes(wanted, tables)
    counts, wrong = _counts(wanted, tables)
    data = TableData(
        tables,
        features,
        wanted.target,
        classes,
        values,
        wanted.drop_first,
        counts,
        wanted.split_column,
        wanted.shares is not None,
        wanted.separator,
    )
    return data, [*wrong, *(data.mistakes() if not wrong else ())]


def _classes(
    wanted: Wanted, tables: Mapping[SplitName, Table]
) -> tuple[tuple[str, ...] | None, Array | None]:
    """The names of the classes, and the numbers that are classes."""
    column = tables["train"].columns[wanted.target]
    if isinstance(column, TextColumn):
        return (None if wanted.task == "regression" else column.names), None
    if column.is_boolean and wanted.task != "regression":
        return ("false", "true"), np.array([0.0, 1.0])
    if wanted.task != "classification":
        return None, None
    columns = [table.columns[wanted.target] for table in tables.values()]
    values = np.unique(np.concatenate([c.values for c in columns if isinstance(c, NumberColumn)]))
    names = tuple(str(int(v)) if v.is_integer() else repr(v) for v in values.tolist())
    return names, values


def _counts(wanted: Wanted, tables: Mapping[SplitName, Table]) -> tuple[dict[SplitName, int], list[_Mistake]]:
    """The examples of each split; and splits that have none, or are called otherwise."""
    if wanted.split_column:
        return _counts_of_column(wanted.split_column, tables["train"])
    if wanted.shares is None:
        return {split: tables[split].size if split in tables else 0 for split in SPLITS}, []
    size = tables["train"].size
    shares = dict(zip(SPLITS, wanted.shares, strict=True))
    counts: dict[SplitName, int] = {split: round(size * shares[split]) for split in ("val", "test")}
    counts["train"] = size - sum(counts.values())
    few = [
        ("split", f"{split} {shares[split]:g} of {counted(size, 'row')} is no row: the file has too few")
        for split in SPLITS
        if shares[split] > 0 and counts[split] < 1
    ]
    return counts, few


def _counts_of_column(name: str, table: Table) -> tuple[dict[SplitName, int], list[_Mistake]]:
    column = table.columns[name]
    words = "it must say train, val or test in each row"
    if not isinstance(column, TextColumn):
        return dict.fromkeys(SPLITS, 0), [("split.column", f"column {shown(name)} holds numbers; {words}")]
    found = np.bincount(column.codes, minlength=len(column.names)).tolist()
    counts = dict.fromkeys(SPLITS, 0) | {
        split: count for split, count in zip(column.names, found, strict=True) if split in SPLITS
    }
    wrong = [
        (
            "split.column",
            f"{table.row_name(int(np.argmax(column.codes == code)))}, column {shown(name)}: {shown(other)} "
            f"is no split; {words}",
        )
        for code, other in enumerate(column.names)
        if other not in SPLITS
    ]
    if not counts["train"]:
        wrong.append(("split.column", f"column {shown(name)} says train in no row"))
    return counts, wrong
