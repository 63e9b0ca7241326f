"""The table of datasets: what `dataset.kind` may be."""

from typing import Annotated

from pydantic import Field

from lrcli.components.datasets.base import Dataset
from lrcli.components.datasets.idx_file import IdxDataset
from lrcli.components.datasets.physics import ExponentialDecayDataset, OhmDataset, PlanckDataset
from lrcli.components.datasets.python import PythonDataset
from lrcli.components.datasets.regression import QuadraticDataset
from lrcli.components.datasets.shapes import BlobsDataset, CirclesDataset, MoonsDataset, SpiralsDataset
from lrcli.components.datasets.synthetic import LinearDataset, SineDataset, XorDataset
from lrcli.components.datasets.table_file import CsvDataset

__all__ = [
    "AnyDataset",
    "BlobsDataset",
    "CirclesDataset",
    "CsvDataset",
    "Dataset",
    "ExponentialDecayDataset",
    "IdxDataset",
    "LinearDataset",
    "MoonsDataset",
    "OhmDataset",
    "PlanckDataset",
    "PythonDataset",
    "QuadraticDataset",
    "SineDataset",
    "SpiralsDataset",
    "XorDataset",
]

AnyDataset = Annotated[
    LinearDataset
    | QuadraticDataset
    | SineDataset
    | OhmDataset
    | PlanckDataset
    | ExponentialDecayDataset
    | XorDataset
    | BlobsDataset
    | CirclesDataset
    | MoonsDataset
    | SpiralsDataset
    | CsvDataset
    | IdxDataset
    | PythonDataset,
    Field(discriminator="kind"),
]
