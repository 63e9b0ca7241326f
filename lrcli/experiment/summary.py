"""An experiment in one line: what it would train."""

from lrcli.experiment.experiment import Experiment
from lrcli.training.population import build_population

__all__ = ["summarize"]


def summarize(experiment: Experiment) -> str:
    """Dataset, model, parameters, optimizer, steps, and the members of its sweep where it has one."""
    dataset, model = experiment.dataset, experiment.model
    outputs = experiment.loss.num_outputs(dataset.num_classes)
    count = sum(parameter.size for parameter in model.parameters(dataset.num_features, outputs))
    population = build_population(experiment.optimizer, experiment.training, [0])
    steps = experiment.training.epochs * len(population.batch_sizes(dataset.num_train))
    parts = [
        f"{dataset.kind} data ({dataset.num_train} examples)",
        f"{model.kind} model ({_counted(count, 'parameter')})",
        f"{experiment.loss.kind} loss",
        experiment.optimizer.kind,
        _counted(steps, "step"),
    ]
    if experiment.sweep:
        parts.append(f"{_counted(_members(experiment), 'member')} in its sweep")
    return ", ".join(parts)


def _members(experiment: Experiment) -> int:
    """Configurations times seeds."""
    sweep = experiment.sweep
    if sweep is None:
        return 1
    configurations = 0
    for grid in sweep.grid:
        size = 1
        for spec in grid.values():
            size *= len(spec.points())
        configurations += size
    return configurations * (sweep.seeds if isinstance(sweep.seeds, int) else len(sweep.seeds))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
