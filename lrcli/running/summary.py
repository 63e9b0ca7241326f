"""An experiment in one line: what it would train."""

import math

from lrcli.config.blocks import Sweep
from lrcli.experiment.experiment import Experiment
from lrcli.running.engine_choice import engine_of
from lrcli.wording import counted

__all__ = ["summarize"]


def summarize(experiment: Experiment) -> str:
    """Dataset, model, parameters, optimizer, steps, engine, and the members of its sweep where it has one.

    What the sweep varies is named by its kinds, or left out.
    """
    dataset = experiment.dataset
    steps = experiment.training.epochs * experiment.training.num_batches(dataset.sizes["train"])
    swept = {key.partition(".")[0] for key in _swept(experiment)}
    kinds = {block: _kinds(experiment, block) for block in ("dataset", "model", "loss", "optimizer")}
    examples = "" if "dataset" in swept else f" ({counted(dataset.sizes['train'], 'example')})"
    parameters = "" if {"dataset", "model", "loss"} & swept else _parameters(experiment)
    parts = [
        f"{kinds['dataset']} data{examples}",
        f"{kinds['model']} model{parameters}",
        f"{kinds['loss']} loss",
        kinds["optimizer"],
        *([] if {"dataset", "training"} & swept else [counted(steps, "step")]),
        f"{engine_of(experiment)[0]} engine",
    ]
    if experiment.sweep:
        parts.append(f"{counted(_members(experiment.sweep), 'member')} in its sweep")
    return ", ".join(parts)


def _parameters(experiment: Experiment) -> str:
    """How many there are, where that is known without running code."""
    if experiment.model.needs_code:
        return ""
    return f" ({counted(sum(parameter.size for parameter in experiment.parameters), 'parameter')})"


def _swept(experiment: Experiment) -> set[str]:
    """The keys that the sweep varies."""
    return {key for grid in experiment.sweep.grid for key in grid} if experiment.sweep else set()


def _kinds(experiment: Experiment, block: str) -> str:
    """The kind of a block, or all that the sweep tries: ``sgd or adam``."""
    grids = experiment.sweep.grid if experiment.sweep else []
    specs = [grid[f"{block}.kind"] for grid in grids if f"{block}.kind" in grid]
    tried = [str(kind) for spec in specs for kind in spec.points()]
    return " or ".join(dict.fromkeys(tried)) or str(getattr(experiment, block).kind)


def _members(sweep: Sweep) -> int:
    """Configurations times seeds."""
    configurations = sum(math.prod(len(spec.points()) for spec in grid.values()) for grid in sweep.grid)
    return configurations * sweep.num_seeds
