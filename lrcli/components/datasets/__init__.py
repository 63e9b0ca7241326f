"""The table of datasets: what `dataset.kind` may be."""

from typing import Annotated

from pydantic import Field

from lrcli.components.datasets.base import Dataset
from lrcli.components.datasets.idx_file import IdxDataset
from lrcli.components.datasets.synthetic import LinearDataset, SineDataset, XorDataset

__all__ = ["AnyDataset", "Dataset", "IdxDataset", "LinearDataset", "SineDataset", "XorDataset"]

AnyDataset = Annotated[LinearDataset | SineDataset | XorDataset | IdxDataset, Field(discriminator="kind")]
