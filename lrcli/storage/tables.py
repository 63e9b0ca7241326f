"""Tables as CSV: columns of any length become lines without a Python loop over the rows."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cells", "csv_text", "swept_text", "swept_value"]


def csv_text(columns: Mapping[str, Sequence[str]], *, with_header: bool = True) -> str:
    """A CSV file, or rows of one: a header, and a line for each row.

    Args:
        columns: from name to the texts of its rows, as `cells` makes them.
        with_header: whether these are the first rows of the file.
    """
    header = io.StringIO()
    if with_header:
        csv.writer(header, lineterminator="\n").writerow(columns)
    return header.getvalue() + "\n".join([*map(",".join, zip(*columns.values(), strict=True)), ""])


def cells(values: NDArray[Any] | Sequence[Any]) -> list[str]:
    """The texts of a column: numbers in the shortest form that reads back the same, NaN as nothing."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        numbers = list(map(repr, array.tolist()))
        for number in np.flatnonzero(np.isnan(array)).tolist():
            numbers[number] = ""
        return numbers
    if array.dtype.kind in "iu":
        return list(map(repr, array.tolist()))
    texts = array.tolist()
    quoted = {text: _quoted(str(text)) for text in set(texts)}
    return [quoted[text] for text in texts]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\n\r') else text


def swept_text(value: Any) -> str:
    """A swept value as it would be written in a file."""
    return value if isinstance(value, str) else json.dumps(value)


def swept_value(text: str) -> Any:
    """The value behind a text of `swept_text`; None for no text. A string that reads as a number is one."""
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
