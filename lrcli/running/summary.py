"""An experiment in one line: what it would train."""

import math

from lrcli.config.blocks import Sweep
from lrcli.experiment.experiment import Experiment
from lrcli.running.engine_choice import engine_of
from lrcli.wording import counted

__all__ = ["summarize"]


def summarize(experiment: Experiment) -> str:
    """Dataset, model, parameters, optimizer, steps, engine, and the members of its sweep where it has one."""
    dataset, model = experiment.dataset, experiment.model
    count = sum(parameter.size for parameter in experiment.parameters)
    steps = experiment.training.epochs * experiment.training.num_batches(dataset.num_train)
    parts = [
        f"{dataset.kind} data ({counted(dataset.num_train, 'example')})",
        f"{model.kind} model ({counted(count, 'parameter')})",
        f"{experiment.loss.kind} loss",
        experiment.optimizer.kind,
        counted(steps, "step"),
        f"{engine_of(experiment)[0]} engine",
    ]
    if experiment.sweep:
        parts.append(f"{counted(_members(experiment.sweep), 'member')} in its sweep")
    return ", ".join(parts)


def _members(sweep: Sweep) -> int:
    """Configurations times seeds."""
    configurations = sum(math.prod(len(spec.points()) for spec in grid.values()) for grid in sweep.grid)
    return configurations * sweep.num_seeds
