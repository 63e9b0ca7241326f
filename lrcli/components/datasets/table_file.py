"""A dataset of one's own: a table in a file.

What reads tables is imported where one is to be read, since every command imports the class.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from lrcli.components.datasets.base import SPLITS, Array, Dataset, Scaling, SplitName, Starter
from lrcli.config.base import Config
from lrcli.config.paths import DataPath
from lrcli.errors import UsageError
from lrcli.wording import counted, one_line

if TYPE_CHECKING:
    from lrcli.components.datasets.table_data import TableData
    from lrcli.components.datasets.table_gathering import Gathered

__all__ = ["CsvDataset", "TableSplit"]

_ROUNDING = 1e-9  # in the sum of shares


class TableSplit(Config):
    """Which rows are for training, which for validation, which for testing."""

    train: float = Field(0.0, ge=0, le=1, examples=[0.8], description="share of the rows, drawn by the seed")
    val: float = Field(0.0, ge=0, le=1, examples=[0.1], description="likewise, for validation")
    test: float = Field(0.0, ge=0, le=1, examples=[0.1], description="likewise, for the end")
    column: str | None = Field(
        None,
        min_length=1,
        description="in place of shares: a column that says train, val or test of each row",
    )

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of each split."""
        return self.train, self.val, self.test

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What one field alone cannot tell: (key, message) pairs."""
        total = sum(self.shares)
        if self.column is not None:
            if total:
                yield "split", "either shares or a column say it; leave out the one or the other"
        elif not math.isclose(total, 1, abs_tol=_ROUNDING):
            yield "split", f"the shares must add up to 1, and train, val and test add up to {total:.6g}"
        elif not self.train:
            yield "split", "train must have a share: without training examples nothing is learned"


@cache
def _usual() -> TableSplit:
    return TableSplit(train=0.8, val=0.1, test=0.1)


class CsvDataset(Dataset):
    """A table in a file: a row for each example, a column for the target, others for the features.

    The file is CSV in UTF-8, its first line the names of the columns; one whose name ends in .parquet is read
    as Parquet. A feature that holds text becomes a feature of 0 and 1 for each of its values, called
    colour=red. A target that holds text, or true and false, names classes; one of numbers does so where task
    says classification.

    What `lrcli data` has written is read back with path: train.csv, val_path: val.csv, target: y and
    standardize: false.

    Source: RFC 4180 for the form of CSV files.
    """

    size_keys: ClassVar[Mapping[SplitName, str]] = dict.fromkeys(SPLITS, "path")
    width_key = "features"
    drawing_numbers = 2
    needs_files = True
    truth_known = False
    starter: ClassVar[Starter] = {
        "model": {"kind": "linear"},
        "loss": {"kind": "mse"},
        "optimizer": {"kind": "sgd", "lr": 0.03},
        "training": {"epochs": 100, "batch_size": 32},
    }

    kind: Literal["csv"]
    path: DataPath = Field(
        examples=["data.csv"], description="the file, .csv or .parquet; from the folder of this one"
    )
    target: str = Field(examples=["y"], description="the column that is to be predicted")
    features: list[str] | None = Field(
        None, min_length=1, description="the columns to predict it from; default: all others"
    )
    task: Literal["regression", "classification"] | None = Field(
        None,
        description="default: classification where the target is text or true and false, else regression",
    )
    split: TableSplit | None = Field(
        None, description="default: 0.8 of the rows for training, 0.1 for validation, 0.1 for testing"
    )
    val_path: DataPath | None = Field(
        None, description="a file of its own for validation; all of path is for training then"
    )
    test_path: DataPath | None = Field(None, description="likewise, for testing")
    standardize: bool = Field(
        True,
        description="features minus their mean, over their standard deviation, both of the training rows",
    )
    drop_first: bool = Field(
        False,
        description="no feature for the first value of a column of text: the others are measured from it",
    )
    missing: Literal["refuse", "drop"] = Field(
        "refuse",
        description="rows in which a value is missing, as in an empty or blank cell: a mistake, or left out",
    )
    separator: str = Field(
        ",", min_length=1, max_length=1, description='between the cells of a CSV file: ",", ";", "\\t" or "|"'
    )
    seed: int | None = Field(
        None, ge=0, description="draws the split while the run's seed moves the rest; default: the run's"
    )

    @property
    def _own_files(self) -> bool:
        return self.val_path is not None or self.test_path is not None

    def _gathered(self) -> "Gathered":
        from lrcli.components.datasets.table_gathering import Wanted, gather

        paths = zip(SPLITS, (self.path, self.val_path, self.test_path), strict=True)
        split = self.split or _usual()
        drawn = not self._own_files and split.column is None
        return gather(
            Wanted(
                files=tuple((name, Path(path)) for name, path in paths if path is not None),
                separator=self.separator,
                target=self.target,
                features=None if self.features is None else tuple(self.features),
                task=self.task or "",
                shares=split.shares if drawn else None,
                split_column=(split.column or "") if not self._own_files else "",
                drop_first=self.drop_first,
                drop_missing=self.missing == "drop",
            )
        )

    @property
    def data(self) -> "TableData":
        """The examples.

        Raises:
            UsageError: the file is not what it was when the experiment was checked.
        """
        found = self._gathered()
        if found.data is None:
            raise UsageError(f"dataset.{': '.join(found.mistakes[0])}")
        return found.data

    @property
    def as_table(self) -> "TableData":
        return self.data

    @property
    def sizes(self) -> dict[SplitName, int]:
        return dict(self.data.counts)

    @property
    def num_features(self) -> int:
        return len(self.data.feature_names)

    @property
    def held_numbers(self) -> int:
        return len(self.data.features) + 1

    @property
    def num_classes(self) -> int | None:
        classes = self.data.classes
        return None if classes is None else len(classes)

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(map(one_line, self.data.feature_names))

    @property
    def axis_labels(self) -> tuple[str, str]:
        return self.feature_names[0], one_line(self.target)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        classes = self.data.classes
        return None if classes is None else tuple(map(one_line, classes))

    @property
    def cure_of_open_parameters(self) -> str:
        from lrcli.components.datasets.table_columns import TextColumn, shown

        columns = self.data.tables["train"].columns
        texts = [name for name in self.data.features if isinstance(columns[name], TextColumn)]
        if self.drop_first or not texts:
            return ""
        return (
            f"The features of column {shown(texts[0])} add up to 1, as does what the bias is multiplied "
            "with: with dataset.drop_first: true the others are measured from the first"
        )

    @property
    def files(self) -> dict[str, str]:
        return {str(table.path): table.sha256 for table in self.data.tables.values()}

    def _split_seed(self, seed: int) -> int:
        return seed if self.seed is None else self.seed

    def draw(self, seed: int, split: SplitName) -> tuple[Array, Array]:
        """The rows of a split, standardised where that is asked for.

        Raises:
            UsageError: a feature is the same in every training row.
        """
        data = self.data
        part = data.part(self._split_seed(seed), split)
        inputs = data.inputs(part)
        scaling = self.scaling(seed)
        if scaling is not None:
            inputs -= scaling.mean
            inputs /= scaling.scale
        return inputs, data.targets(part)

    def scaling(self, seed: int) -> Scaling | None:
        """Mean and standard deviation (that of the rows themselves, over N) of the training rows.

        Raises:
            UsageError: a feature is the same in every training row.
        """
        data = self.data
        part = data.part(self._split_seed(seed), "train")
        constant = data.constant_features(part)
        if constant:
            from lrcli.components.datasets.table_columns import shown

            raise UsageError(
                f"dataset: column {shown(constant[0])} is the same in all training rows that seed {seed} "
                "draws, and so tells nothing; leave it out of dataset.features, or give training more rows"
            )
        if not self.standardize:
            return None
        return data.scaling(part)

    def notes(self, seeds: Sequence[int]) -> Iterator[str]:
        """Rows that were left out, and rows of validation and test that training knows."""
        from lrcli.components.datasets.table_gathering import shown_file
        from lrcli.components.datasets.table_leaks import leaks

        data = self.data
        for table in data.tables.values():
            if table.left_out:
                rows = counted(table.left_out, "row")
                yield f"{shown_file(table.path)}: {rows} without a value left out (dataset.missing: drop)"
        for said in leaks(data, seeds if self.seed is None else [self.seed]):
            yield f"dataset: {said}"

    def mistakes(self) -> Iterator[tuple[str, str]]:
        unsound = list(self._unsound())
        yield from unsound or self._gathered().mistakes

    def _unsound(self) -> Iterator[tuple[str, str]]:
        """Keys that contradict each other."""
        from lrcli.components.datasets.table_columns import shown
        from lrcli.components.datasets.table_reading import is_parquet

        if self.split is not None and self._own_files:
            yield "split", "the files of path, val_path and test_path are the splits; leave it out"
        elif self.split is not None:
            yield from self.split.mistakes()
        for key, path in (("path", self.path), ("val_path", self.val_path), ("test_path", self.test_path)):
            if path is not None and "\0" in path:
                yield key, "cannot be the path of a file"
        if self.separator in {'"', "\n", "\r"} and not is_parquet(Path(self.path)):
            yield "separator", "cannot be a quote or the end of a line"
        doubles = sorted({name for name in self.features or () if (self.features or []).count(name) > 1})
        for name in doubles:
            yield "features", f"{shown(name)} is there more than once"
