"""The peers in torch: `torch.func` for many members, the textbook loop and Lightning for one."""

import logging
import warnings

import textbook
import torch
from stacked import Stacked
from tasks import Data, Task
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

__all__ = ["ensemble", "lightning_loop", "textbook_loop"]

LOSSES = {
    "mean half_mse": lambda outputs, y: nn.functional.mse_loss(outputs, y) / 2,
    "sum mse": nn.MSELoss(reduction="sum"),
    "mean bce": nn.BCEWithLogitsLoss(),
    "mean cross_entropy": nn.CrossEntropyLoss(),
}
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def labelled(task: Task, data: Data) -> Tensor:
    """The targets, where they are classes as numbers of classes."""
    targets = torch.from_numpy(data.targets)
    return targets.argmax(1) if "cross_entropy" in task.loss else targets


def ensemble(task: Task, data: Data, members: int) -> textbook.Train:
    """Members with a rate and a start each, and the data and their order in common."""
    x, y = torch.from_numpy(data.features), labelled(task, data)
    rates = torch.logspace(-2, 0, members).mul(task.lr) if members > 1 else torch.tensor([task.lr])
    models = [textbook.dense(*task.layers) for _ in range(members)]
    stacked = Stacked(models, rates, LOSSES[task.loss], shared_data=True)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            if task.steps_per_epoch == 1:
                stacked.step(x, y)
                continue
            for rows in torch.randperm(len(x)).split(task.batch_size):
                stacked.step(x[rows], y[rows])

    return train


def textbook_loop(task: Task, data: Data, members: int) -> textbook.Train:
    """The loop of `textbook.py`, for one member whatever their number."""
    return task.textbook(torch.from_numpy(data.inputs), labelled(task, data))


def lightning_loop(task: Task, data: Data, members: int) -> textbook.Train:
    """Lightning's `Trainer` with all that is optional switched off, for one member whatever their number."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = textbook.dense(*task.layers)

        def training_step(self, batch: list[Tensor], _: int) -> Tensor:
            x, y = batch
            return LOSSES[task.loss](self.network(x), y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return OPTIMIZERS[task.experiment.optimizer.kind](self.parameters(), lr=task.lr)

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    module = Module()
    examples = TensorDataset(torch.from_numpy(data.features), labelled(task, data))
    loader = DataLoader(examples, batch_size=task.batch_size, shuffle=task.steps_per_epoch > 1)

    def train(epochs: int) -> None:
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, loader)

    return train
