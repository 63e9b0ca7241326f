"""An experiment in one line: what it would train."""

import math

from lrcli.config.blocks import Sweep
from lrcli.experiment.experiment import Experiment

__all__ = ["summarize"]


def summarize(experiment: Experiment) -> str:
    """Dataset, model, parameters, optimizer, steps, and the members of its sweep where it has one."""
    dataset, model = experiment.dataset, experiment.model
    count = sum(parameter.size for parameter in experiment.parameters)
    steps = experiment.training.epochs * experiment.training.num_batches(dataset.num_train)
    parts = [
        f"{dataset.kind} data ({dataset.num_train} examples)",
        f"{model.kind} model ({_counted(count, 'parameter')})",
        f"{experiment.loss.kind} loss",
        experiment.optimizer.kind,
        _counted(steps, "step"),
    ]
    if experiment.sweep:
        parts.append(f"{_counted(_members(experiment.sweep), 'member')} in its sweep")
    return ", ".join(parts)


def _members(sweep: Sweep) -> int:
    """Configurations times seeds."""
    configurations = sum(math.prod(len(spec.points()) for spec in grid.values()) for grid in sweep.grid)
    return configurations * (sweep.seeds if isinstance(sweep.seeds, int) else len(sweep.seeds))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
