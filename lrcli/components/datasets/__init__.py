"""The table of datasets: what `dataset.kind` may be."""

from typing import Annotated

from pydantic import Field

from lrcli.components.datasets.base import Dataset
from lrcli.components.datasets.python import PythonDataset
from lrcli.components.datasets.synthetic import LinearDataset, SineDataset, XorDataset

__all__ = ["AnyDataset", "Dataset", "LinearDataset", "PythonDataset", "SineDataset", "XorDataset"]

AnyDataset = Annotated[LinearDataset | SineDataset | XorDataset | PythonDataset, Field(discriminator="kind")]
