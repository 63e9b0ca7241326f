"""Records as CSV, some rows at a time: texts take many times the memory of numbers.

    long   run,member,configuration,seed,epoch,step,metric,value    a row for each number
    wide   run,member,<swept keys>,seed,epoch,step,<metrics>         a row for each record

Numbers are in the shortest text that reads back the same, NaN is nothing. What a metric has no value of
before training, such as a mean over an epoch's batches, has no row of its own.
"""

from collections.abc import Iterator, Sequence
from itertools import compress
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.storage.exporting.records import Records
from lrcli.storage.tables import cells, csv_text, swept_text
from lrcli.wording import one_line

__all__ = ["LONG_COLUMNS", "long_text", "records_at_a_time", "wide_columns", "wide_text"]

LONG_COLUMNS = ("run", "member", "configuration", "seed", "epoch", "step", "metric", "value")
_CELLS = 2**17  # that are text at a time


def long_text(tables: Sequence[Records]) -> Iterator[str]:
    """The long table: a header, then a row for each number, by run, member, record and metric."""
    yield ",".join(LONG_COLUMNS) + "\n"
    for table in (each for each in tables if each.metrics):  # a run that was killed has no results
        columns = (cells(table.member), cells(_shown(table.configurations)), cells(table.seed))
        run = cells([one_line(table.run)])[0]
        heads = [f"{run},{','.join(each)}," for each in zip(*columns, strict=True)]
        metrics = [f"{name}," for name in cells(_shown(table.metrics))]
        for members, records in records_at_a_time(table, _CELLS // len(metrics)):
            values = np.stack([curve[members, records] for curve in table.metrics.values()], axis=1)
            epochs, steps = table.epoch[members, records], table.step[members, records]
            starts = [
                f"{heads[member]}{epoch},{step},"
                for member, epoch, step in zip(members.tolist(), epochs.tolist(), steps.tolist(), strict=True)
            ]
            rows = map(add, (start + name for start in starts for name in metrics), cells(values.ravel()))
            none = (epochs == 0)[:, None] & np.isnan(values)
            yield "\n".join([*(compress(rows, (~none).ravel().tolist()) if none.any() else rows), ""])


def wide_text(tables: Sequence[Records]) -> Iterator[str]:
    """The wide table: a header, then a row for each record; nothing where a run has no such key or metric."""
    names = wide_columns(tables)
    yield csv_text({name: [] for name in _shown(names)})
    for table in tables:
        of_members = {
            name: np.array(cells([_text(value) for value in values]), dtype=object)
            for name, values in {**table.keys, **table.words}.items()
        }
        run = cells([one_line(table.run)])[0]
        for members, records in records_at_a_time(table, _CELLS // len(names)):
            nothing = [""] * len(members)
            columns = {
                "run": [run] * len(members),
                "member": cells(table.member[members]),
                "seed": cells(table.seed[members]),
                "epoch": cells(table.epoch[members, records]),
                "step": cells(table.step[members, records]),
            }
            columns |= {name: texts[members].tolist() for name, texts in of_members.items()}
            columns |= {name: cells(curve[members, records]) for name, curve in table.metrics.items()}
            yield csv_text({name: columns.get(name, nothing) for name in names}, with_header=False)


def wide_columns(tables: Sequence[Records]) -> list[str]:
    """The columns of the wide table: those of all tables, in the order in which they come."""
    keys, words, metrics = (
        dict.fromkeys(name for table in tables for name in getattr(table, kind))
        for kind in ("keys", "words", "metrics")
    )
    return ["run", "member", *keys, "seed", *words, "epoch", "step", *metrics]


def records_at_a_time(table: Records, count: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The member and the record of each that is there, by member and record.

    Args:
        table: of the records.
        count: how many at a time, about.
    """
    records = table.there.shape[1]
    flat = table.there.ravel()
    for first in range(0, flat.size, max(1, count)):
        found = first + np.flatnonzero(flat[first : first + max(1, count)])
        if found.size:
            members, which = np.divmod(found, records)
            yield members, which


def _text(value: Any) -> str:
    return "" if value is None else one_line(swept_text(value))


def _shown(texts: Any) -> list[str]:
    return [one_line(text) for text in texts]
