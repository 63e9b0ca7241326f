"""Names for a table that is written, of which the reader makes the same columns and the same classes."""

from collections.abc import Sequence
from itertools import pairwise

from lrcli.components.datasets.base import Dataset
from lrcli.components.datasets.table_columns import LARGEST, is_number
from lrcli.components.datasets.table_csv import BOOLEANS, MISSING

__all__ = ["class_words", "column_names"]


def column_names(dataset: Dataset, num_features: int) -> list[str]:
    """What the features and the target are called in the first line of a table.

    Those of the dataset, where it has some and they can be told apart; else x0, x1, ... and y.

    Args:
        dataset: whose examples are written.
        num_features: D.
    """
    if dataset.feature_names is not None:
        names = [*dataset.feature_names, dataset.axis_labels[1]]
        readable = all(name and name == name.strip() for name in names)
        if readable and len(set(names)) == len(names) and not all(map(is_number, names)):
            return names
    return [*(f"x{i}" for i in range(num_features)), "y"]


def class_words(names: Sequence[str] | None) -> list[str] | None:
    """What stands for each class in a table: its name, where all names read back to the same classes.

    Names of text are put in the order of the alphabet when they are read, numbers in their own.

    Args:
        names: of the classes; None where they have none.

    Returns:
        A text for each class; None where their numbers must do.
    """
    if names is None:
        return None
    words = list(names)
    if words == list(BOOLEANS):
        return words
    ordered = all(one < other for one, other in pairwise(words))
    plain = all(word == word.strip() and word not in MISSING for word in words)
    if ordered and plain and not any(is_number(word) or word.lower() in BOOLEANS for word in words):
        return words
    if not all(map(is_number, words)):
        return None
    numbers = [float(word) for word in words]
    sound = all(abs(number) <= LARGEST for number in numbers)
    return words if sound and all(one < other for one, other in pairwise(numbers)) else None
