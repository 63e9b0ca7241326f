"""Records as Parquet, with the columns of the CSV; polars is imported when it is needed."""

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrcli.errors import UsageError
from lrcli.storage.exporting.records import Records
from lrcli.storage.exporting.text import records_at_a_time, wide_columns
from lrcli.storage.tables import swept_text

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check_polars", "write_parquet"]


def check_polars() -> None:
    """Make sure that Parquet can be written.

    Raises:
        UsageError: polars is not there.
    """
    try:
        import polars as pl  # noqa: F401
    except ImportError:
        raise UsageError("Parquet is written by polars, which is not there: pip install polars") from None


def write_parquet(file: IO[bytes], tables: Sequence[Records], *, wide: bool) -> None:
    """Write records, long or wide; see `lrcli.storage.exporting.text`.

    A swept key is a column of numbers where all its values are numbers, else of texts.
    """
    import polars as pl

    frames = [_wide(table) if wide else _long(table) for table in tables]
    whole = pl.concat(frames, how="diagonal_relaxed")
    (whole.select(wide_columns(tables)) if wide else whole).write_parquet(file)


def _long(table: Records) -> "pl.DataFrame":
    """A row for each number."""
    import polars as pl

    members, records = _all(table)
    count = len(table.metrics)
    shape = (len(members), count)
    values = np.empty(shape)
    for number, curve in enumerate(table.metrics.values()):
        values[:, number] = curve[members, records]
    kept = ~((table.epoch[members, records] == 0)[:, None] & np.isnan(values))
    rows, metrics = np.nonzero(kept)
    members, records = members[rows], records[rows]
    return pl.DataFrame(
        {
            "run": _texts([table.run], np.zeros(len(rows), dtype=np.intp)),
            "member": table.member[members],
            "configuration": _texts(table.configurations, members),
            "seed": table.seed[members],
            "epoch": table.epoch[members, records],
            "step": table.step[members, records],
            "metric": _texts(list(table.metrics), metrics),
            "value": _numbers(values[kept]),
        }
    )


def _wide(table: Records) -> "pl.DataFrame":
    """A row for each record."""
    import polars as pl

    members, records = _all(table)
    told = {**table.keys, **table.words}
    return pl.DataFrame(
        {
            "run": _texts([table.run], np.zeros(len(members), dtype=np.intp)),
            "member": table.member[members],
            "seed": table.seed[members],
            **{name: _values(values).gather(members) for name, values in told.items()},
            "epoch": table.epoch[members, records],
            "step": table.step[members, records],
            **{name: _numbers(curve[members, records]) for name, curve in table.metrics.items()},
        }
    )


def _all(table: Records) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The member and the record of each that is there."""
    found = list(records_at_a_time(table, table.there.size))
    return found[0] if found else (np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))


def _texts(texts: Sequence[str], index: NDArray[np.intp]) -> "pl.Series":
    import polars as pl

    return pl.Series(texts, dtype=pl.String).gather(index)


def _values(values: Sequence[Any]) -> "pl.Series":
    """A column of one type, as its values have it."""
    import polars as pl

    known = [value for value in values if value is not None]
    for dtype, kinds in ((pl.Boolean, bool), (pl.Int64, int), (pl.Float64, int | float)):
        if all(
            isinstance(value, kinds) and (kinds is bool or not isinstance(value, bool)) for value in known
        ):
            return pl.Series(values, dtype=dtype if known else pl.String, strict=False)
    texts = [None if value is None else swept_text(value) for value in values]
    return pl.Series(texts, dtype=pl.String)


def _numbers(values: NDArray[np.float64]) -> "pl.Series":
    """Numbers, null in place of NaN, as an empty cell of a CSV file is read."""
    import polars as pl

    return pl.Series(values, nan_to_null=True)
