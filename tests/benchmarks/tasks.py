"""What is trained in the benchmarks: the same problems for lrcli and for its peers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import textbook
import torch
from numpy.typing import NDArray

from lrcli.components.datasets.base import GeneratedDataset
from lrcli.experiment.experiment import Experiment
from lrcli.training.problem import SplitName, build_problem

__all__ = ["TASKS", "Data", "Task", "varied"]

Array = NDArray[np.float32]
CLASSES, PIXELS = 10, 784


class TeacherDataset(GeneratedDataset):
    """Classes that a random linear teacher gives to normal features: as many numbers as MNIST has."""

    kind: Literal["teacher"] = "teacher"

    @property
    def num_features(self) -> int:
        return PIXELS

    @property
    def num_classes(self) -> int:
        return CLASSES

    def sample(self, rng: np.random.Generator, count: int) -> tuple[NDArray[Any], NDArray[Any]]:
        inputs = rng.standard_normal((count, PIXELS))
        classes = np.argmax(inputs @ rng.standard_normal((PIXELS, CLASSES)), axis=1)
        return inputs, classes[:, None].astype(np.float64)


@dataclass(frozen=True)
class Data:
    """What the peers train on, in float32.

    Attributes:
        inputs: (N, D).
        features: (N, F), the inputs of the peers' network: powers of the input where a polynomial is fitted.
        targets: (N, O), one-hot where they are classes.
    """

    inputs: Array
    features: Array
    targets: Array


@dataclass(frozen=True)
class Task:
    """One problem that both sides train.

    Attributes:
        experiment: what lrcli trains.
        textbook: from (inputs, targets) to the textbook's training function.
    """

    experiment: Experiment
    textbook: Callable[[torch.Tensor, torch.Tensor], textbook.Train]

    @property
    def layers(self) -> tuple[int, ...]:
        """The sizes of a dense network with ReLU: of its features, of its hidden layers, of its outputs.

        A polynomial is one layer on the powers of its input, and its bias.
        """
        model, dataset, loss = self.experiment.model, self.experiment.dataset, self.experiment.loss
        features = model.degree if model.kind == "polynomial" else dataset.num_features
        hidden = model.hidden if model.kind == "mlp" else []
        return (features, *hidden, loss.num_outputs(dataset.num_classes))

    @property
    def loss(self) -> str:
        """The reduction and the kind of the loss, such as `sum mse`."""
        return f"{self.experiment.loss.reduction} {self.experiment.loss.kind}"

    @property
    def lr(self) -> float:
        """The largest learning rate of a member."""
        return self.experiment.optimizer.lr

    @property
    def batch_size(self) -> int:
        """Examples of a step."""
        return self.experiment.training.first_batch(self.experiment.dataset.sizes["train"])

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer updates in an epoch."""
        return self.experiment.training.num_batches(self.experiment.dataset.sizes["train"])

    def data(self, split_name: SplitName = "train") -> Data:
        """The examples of a split, of seed 0."""
        experiment = self.experiment
        split = build_problem(experiment.dataset, experiment.model, experiment.loss, [0]).splits[split_name]
        inputs, features, targets = (
            array[0].astype(np.float32) for array in (split.inputs, split.features, split.targets)
        )
        return Data(inputs, features[:, -self.layers[0] :], targets)  # without the power 0


def experiment(**blocks: Any) -> Experiment:
    """The experiment of these blocks; its examples are all for training."""
    blocks["dataset"] = {"num_val": 0} | blocks["dataset"]
    return Experiment.model_validate({"name": "benchmark", **blocks})


def varied(task: Task, **blocks: dict[str, Any]) -> Task:
    """A task with other values in some blocks of its experiment, for lrcli alone."""
    values = task.experiment.model_dump(mode="json", exclude_none=True)
    changed = {name: values[name] | block for name, block in blocks.items()}
    return replace(task, experiment=Experiment.model_validate(values | changed))


SINE = {"kind": "sine", "num_train": 2000}
LEGENDRE_START = {"a": 0.0, "b": -1.0, "c": 0.0, "d": 0.3}

TASKS = {
    "linear": Task(
        experiment(
            dataset={"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01},
            model={"kind": "linear"},
            loss={"kind": "half_mse"},
            optimizer={"kind": "sgd", "lr": 0.03},
            training={"batch_size": 10},
        ),
        partial(textbook.linear_regression, lr=0.03, batch_size=10),
    ),
    "xor": Task(
        experiment(
            dataset={"kind": "xor", "num_train": 200},
            model={"kind": "mlp", "hidden": [4, 4]},
            loss={"kind": "bce"},
            optimizer={"kind": "sgd", "lr": 0.1},
            training={"batch_size": 2},
        ),
        partial(textbook.xor_mlp, lr=0.1, batch_size=2),
    ),
    "sine": Task(
        experiment(
            dataset=SINE,
            model={"kind": "polynomial", "degree": 3},
            loss={"kind": "mse", "reduction": "sum"},
            optimizer={"kind": "sgd", "lr": 1e-6},
            training={"batch_size": "full"},
        ),
        partial(textbook.sine_polynomial, lr=1e-6),
    ),
    "legendre": Task(
        experiment(
            dataset=SINE,
            model={"kind": "legendre", "init": {"kind": "values", "values": LEGENDRE_START}},
            loss={"kind": "mse", "reduction": "sum"},
            optimizer={"kind": "sgd", "lr": 5e-6},
            training={"batch_size": "full"},
        ),
        partial(textbook.sine_legendre, lr=5e-6),
    ),
    "classifier": Task(
        experiment(
            dataset={"kind": "xor"},  # in whose place comes one that no file can name
            model={"kind": "mlp", "hidden": [32, 16]},
            loss={"kind": "cross_entropy"},
            optimizer={"kind": "sgd", "lr": 0.01},
            training={"batch_size": 64},
        ).model_copy(update={"dataset": TeacherDataset(num_train=6400, num_val=0)}),
        partial(textbook.classifier, lr=0.01, batch_size=64),
    ),
}
