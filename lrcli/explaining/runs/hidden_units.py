"""Hidden units of a network that no longer answer: dead, saturated, or all alike."""

from collections.abc import Iterator

import numpy as np

from lrcli.components.models.networks import MLP
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.training.problem import Array

__all__ = ["at_constant", "idle_units", "stuck"]

_NEAR = 0.03  # of the loss of a constant prediction
_END = 0.01  # distance from an end of sigmoid's range, half of tanh's
_NEARLY_ALL = 0.95  # of the examples
_ALIKE = 1e-6  # of the size of weights
_MANY = 0.5  # of the units of a layer


def at_constant(facts: RunFacts) -> bool:
    """Whether it ended at the training loss of a constant prediction, or above."""
    loss, constant = facts.final_loss, facts.constant
    return loss is not None and constant is not None and loss > (1 - _NEAR) * constant


def idle_units(facts: RunFacts) -> Iterator[Finding]:
    """Layers of which many units are idle; of a run that has learned nothing, every idle unit."""
    model = facts.experiment.model
    if not isinstance(model, MLP) or not facts.last or not facts.has_data or not model.hidden:
        return
    if not all(np.isfinite(values).all() for values in facts.last.values()):
        return
    fewest = 1 if at_constant(facts) else max(1, int(np.ceil(_MANY * min(model.hidden))))
    layers = model.hidden_values(facts.last, facts.inputs)
    yield from _alike(facts, model)
    find = _dead if model.activation == "relu" else _saturated
    yield from find(facts, model, layers, fewest)


def _alike(facts: RunFacts, model: MLP) -> Iterator[Finding]:
    """Layers whose units all have the same weights."""
    for number, units in enumerate(model.hidden, start=1):
        both = [np.vstack([of[f"w{number}"], of[f"b{number}"][None]]) for of in (facts.start, facts.last)]
        spread = [float(np.ptp(weights, axis=1).max()) for weights in both]
        if units > 1 and all(
            s <= _ALIKE * max(1, np.abs(w).max()) for s, w in zip(spread, both, strict=True)
        ):
            text = (
                f"All {units:,} units of hidden layer {number} began with the same weights, so they get the "
                "same gradients and stay alike: together they can do no more than one. Random initial "
                "weights tell them apart."
            )
            command = facts.train(model__init="{kind: default}")
            yield Finding("alike", text, {"layer": float(number), "units": float(units)}, commands=(command,))


def _dead(facts: RunFacts, model: MLP, layers: list[Array], fewest: int) -> Iterator[Finding]:
    dead = [int(np.count_nonzero(~(values > 0).any(axis=0))) for values in layers]
    total, units = sum(dead), sum(model.hidden)
    if max(dead) < fewest:
        return
    whole = any(count == size for count, size in zip(dead, model.hidden, strict=True))
    text = (
        f"{total:,} of {units:,} hidden units are dead: their relu gives 0 for every training example, so "
        "their gradient is 0 and no training brings them back."
    )
    if whole:
        text += " A whole layer is dead, so the answer is the same for every input."
    numbers = {"dead": float(total), "units": float(units)}
    yield Finding("dead_units", text, numbers, commands=_another_start(facts, "tanh"))


def _saturated(facts: RunFacts, model: MLP, layers: list[Array], fewest: int) -> Iterator[Finding]:
    near = 1 - 2 * _END if model.activation == "tanh" else 0.5 - _END
    middle = 0.0 if model.activation == "tanh" else 0.5
    shares = [(np.abs(values - middle) > near).mean(axis=0) for values in layers]
    counts = [int(np.count_nonzero(share >= _NEARLY_ALL)) for share in shares]
    total, units = sum(counts), sum(model.hidden)
    if max(counts) < fewest:
        return
    text = (
        f"{total:,} of {units:,} hidden units are saturated: for nearly every training example their "
        f"{model.activation} is within {short(_END)} of an end of its range (as a share of the range), where "
        "its slope is almost 0, so they hardly learn. Smaller initial weights or inputs of size 1 help."
    )
    numbers = {"saturated": float(total), "units": float(units)}
    command = facts.train(model__init="{kind: xavier_normal}")
    yield Finding("saturated_units", text, numbers, commands=(command,))


def _another_start(facts: RunFacts, activation: str) -> tuple[str, ...]:
    return (
        facts.train(seed=facts.experiment.seed + 1),
        facts.train(model__activation=activation),
    )


def stuck(facts: RunFacts) -> Iterator[Finding]:
    """A network that has learned nothing, for whatever reason."""
    loss, constant = facts.final_loss, facts.constant
    if (
        facts.experiment.model.linear_in_parameters
        or not at_constant(facts)
        or facts.result.status == "diverged"
    ):
        return
    if loss is None or constant is None:
        return
    epochs = facts.epochs
    text = (
        f"After {epochs:,} epochs train/loss is {short(loss)}, no better than that of a constant prediction, "
        f"{short(constant)}: the model has learned nothing yet."
    )
    adam = facts.train(optimizer="{kind: adam, lr: 0.01}")
    commands = (
        (facts.train(training__epochs=10 * epochs),) if facts.experiment.optimizer.adaptive else (adam,)
    )
    yield Finding("stuck", text, {"loss": loss, "constant": constant}, commands=commands)
