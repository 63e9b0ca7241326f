"""What every dataset says of itself, and what those that are generated have in common."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field

from lrcli.components.component import Component
from lrcli.components.datasets.examples import SPLITS, Array, Scaling, SplitName
from lrcli.components.randomness import generator

if TYPE_CHECKING:
    from lrcli.components.datasets.table_data import TableData

__all__ = ["SPLITS", "Array", "Dataset", "GeneratedDataset", "Scaling", "SplitName", "Spread", "Starter"]

_MOST = 10**12  # examples; memory ends long before
_INDEX = "0|[1-9][0-9]*"

Spread = Annotated[float, Field(ge=0)]
Starter = Mapping[str, Mapping[str, Any]]


def _as_index(key: Any) -> Any:
    """One way to write each index, so that none can be given twice."""
    if not isinstance(key, str):
        return key
    if not re.fullmatch(_INDEX, key):
        raise ValueError(f"must be the index of a training example, a number from 0, not {key[:40]!r}")
    return int(key)


class Dataset(Component):
    """Base of all datasets.

    Attributes:
        size_keys: the keys that make the examples of each split many.
        width_key: the key that makes the features many; None where their number is fixed.
        needs_files: its examples lie in files of the user, without which nothing but its keys is known of it.
        truth_known: its examples are drawn from a rule; else they were observed, and nobody knows what is
            true of them.
        drawing_numbers: the most numbers of an example that `draw` holds beside those that it returns.
        starter: what a first experiment file says beyond the keys that it must, by block: the first thing to
            try, which recovers the truth or solves the task.
    """

    size_keys: ClassVar[Mapping[SplitName, str]]
    width_key: ClassVar[str | None] = None
    needs_files: ClassVar[bool] = False
    truth_known: ClassVar[bool] = True
    drawing_numbers: ClassVar[int] = 3
    starter: ClassVar[Starter] = {"training": {"epochs": 10, "batch_size": 32}}

    @property
    def sizes(self) -> dict[SplitName, int]:
        """N, the number of examples of each split; 0 where there is none."""
        raise NotImplementedError

    @property
    def num_features(self) -> int:
        """D, the numbers that describe one example."""
        return 1

    @property
    def held_numbers(self) -> int:
        """The numbers of an example that stay in memory beside those that are drawn."""
        return 0

    @property
    def num_classes(self) -> int | None:
        """How many classes the targets name (0, 1, ...); None where targets are numbers."""
        return None

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The D names of the features; None where they have none but their numbers."""
        return None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes; None where they have none but their numbers."""
        return None

    @property
    def axis_labels(self) -> tuple[str, str]:
        """What the axes of a curve over its one feature are called, with their units where they have some."""
        return (self.feature_names or ("x",))[0], "y"

    @property
    def as_table(self) -> "TableData":
        """Its examples as rows of a table, of which it may hold none: what columns further ones must have."""
        from lrcli.components.datasets.table_data import table_of_numbers

        return table_of_numbers(self.num_features)

    @property
    def files(self) -> dict[str, str]:
        """The files that its examples are read from: from path to the SHA-256 of the content."""
        return {}

    @property
    def cure_of_open_parameters(self) -> str:
        """What to do where its columns leave parameters open, a sentence; empty where nothing is known."""
        return ""

    def scaling(self, seed: int) -> Scaling | None:
        """What the inputs of `draw` were standardised with; None where they are in their own units."""
        return None

    def notes(self, seeds: Sequence[int]) -> Iterator[str]:
        """What is allowed but may not be what the user meant, a sentence each.

        Args:
            seeds: of the run, or of all runs of a sweep.
        """
        yield from ()

    def draw(self, seed: int, split: SplitName) -> tuple[Array, Array]:
        """The examples of a split.

        Args:
            seed: of the run; the dataset's own, where it has one, takes its place.
            split: one that has examples.

        Returns:
            inputs (N, D) and targets (N, 1), numbers or classes.
        """
        raise NotImplementedError

    def rule(self, inputs: Array) -> Array | None:
        """What the targets are without noise, at any inputs.

        Args:
            inputs: (N, D), not only such as are drawn.

        Returns:
            targets (N, 1), or None where nothing is known of the rule behind the data.
        """
        return None

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        """The parameters with which a model kind is the rule behind the data, where there are any.

        Args:
            model: the model's kind.

        Returns:
            From parameter name to array in the parameter's shape (a polynomial's ``coef`` is given as
            far as it is not zero), or None.
        """
        return None

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What one field alone cannot tell: (key, message) pairs."""
        yield from ()


class GeneratedDataset(Dataset):
    """Base of all generators: examples that are drawn from a rule."""

    size_keys: ClassVar[Mapping[SplitName, str]] = {
        "train": "num_train",
        "val": "num_val",
        "test": "num_test",
    }

    num_train: int = Field(1000, ge=1, le=_MOST, description="training examples")
    num_val: int = Field(1000, ge=0, le=_MOST, description="validation examples")
    num_test: int = Field(0, ge=0, le=_MOST, description="test examples")
    seed: int | None = Field(
        None, ge=0, description="fixes the data while the run's seed moves the rest; default: the run's"
    )
    outliers: dict[Annotated[int, BeforeValidator(_as_index)], float] = Field(
        default_factory=dict,
        description="from the index of a training example to the target it gets",
        json_schema_extra={"propertyNames": {"pattern": f"^({_INDEX})$(?!\n)"}},
    )

    @property
    def sizes(self) -> dict[SplitName, int]:
        return {"train": self.num_train, "val": self.num_val, "test": self.num_test}

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        """Draw examples.

        Args:
            rng: the generator of this seed and split.
            count: N, how many.

        Returns:
            inputs (N, D) and targets (N, 1).
        """
        raise NotImplementedError

    def draw_from(self, seed: int, split: SplitName) -> tuple[Array, Array]:
        """The examples of a split but for outliers, each split with a generator of its own."""
        return self.sample(generator(seed, "data", SPLITS.index(split)), self.sizes[split])

    def draw(self, seed: int, split: SplitName) -> tuple[Array, Array]:
        inputs, targets = self.draw_from(seed if self.seed is None else self.seed, split)
        for example, target in self.outliers.items() if split == "train" else ():
            targets[example] = target
        return inputs, targets

    def mistakes(self) -> Iterator[tuple[str, str]]:
        for index in self.outliers:
            if not 0 <= index < self.num_train:
                yield "outliers", f"there is no training example {index}; there are 0 to {self.num_train - 1}"
