"""Images and their classes from files in the format of MNIST."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrcli.components.datasets.base import Array, Dataset, SplitName, Starter
from lrcli.components.datasets.idx_reading import Numbers, digest_of, forget_changed, read_idx
from lrcli.components.randomness import generator
from lrcli.config.paths import DataPath
from lrcli.errors import UsageError
from lrcli.wording import counted

__all__ = ["IdxDataset"]

_BYTE = 255.0
_MOST_CLASSES = 1000
_TOGETHER = 2**20  # numbers that are looked at, or converted, at a time


class IdxDataset(Dataset):
    """Images and their classes, read from files in the format of MNIST, packed with gzip or not.

    An image of R x C pixels has R * C features, row by row. The validation examples are put aside at random
    from the training files; those that are left, and those put aside, keep the order of the file. A path may
    have .gz where the file has not, and the other way round.

    Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits.
    """

    needs_files = True
    truth_known = False
    width_key = "images"
    drawing_numbers = 1
    size_keys: ClassVar[dict[SplitName, str]] = {"train": "images", "val": "num_val", "test": "test_images"}
    starter: ClassVar[Starter] = {
        "dataset": {
            "test_images": "mnist/t10k-images-idx3-ubyte.gz",
            "test_labels": "mnist/t10k-labels-idx1-ubyte.gz",
            "num_val": 5000,
            "seed": 0,
        },
        "model": {"kind": "mlp", "hidden": [32, 16]},
        "loss": {"kind": "cross_entropy"},
        "optimizer": {"kind": "adam", "lr": 0.001},
        "training": {"epochs": 10, "batch_size": 64},
    }

    kind: Literal["idx"]
    images: DataPath = Field(
        examples=["mnist/train-images-idx3-ubyte.gz"],
        description="file of the training images; its path from this file",
    )
    labels: DataPath = Field(
        examples=["mnist/train-labels-idx1-ubyte.gz"],
        description="file of their classes, 0, 1, ...",
    )
    test_images: DataPath | None = Field(None, description="file of the test images; default: no test")
    test_labels: DataPath | None = Field(None, description="file of their classes")
    num_train: int | None = Field(
        None, ge=1, description="training examples; default: all that are not put aside"
    )
    num_val: int = Field(
        0, ge=0, description="examples of the training files that are put aside for validation"
    )
    seed: int | None = Field(
        None, ge=0, description="fixes which are put aside while the run's seed moves the rest"
    )
    scale: float | None = Field(
        None, gt=0, description="what pixels are divided by; default: 255 where they are bytes, else 1"
    )

    @property
    def sizes(self) -> dict[SplitName, int]:
        left = len(read_idx(self.labels)) - self.num_val
        test = 0 if self.test_labels is None else len(read_idx(self.test_labels))
        return {"train": self.num_train or left, "val": self.num_val, "test": test}

    @property
    def num_features(self) -> int:
        return int(np.prod(read_idx(self.images).shape[1:]))

    @property
    def num_classes(self) -> int:
        return int(read_idx(self.labels).max()) + 1

    @property
    def files(self) -> dict[str, str]:
        paths = (self.images, self.labels, self.test_images, self.test_labels)
        return dict(found for path in paths if path is not None and (found := digest_of(path)) is not None)

    def draw(self, seed: int, split: SplitName) -> tuple[Array, Array]:
        images, labels = self._files(split)
        rows = np.arange(len(labels)) if split == "test" else self._chosen(seed, split)
        inputs = np.empty((len(rows), images[0].size))
        divisor = self.scale or (_BYTE if images.dtype == np.uint8 else 1.0)
        step = max(1, _TOGETHER // images[0].size)
        for first in range(0, len(rows), step):
            some = images[rows[first : first + step]]
            np.divide(some.reshape(len(some), -1), divisor, out=inputs[first : first + step])
        return inputs, labels[rows, None].astype(np.float64)

    def _files(self, split: SplitName) -> tuple[Numbers, Numbers]:
        """Images and labels of the files that a split is from."""
        if split == "test" and self.test_images is not None and self.test_labels is not None:
            return read_idx(self.test_images), read_idx(self.test_labels)
        return read_idx(self.images), read_idx(self.labels)

    def _chosen(self, seed: int, split: SplitName) -> NDArray[np.intp]:
        """Which examples of the training files a split has, in the files' order.

        The validation examples are the same however many there are in training.
        """
        rng = generator(seed if self.seed is None else self.seed, "data", 0)
        order = rng.permutation(len(read_idx(self.labels)))
        first = 0 if split == "val" else self.num_val
        return np.sort(order[first : first + self.sizes[split]])

    def mistakes(self) -> Iterator[tuple[str, str]]:
        wrong = list(self._unreadable())
        if not wrong:
            wrong += _of_pair(("images", "labels"), *self._files("train"))
        if not wrong and self.test_labels is not None:
            wrong += _of_pair(("test_images", "test_labels"), *self._files("test"))
        yield from wrong or (*self._sizes_that_disagree(), *self._counts())

    def notes(self, seeds: Sequence[int]) -> Iterator[str]:
        largest = self.num_classes - 1
        missing = sorted(set(range(largest)) - set(np.unique(read_idx(self.labels)).tolist()))
        if missing:
            some = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
            yield (
                f"dataset.labels: the largest label is {largest}, so there are {largest + 1} classes, 0 to "
                f"{largest}, of which no example has {some}; the model has an output for each of them, too. "
                "If they are no classes, number the labels 0, 1, 2 and so on"
            )

    def _unreadable(self) -> Iterator[tuple[str, str]]:
        """What is wrong with each file by itself, and with a half of a pair."""
        for key in ("images", "labels", "test_images", "test_labels"):
            path = getattr(self, key)
            if path is None:
                continue
            forget_changed(path)
            try:
                read_idx(path)
            except UsageError as error:
                yield key, str(error)
        if self.test_images is None and self.test_labels is not None:
            yield "test_labels", "needs test_images, the images that they are of"
        if self.test_labels is None and self.test_images is not None:
            yield "test_images", "needs test_labels, their classes"

    def _sizes_that_disagree(self) -> Iterator[tuple[str, str]]:
        """What does not fit between training and test."""
        if self.test_images is None or self.test_labels is None:
            return
        shape, of_training = read_idx(self.test_images).shape[1:], read_idx(self.images).shape[1:]
        if shape != of_training:
            yield (
                "test_images",
                f"has images of {_by(shape)}, and those of training are of {_by(of_training)}",
            )
        largest = int(read_idx(self.test_labels).max())
        if largest >= self.num_classes:
            yield (
                "test_labels",
                f"has class {largest}, and the classes of training are 0 to {self.num_classes - 1}",
            )

    def _counts(self) -> Iterator[tuple[str, str]]:
        there = len(read_idx(self.labels))
        if self.num_val >= there:
            yield "num_val", f"leaves nothing to train on: the files hold {counted(there, 'example')}"
        elif self.num_train is not None and self.num_train > there - self.num_val:
            yield (
                "num_train",
                f"is more than there are: {there:,} in the files, less {self.num_val:,} of num_val, "
                f"are {there - self.num_val:,}",
            )


def _of_pair(keys: tuple[str, str], images: Numbers, labels: Numbers) -> Iterator[tuple[str, str]]:
    """What is wrong with images and their labels, by their keys."""
    of_images, of_labels = keys
    if images.ndim < 2:
        yield of_images, f"holds single numbers, not images{_swapped(labels.ndim >= 2)}"
    elif not images.size:
        yield of_images, f"holds no pixels: its sizes are {_by(images.shape)}"
    elif not _finite(images):
        yield of_images, "holds numbers that are not finite"
    if labels.ndim != 1:
        yield of_labels, f"holds images, not labels{_swapped(images.ndim == 1)}"
    elif images.size and len(labels) != len(images):
        yield of_labels, f"has {counted(len(labels), 'label')} for {counted(len(images), 'image')}"
    elif images.size:
        yield from ((of_labels, message) for message in _of_classes(labels, of_labels == "labels"))


def _of_classes(labels: Numbers, training: bool) -> Iterator[str]:
    whole = np.isfinite(labels) & (labels >= 0) & (labels == np.floor(labels))
    if not whole.all():
        example = int(np.argmin(whole))
        yield f"label {example} is {labels[example]:g}; classes are 0, 1, 2, ..."
    elif labels.max() >= _MOST_CLASSES:
        yield f"its largest label is {labels.max():,.0f}; classes are 0, 1, 2, ..., below {_MOST_CLASSES:,}"
    elif training and labels.max() == 0:
        yield "all its labels are 0: there is nothing to tell apart"


def _swapped(likely: bool) -> str:
    return "; are images and labels swapped?" if likely else ""


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in sizes)


def _finite(images: Numbers) -> bool:
    if images.dtype.kind != "f":
        return True
    flat = images.reshape(-1)
    return all(np.isfinite(flat[at : at + _TOGETHER]).all() for at in range(0, flat.size, _TOGETHER))
