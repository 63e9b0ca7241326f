"""Tables read from Parquet files by polars, as they are.

polars is imported inside the functions: it takes a third of a second.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets.table_columns import (
    LARGEST,
    MOST_VALUES,
    TOO_LARGE,
    Cells,
    Faults,
    NumberColumn,
    Table,
    TableError,
    TextColumn,
    Words,
    shown,
)
from lrcli.config.watching import tell

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_parquet", "read_parquet_names"]


def read_parquet_names(path: Path) -> list[str]:
    """The names of a file's columns."""
    import polars as pl

    return list(pl.read_parquet_schema(path))


def read_parquet(path: Path, wanted: Sequence[str], *, drop_missing: bool, cure: str) -> Table:
    """Some columns of a file; see `lrcli.components.datasets.table_reading.read_table`."""
    import polars as pl

    size = path.stat().st_size
    frame = pl.read_parquet(path, columns=list(wanted))
    tell(path, size, size)
    faults = Faults("row")
    numbers: NDArray[np.int64] = np.arange(1, frame.height + 1, dtype=np.int64)
    absent = np.zeros(frame.height, dtype=bool)
    for name in wanted:
        none = _without_value(frame[name])
        absent |= none
        rows = numbers[none].tolist() if not drop_missing else []
        if rows:
            faults.add(name, f"no value; {cure}", Cells(rows, [""] * len(rows)))
    if drop_missing and absent.any():
        frame, numbers = frame.filter(pl.Series(~absent)), numbers[~absent]
    columns = {}
    for name in wanted:
        columns[name] = _parquet_column(name, frame.drop_in_place(name), numbers, faults)
    digest = _digest(path)
    left_out = int(absent.sum()) if drop_missing else 0
    return Table(path, columns, len(numbers), numbers, "row", left_out, digest, tuple(faults.sentences()))


def _without_value(cells: "pl.Series") -> NDArray[np.bool_]:
    """(N,) which cells of a Parquet column hold nothing: no number, or no letter as in a CSV file.

    There ``NA`` is a text as any other, since it has its own way to say that there is nothing.
    """
    import polars as pl

    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    elif _is_text(cells):
        cells = cells.cast(pl.String)
        blank = (cells.str.strip_chars() == "").fill_null(value=True)
        return np.asarray(blank.to_numpy())
    return np.asarray(cells.is_null().to_numpy())


def _is_text(cells: "pl.Series") -> bool:
    import polars as pl

    return cells.dtype in (pl.String, pl.Categorical) or isinstance(cells.dtype, pl.Enum)


def _parquet_column(
    name: str, cells: "pl.Series", numbers: NDArray[np.int64], faults: Faults
) -> NumberColumn | TextColumn:
    import polars as pl

    if cells.dtype == pl.Boolean:
        return NumberColumn(cells.fill_null(value=False).cast(pl.Float64).to_numpy(), is_boolean=True)
    if cells.dtype.is_numeric():
        values = np.array(cells.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=np.float64)
        infinite = np.isinf(values)
        for kind, wrong in (
            (" is not finite", infinite),
            (TOO_LARGE, (np.abs(values) > LARGEST) & ~infinite),
        ):
            rows = numbers[wrong].tolist()
            if rows:
                faults.add(name, kind, Cells(rows, [f"{v:g}" for v in values[wrong].tolist()]))
        return NumberColumn(values)
    if _is_text(cells):
        words = Words()
        text = cells.cast(pl.String).fill_null("")
        different = text.unique(maintain_order=True).head(2 * MOST_VALUES)
        codes = [words.code(word) for word in different.to_list()]
        return words.sorted(
            text.replace_strict(different, codes, default=0, return_dtype=pl.Int32).to_numpy()
        )
    raise TableError(f"column {shown(name)} holds {cells.dtype}, which is neither numbers nor text")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
