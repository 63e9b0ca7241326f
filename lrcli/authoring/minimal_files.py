"""The shortest experiment that uses a given component, found by asking which others fit it."""

import itertools
from typing import Any

from lrcli.authoring.descriptions import example
from lrcli.components.datasets import Dataset
from lrcli.components.registry import GROUPS
from lrcli.components.user_code import FromFile
from lrcli.experiment.compatibility import incompatibilities
from lrcli.experiment.experiment import Experiment

__all__ = ["minimal_experiment", "needs_files"]

_BLOCKS = [name for name in Experiment.model_fields if name in GROUPS]


def minimal_experiment(group: str = "", kind: str = "") -> dict[str, Any]:
    """An experiment file's content, every key that has a default left out.

    Of the components that fit, the first of the registry are taken, and before these those of the same name:
    a law has measurements that are its own. A dataset that needs files has those of its starter: what fits
    files can only be told of those that are there.

    Args:
        group: of the component that it must use; empty where any will do.
        kind: of that component.
    """
    if group == "dataset" and needs_files(kind):
        return _of_files(kind)
    choices = {name: [kind] if name == group else _in_order(name, kind) for name in _BLOCKS}
    choices["dataset"] = [each for each in choices["dataset"] if not needs_files(each)]
    for kinds in itertools.product(*choices.values()):
        content = {name: example(GROUPS[name][k]) for name, k in zip(choices, kinds, strict=True)}
        if group == "init":
            content["model"]["init"] = example(GROUPS[group][kind])
        if group == "schedule":
            content["optimizer"]["schedule"] = example(GROUPS[group][kind])
        experiment = Experiment.model_validate({"name": "example", **content})
        of_classes = experiment.loss.needs_classes == (experiment.dataset.num_classes is not None)
        if not incompatibilities(experiment) and (of_classes or group == "loss"):
            return content
    raise AssertionError(f"nothing fits {group} {kind}")


def _in_order(group: str, kind: str) -> list[str]:
    """The kinds of a group, that of the same name first, those that are the user's own code last."""
    return sorted(
        GROUPS[group], key=lambda other: (issubclass(GROUPS[group][other], FromFile), other != kind)
    )


def needs_files(kind: str) -> bool:
    """Whether a kind of dataset reads files of the user."""
    config = GROUPS["dataset"][kind]
    return issubclass(config, Dataset) and config.needs_files


def _of_files(kind: str) -> dict[str, Any]:
    """A dataset that needs files, with the components of its starter."""
    config = GROUPS["dataset"][kind]
    starter = config.starter if issubclass(config, Dataset) else {}
    return {"dataset": example(config)} | {
        name: dict(keys) for name, keys in starter.items() if "kind" in keys
    }
