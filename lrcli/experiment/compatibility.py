"""Combinations that make no sense, refused before anything is trained, with the reason."""

import json
from collections.abc import Iterator

import numpy as np

from lrcli.analysis.curvature import seconds_needed
from lrcli.components.initializers import element_names
from lrcli.config.blocks import Best
from lrcli.config.hints import nearest
from lrcli.config.metrics import (
    ERROR_NORM,
    MAX_ABS_ERROR,
    OPTIMIZATION_ERROR,
    SAMPLING_ERROR,
    best_name,
    error_name,
    names_of_split,
)
from lrcli.config.validation import Mistake
from lrcli.engines.compiled.registry import refusal
from lrcli.experiment.experiment import Experiment, parts_errors, recorded_metrics, recovers
from lrcli.wording import counted

__all__ = ["incompatibilities", "remarks", "result_names"]

_MOST_SECONDS = 10.0  # that a record may take for the curvature


def incompatibilities(experiment: Experiment) -> list[Mistake]:
    """Every reason why the components of an experiment do not fit together, each at the field to change."""
    dataset = experiment.dataset
    of_data = [_mistake("dataset", key, message) for key, message in dataset.mistakes()]
    of_optimizer = [_mistake("optimizer", key, message) for key, message in experiment.optimizer.mistakes()]
    if of_data and dataset.needs_files:  # its sizes are not known, and all else depends on them
        return [*of_data, *of_optimizer, *_engine(experiment)]
    return [
        *of_data,
        *of_optimizer,
        *_components(experiment),
        *_batches(experiment),
        *_curvature(experiment),
        *_metrics(experiment),
        *_expectations(experiment),
        *_engine(experiment),
    ]


def _components(experiment: Experiment) -> Iterator[Mistake]:
    dataset, model, loss = experiment.dataset, experiment.model, experiment.loss
    if loss.needs_classes and dataset.num_classes is None:
        yield _mistake(
            "loss", "kind", f"{loss.kind} needs classes as targets, but those of {dataset.kind} are numbers"
        )
        return
    num_outputs = loss.num_outputs(dataset.num_classes)
    for key, message in loss.mistakes(dataset.num_classes):
        yield _mistake("loss", key, message)
    for key, message in model.mistakes(dataset.num_features, num_outputs):
        yield _mistake("model", key, message)


def _batches(experiment: Experiment) -> Iterator[Mistake]:
    size, count = experiment.training.batch_size, experiment.dataset.sizes["train"]
    if size != "full" and size > count and experiment.training.drop_last:
        larger = f"batch_size {size:,} is larger than the {counted(count, 'example')}"
        yield _mistake("training", "drop_last", f"would leave out the only batch: {larger}")


def _curvature(experiment: Experiment) -> Iterator[Mistake]:
    """It is taken of models and data of moderate size."""
    if not experiment.logging.curvature or experiment.model.needs_code:
        return
    size, count = sum(p.size for p in experiment.parameters), experiment.dataset.sizes["train"]
    seconds = seconds_needed(size, count)
    if seconds > _MOST_SECONDS:
        of_what = f"{counted(size, 'parameter')} and {counted(count, 'training example')}"
        yield _mistake(
            "logging", "curvature", f"would take about {seconds:,.0f} s a record for {of_what}; leave it out"
        )


def _metrics(experiment: Experiment) -> Iterator[Mistake]:
    """Metrics that decide something must be recorded."""
    recorded = [*recorded_metrics(experiment), *_recovery_metrics(experiment)]
    wanted: dict[str, Best | None] = {
        "training.best": experiment.training.best,
        "training.early_stopping": experiment.training.early_stopping,
        "sweep.select": experiment.sweep.select if experiment.sweep else None,
    }
    for block, choice in wanted.items():
        if choice is None or choice.metric in recorded:
            continue
        message = f"{choice.metric} is not recorded here{nearest(choice.metric, recorded)}"
        yield _mistake(block, "metric", f"{message}; recorded are {', '.join(recorded)}")


def _expectations(experiment: Experiment) -> Iterator[Mistake]:
    """What is expected must be something the result has."""
    known = result_names(experiment) if experiment.expect else []
    for name in experiment.expect:
        if name not in known:
            message = f"is not in the result{nearest(name, known)}; there are {', '.join(known)}"
            yield Mistake(("expect", name), message, at_key=True)


def result_names(experiment: Experiment) -> list[str]:
    """Everything that can be expected of an experiment: its metrics, and the errors of its parameters."""
    dataset = experiment.dataset
    classes = dataset.num_classes is not None
    tested = names_of_split("test", classes=classes) if dataset.sizes["test"] else []
    if experiment.training.best is not None:
        tested += map(best_name, list(tested))
    errors = _recovery_metrics(experiment)
    if errors:
        errors += map(error_name, _compared(experiment))
    return [*recorded_metrics(experiment), *tested, *errors]


def _compared(experiment: Experiment) -> list[str]:
    """The names of the numbers that learned parameters are held against, such as ``w[0]``."""
    truths = experiment.model.truths
    if truths is None:
        return experiment.elements
    # Which may be of some parameters alone.
    return [number for name, values in truths.items() for number in element_names(name, values.shape)]


def _recovery_metrics(experiment: Experiment) -> list[str]:
    """Recorded where the rule has parameters of the model's shapes, or the best ones can be found."""
    if not recovers(experiment):
        return []
    in_parts = [OPTIMIZATION_ERROR, SAMPLING_ERROR] if parts_errors(experiment) else []
    return [MAX_ABS_ERROR, ERROR_NORM, *in_parts]


def _engine(experiment: Experiment) -> Iterator[Mistake]:
    if experiment.device == "mps" and experiment.dtype == "float64":
        yield _mistake("", "dtype", "an mps device has no float64; use float32, or device: cpu")
    refused = refusal(experiment.model, experiment.loss, experiment.optimizer, experiment.device)
    if experiment.engine == "compiled" and refused is not None:
        yield _mistake("", "engine", f"compiled cannot take this experiment: {refused[1]}")


def _mistake(block: str, key: str, message: str) -> Mistake:
    return Mistake(tuple(f"{block}.{key}".strip(".").split(".")), message)


def remarks(experiment: Experiment) -> list[str]:
    """What is allowed but may not be what the user meant, a sentence each."""
    sweep = experiment.sweep
    seeds = [experiment.seed] if sweep is None else sweep.seed_list(experiment.seed)
    said = [*experiment.dataset.notes(seeds), *_curve_of_other_units(experiment)]
    size, count = experiment.training.batch_size, experiment.dataset.sizes["train"]
    if size != "full" and size > count:
        examples = counted(count, "training example")
        said.append(f"batch_size {size:,} is larger than the {examples}: each epoch is one batch")
    if experiment.logging.figures_every and not experiment.logging.figures:
        said.append("logging.figures_every draws nothing where logging.figures is false")
    for grid in sweep.grid if sweep else ():
        for key, spec in grid.items():
            values = ", ".join(map(json.dumps, spec.repeated))
            if values:
                said.append(f"sweep.grid: {key} has {values} more than once; each value is trained once")
    return said


def _curve_of_other_units(experiment: Experiment) -> Iterator[str]:
    """A law holds of its x alone, and not of what standardising makes of it."""
    model = experiment.model
    scaling = experiment.dataset.scaling(experiment.seed) if model.one_feature else None
    if scaling is None:
        return
    some = {parameter.name: np.ones(parameter.shape) for parameter in experiment.parameters}
    if model.in_original_units(some, scaling.mean, scaling.scale) is None:
        yield (
            f"{model.kind} is fitted to inputs that are standardised, which is another curve than in their "
            "own units; with dataset.standardize: false it is fitted to them as they are"
        )
