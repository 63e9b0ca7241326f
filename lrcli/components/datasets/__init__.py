"""The table of datasets: what `dataset.kind` may be."""

from typing import Annotated

from pydantic import Field

from lrcli.components.datasets.base import Dataset
from lrcli.components.datasets.synthetic import LinearDataset, SineDataset, XorDataset
from lrcli.components.datasets.table_file import CsvDataset

__all__ = ["AnyDataset", "CsvDataset", "Dataset", "LinearDataset", "SineDataset", "XorDataset"]

AnyDataset = Annotated[LinearDataset | SineDataset | XorDataset | CsvDataset, Field(discriminator="kind")]
