"""A dataset of the user's: a generator of examples in a Python file."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

import numpy as np
from pydantic import Field

from lrcli.components.datasets.base import Array, GeneratedDataset
from lrcli.components.user_code import FromFile, NamedCode

__all__ = ["DatasetCode", "PythonDataset"]


class PythonDataset(FromFile, GeneratedDataset):
    """Examples that a Python file of yours draws: sample(rng, count) gives inputs (N, D), targets (N, 1).

    The name is a class, made with args, or an object, which has a method sample; or it is that function, to
    which args are given. rng is a numpy.random.Generator of the seed and the split; draw from no other.
    Beside sample there may be rule(inputs), the targets without noise, and true_parameters(model), from names
    to arrays for a model kind that is the rule.

    Source: the user's file.
    """

    kind: Literal["python"]
    features: int = Field(1, ge=1, le=10**6, examples=[2], description="D, the numbers of one example")
    classes: int | None = Field(
        None, ge=2, le=10**6, description="how many classes the targets name, from 0 on; default: numbers"
    )

    @property
    def num_features(self) -> int:
        return self.features

    @property
    def num_classes(self) -> int | None:
        return self.classes

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        code: DatasetCode = self.code
        inputs, targets = code.sample(rng, count, self.features)
        self._refuse_classes(code, targets)
        return inputs, targets

    def _refuse_classes(self, code: "DatasetCode", targets: Array) -> None:
        if self.classes is None:
            return
        wrong = targets[(targets != np.floor(targets)) | (targets < 0) | (targets >= self.classes)]
        if len(wrong):
            raise code.code.refuse(
                f"a target is {wrong[0]:g}; classes are whole numbers from 0 to {self.classes - 1}"
            )

    def rule(self, inputs: Array) -> Array | None:
        return None if self.needs_code else self.code.rule(inputs)

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        return None if self.needs_code else self.code.true_parameters(model)

    def mistakes(self) -> Iterator[tuple[str, str]]:
        yield from super().mistakes()
        for index, target in self.outliers.items():
            if self.classes is not None and target not in range(self.classes):
                yield "outliers", f"the target of example {index} must be a class, 0 to {self.classes - 1}"


class DatasetCode:
    """What a file has made of a dataset.

    Attributes:
        code: the file, and the name in it.
    """

    def __init__(self, dataset: PythonDataset) -> None:
        """Run the file.

        Raises:
            CodeError: it cannot be run, or the name is nothing that draws.
        """
        self.code = NamedCode(dataset, "dataset")
        if self.code.is_function:
            self._object: Any = None
            self._sample: Any = partial(self.code.named, **self.code.args)
            return
        self._object = self.code.made()
        self._sample = self._part("sample")
        if not callable(self._sample):
            raise self.code.refuse("is no function, and has no method sample(rng, count)")

    def _part(self, name: str) -> Any:
        """A method of the object; None where it has none."""
        with self.code.running(f"{name} failed"):
            return getattr(self._object, name, None)

    def sample(self, rng: np.random.Generator, count: int, features: int) -> tuple[Array, Array]:
        """Examples, (N, D) and (N, 1)."""
        with self.code.running("sample failed"):
            drawn = self._sample(rng, count)
        if not isinstance(drawn, tuple | list) or len(drawn) != 2:
            raise self.code.refuse("sample must give a pair, inputs and targets")
        return self._array("inputs", drawn[0], count, features), self._array("targets", drawn[1], count, 1)

    def rule(self, inputs: Array) -> Array | None:
        """The targets without noise, (N, 1); None where it says nothing of them."""
        rule = self._part("rule")
        if rule is None:
            return None
        with self.code.running("rule failed"):
            targets = rule(inputs.copy())
        return None if targets is None else self._array("rule's targets", targets, len(inputs), 1)

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        """Those with which a model kind is the rule; None where it says nothing of them."""
        true_parameters = self._part("true_parameters")
        if true_parameters is None:
            return None
        with self.code.running("true_parameters failed"):
            true = true_parameters(model)
            found = {} if true is None else {str(k): np.array(v, np.float64) for k, v in true.items()}
            for name, values in found.items():
                if not np.all(np.isfinite(values)):
                    raise ValueError(f"{name} is not finite")
        return None if true is None else found

    def _array(self, what: str, values: Any, count: int, columns: int) -> Array:
        """Numbers as (N, columns), a copy; one column may be given as (N,)."""
        with self.code.running(f"{what} are no array of numbers"):
            given = np.asarray(values)
            if np.iscomplexobj(given):
                raise TypeError("they are complex")
            array = np.array(given, dtype=np.float64)
        array = array[:, None] if array.shape == (count,) and columns == 1 else array
        if array.shape != (count, columns):
            raise self.code.refuse(f"{what} have the shape {array.shape}; it must be {(count, columns)}")
        wrong = np.argwhere(~np.isfinite(array))
        if len(wrong):
            raise self.code.refuse(f"{what} hold {array[tuple(wrong[0])]:g}, in row {wrong[0][0]} from 0")
        return array
