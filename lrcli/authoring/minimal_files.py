"""The shortest experiment that uses a given component, found by asking which others fit it."""

import itertools
from typing import Any

from lrcli.authoring.descriptions import example
from lrcli.components.datasets import Dataset
from lrcli.components.registry import GROUPS
from lrcli.experiment.compatibility import incompatibilities
from lrcli.experiment.experiment import Experiment

__all__ = ["minimal_experiment", "reads_files"]

_BLOCKS = [name for name in Experiment.model_fields if name in GROUPS]


def minimal_experiment(group: str = "", kind: str = "") -> dict[str, Any]:
    """An experiment file's content, every key that has a default left out.

    Of the components that fit, the first of the registry are taken.

    Args:
        group: of the component that it must use; empty where any will do.
        kind: of that component.
    """
    choices = {name: [kind] if name == group else list(GROUPS[name]) for name in _BLOCKS}
    for kinds in itertools.product(*choices.values()):
        content = {name: example(GROUPS[name][k]) for name, k in zip(choices, kinds, strict=True)}
        if group == "init":
            content["model"]["init"] = example(GROUPS[group][kind])
        if group == "schedule":
            content["optimizer"]["schedule"] = example(GROUPS[group][kind])
        if reads_files(content["dataset"]["kind"]):  # what they will hold is not known
            return content
        experiment = Experiment.model_validate({"name": "example", **content})
        of_classes = experiment.loss.needs_classes == (experiment.dataset.num_classes is not None)
        if not incompatibilities(experiment) and (of_classes or group == "loss"):
            return content
    raise AssertionError(f"nothing fits {group} {kind}")


def reads_files(kind: str) -> bool:
    """Whether a kind of dataset is a file's, of which nothing is known before it is there."""
    config = GROUPS["dataset"][kind]
    return issubclass(config, Dataset) and config.observed
