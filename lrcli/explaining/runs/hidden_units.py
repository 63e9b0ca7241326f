"""Hidden units of a network that no longer answer: dead, saturated, or all alike."""

from collections.abc import Iterator

import numpy as np

from lrcli.components.models.networks import MLP
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.training.problem import Array
from lrcli.wording import counted

__all__ = ["at_constant", "idle_units", "stuck"]

_NEAR = 0.03  # of the loss of a constant prediction
_END = 0.01  # distance from an end of sigmoid's range, half of tanh's
_NEARLY_ALL = 0.95  # of the examples
_ALIKE = 1e-6  # of the size of weights
_GUESSES = 0.5  # share of wrong labels, with which there is nothing to learn
_MANY = 0.5  # of the units of a layer


def at_constant(facts: RunFacts) -> bool:
    """Whether it ended at the training loss of a constant prediction, or above."""
    loss, constant = facts.final_loss, facts.constant
    return loss is not None and constant is not None and loss > (1 - _NEAR) * constant > 0


def idle_units(facts: RunFacts) -> Iterator[Finding]:
    """Layers of which many units are idle."""
    model = facts.experiment.model
    if not isinstance(model, MLP) or not facts.last or not facts.has_data or not model.hidden:
        return
    if not all(np.isfinite(values).all() for values in facts.last.values()):
        return
    layers = model.hidden_values(facts.last, facts.inputs)
    yield from _alike(facts, model)
    find = _dead if model.activation == "relu" else _saturated
    yield from find(facts, model, layers)


def _are_many(idle: list[int], model: MLP) -> bool:
    """Whether they are at least half of any layer."""
    return any(count >= _MANY * units for count, units in zip(idle, model.hidden, strict=True))


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


def _dead(facts: RunFacts, model: MLP, layers: list[Array]) -> Iterator[Finding]:
    dead = [int(np.count_nonzero(~(values > 0).any(axis=0))) for values in layers]
    total, units = sum(dead), sum(model.hidden)
    if not _are_many(dead, model):
        return
    whole = any(count == size for count, size in zip(dead, model.hidden, strict=True))
    text = (
        f"{total:,} of {counted(units, 'hidden unit')} {'is' if total == 1 else 'are'} dead: relu gives 0 "
        "for every training example, so the gradient there is 0, and more training changes nothing."
    )
    if whole:
        text += " A whole layer is dead, so the answer is the same for every input."
    numbers = {"dead": float(total), "units": float(units)}
    yield Finding("dead_units", text, numbers, commands=_another_start(facts, model))


def _saturated(facts: RunFacts, model: MLP, layers: list[Array]) -> Iterator[Finding]:
    near = 1 - 2 * _END if model.activation == "tanh" else 0.5 - _END
    middle = 0.0 if model.activation == "tanh" else 0.5
    shares = [(np.abs(values - middle) > near).mean(axis=0) for values in layers]
    counts = [int(np.count_nonzero(share >= _NEARLY_ALL)) for share in shares]
    total, units = sum(counts), sum(model.hidden)
    if not _are_many(counts, model):
        return
    text = (
        f"{total:,} of {counted(units, 'hidden unit')} {'is' if total == 1 else 'are'} saturated: for "
        f"nearly every training example {model.activation} is within {percent(_END)} of an end of its range, "
        "where its slope is almost 0, so they hardly learn. Smaller initial weights or inputs of size 1 help."
    )
    numbers = {"saturated": float(total), "units": float(units)}
    command = facts.train(model__init="{kind: xavier_normal}")
    yield Finding("saturated_units", text, numbers, commands=(command,))


def _another_start(facts: RunFacts, model: MLP) -> tuple[str, ...]:
    """The usual start where the file has another, else one with other random numbers; tanh never dies."""
    usual = model.init is None or model.init.kind == "default"
    first = {"seed": facts.experiment.seed + 1} if usual else {"model__init": "{kind: default}"}
    return (facts.train(**first), facts.train(model__activation="tanh", **({} if usual else first)))


def stuck(facts: RunFacts) -> Iterator[Finding]:
    """A network that has learned nothing, for whatever reason."""
    loss, constant = facts.final_loss, facts.constant
    if (
        facts.experiment.model.linear_in_parameters
        or not at_constant(facts)
        or facts.result.status == "diverged"
    ):
        return
    if loss is None or constant is None or getattr(facts.experiment.dataset, "label_noise", 0.0) >= _GUESSES:
        return
    epochs = facts.epochs
    text = (
        f"After {counted(epochs, 'epoch')} train/loss is {short(loss)}, no better than that of a constant "
        f"prediction, {short(constant)}: the model has learned nothing yet."
    )
    adam = facts.train(optimizer="{kind: adam, lr: 0.01}")
    commands = (
        (facts.train(training__epochs=10 * epochs),) if facts.experiment.optimizer.adaptive else (adam,)
    )
    yield Finding("stuck", text, {"loss": loss, "constant": constant}, commands=commands)
