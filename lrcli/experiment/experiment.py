"""The experiment: the resolved content of an experiment file."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from lrcli.analysis.reference import has_reference
from lrcli.analysis.set_fits import minimises
from lrcli.analysis.stability_limits import has_divisor
from lrcli.components.choices import AnyDataset, AnyLoss, AnyModel, AnyOptimizer
from lrcli.components.component import Component
from lrcli.components.initializers import Parameter, elements_by_name
from lrcli.components.truth import true_parameters
from lrcli.config.base import Config
from lrcli.config.blocks import Best, Logging, Sweep, Training
from lrcli.config.metrics import (
    CURVATURES,
    PRECONDITIONED_CURVATURE,
    RUNNING_LOSS,
    recorded_names,
    training_loss_of,
)
from lrcli.experiment.expectations import PATTERN, parse
from lrcli.experiment.names import NAME, check_name

__all__ = ["Comparison", "Experiment", "chosen", "parts_errors", "recorded_metrics", "recovers", "resolved"]


def _comparison(text: str) -> str:
    parse(text)
    return text


_DEVICE = "auto|cpu|cuda(:[0-9]{1,3})?|mps"
Comparison = Annotated[
    str, AfterValidator(_comparison), Field(json_schema_extra={"pattern": f"^{PATTERN.pattern}$(?!\n)"})
]


class Experiment(Config):
    """What is trained, how, and where."""

    name: str = Field(
        description="names the directory of its runs; default: the file's stem",
        json_schema_extra={"pattern": f"^{NAME}$(?!\n)"},
    )
    description: str = Field("", description="a line for people")
    seed: int = Field(0, ge=0, description="drives data, initial parameters, shuffling and noise")
    device: str = Field(
        "auto",
        description="auto (the CPU for dense models), cpu, cuda, cuda:N or mps",
        examples=["auto", "cpu", "cuda", "mps"],
        json_schema_extra={"pattern": f"^({_DEVICE})$(?!\n)"},
    )
    engine: Literal["auto", "compiled", "torch"] = Field(
        "auto", description="what does the arithmetic: auto (compiled for dense models), compiled or torch"
    )
    dtype: Literal["float32", "float64"] = Field("float32", description="precision of training")
    dataset: AnyDataset = Field(description="where the examples come from")
    model: AnyModel = Field(description="what is fitted to them")
    loss: AnyLoss = Field(description="what training makes small")
    optimizer: AnyOptimizer = Field(description="how it is made small")
    training: Training = Field(default_factory=Training, description="how long, and in what portions")
    logging: Logging = Field(default_factory=Logging, description="what is recorded, and how often")
    sweep: Sweep | None = Field(None, description="a grid of configurations times seeds")
    expect: dict[str, Comparison] = Field(
        default_factory=dict,
        max_length=1000,
        description="from a metric to a comparison; checked after training",
        examples=[{"val/loss": "<= 0.1"}],
    )

    @field_validator("name")
    @classmethod
    def _names_a_directory(cls, name: str) -> str:
        return check_name(name)

    @field_validator("device")
    @classmethod
    def _is_a_device(cls, device: str) -> str:
        if not re.fullmatch(_DEVICE, device):
            raise ValueError(f"must be auto, cpu, cuda, cuda:N or mps, not {device!r}")
        return device

    @property
    def best(self) -> Best:
        """The metric by which the best state is kept."""
        if self.training.best is not None:
            return self.training.best
        recorded = recorded_metrics(self)
        return Best(
            metric="val/loss" if "val/loss" in recorded else training_loss_of(recorded) or RUNNING_LOSS
        )

    @property
    def components(self) -> dict[str, Component]:
        """What it is made of, by block."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "loss": self.loss,
            "optimizer": self.optimizer,
        }

    @property
    def needs_code(self) -> bool:
        """Whether it names files of code that have not been run; its parameters may not be known then."""
        return any(each.needs_code for each in self.components.values())

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the model, for this dataset and this loss.

        Raises:
            CodeError: they are known only to code that has not been run.
        """
        outputs = self.loss.num_outputs(self.dataset.num_classes)
        return self.model.parameters(self.dataset.num_features, outputs)

    @property
    def elements(self) -> list[str]:
        """The names of all numbers among the parameters, in their order, such as ``w[0]`` or ``w[age]``."""
        named = elements_by_name(self.parameters, self.dataset.feature_names)
        return [element for elements in named.values() for element in elements]


def recovers(experiment: Experiment) -> bool:
    """Whether there are parameters, true or the best possible ones, that the learned are held against."""
    dataset, model = experiment.dataset, experiment.model
    true = true_parameters(dataset, model) is not None
    if dataset.needs_code and not model.needs_code and model.identifiable:
        return True  # perhaps; once its code has been run, it is known
    return true or has_reference(model, experiment.loss, dataset.num_classes)


def parts_errors(experiment: Experiment) -> bool:
    """Whether there may be both, true parameters and those that minimise what is trained."""
    dataset, model = experiment.dataset, experiment.model
    if true_parameters(dataset, model) is None and not dataset.needs_code:
        return False
    loss, classes = experiment.loss, dataset.num_classes
    return minimises(loss) and has_reference(model, loss, classes, near_truth=True)


def recorded_metrics(experiment: Experiment) -> list[str]:
    """The metrics of every record of an experiment, without those of ``recovery``."""
    evaluated = {"train": experiment.logging.evaluate_train, "val": experiment.dataset.sizes["val"] > 0}
    splits = [split for split, is_evaluated in evaluated.items() if is_evaluated]
    curvatures = CURVATURES if experiment.logging.curvature else ()
    return [
        *recorded_names(splits, classes=experiment.dataset.num_classes is not None),
        *(n for n in curvatures if n != PRECONDITIONED_CURVATURE or has_divisor(experiment.optimizer)),
    ]


def resolved(experiment: Experiment) -> dict[str, Any]:
    """The whole experiment as plain data, every default written out."""
    return experiment.model_dump(mode="json", exclude_none=True)


def chosen(experiment: Experiment) -> dict[str, Any]:
    """The experiment as plain data without what is at its default; from it the same is read."""
    return experiment.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
