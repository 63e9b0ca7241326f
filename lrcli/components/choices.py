"""What ``kind`` may be in the blocks of an experiment file: lrcli's own components and those of packages.

This is the one place that looks into installed packages. They are looked into when lrcli's own families are
all there, which a package's modules import.
"""

from typing import TYPE_CHECKING

from lrcli.components.datasets import AnyDataset, Dataset
from lrcli.components.losses import AnyLoss, Loss
from lrcli.components.models import AnyModel, Model
from lrcli.components.optimizers import AnyOptimizer, Optimizer

if not TYPE_CHECKING:
    from lrcli.components.installed import with_installed

    AnyDataset = with_installed(AnyDataset, Dataset, "lrcli.datasets")
    AnyModel = with_installed(AnyModel, Model, "lrcli.models")
    AnyLoss = with_installed(AnyLoss, Loss, "lrcli.losses")
    AnyOptimizer = with_installed(AnyOptimizer, Optimizer, "lrcli.optimizers")

__all__ = ["AnyDataset", "AnyLoss", "AnyModel", "AnyOptimizer"]
