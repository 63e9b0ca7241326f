"""A learning rate that is above the limit without having diverged yet, or so small that nothing moves."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.data.conditioning import uneven_directions
from lrcli.explaining.facts import SAFE
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.runs.errors import is_unfinished
from lrcli.explaining.runs.facts import RunFacts
from lrcli.wording import counted, times

__all__ = ["above_limit", "hardly_moved", "uneven"]

_MOMENTUM, _MUCH = 0.9, 0.95  # the usual one, and what is more than that
_STILL = 0.01  # of the size of the parameters
_FAR = 10  # times the rate: where a better one is not so much larger, the rate is not what is wrong
_USUAL = 0.01  # rate of Adam


def above_limit(facts: RunFacts) -> Iterator[Finding]:
    """The rate is above the largest stable one, and there were too few steps for it to show."""
    if facts.result.status == "diverged" or not facts.foresees:
        return
    limit, sense = facts.stable.limit, facts.stable.sense
    if limit is None or not limit < facts.rate or facts.stable.diagnostic:
        return
    text = (
        f"The learning rate, {short(facts.rate)}, is {times(facts.rate / limit)} the largest stable one, "
        f"{short(limit)}{sense and f' ({sense})'}: the error does not settle, and grows the longer "
        f"training goes on{', on average over all orders of the examples' if 'mean square' in sense else ''}."
    )
    numbers = {"rate": facts.rate, "limit": limit, "ratio": facts.rate / limit}
    momentum = facts.experiment.optimizer.hyperparameters().get("momentum", 0.0)
    commands = [facts.train(optimizer__momentum=_MOMENTUM)] if momentum > _MUCH else []
    commands.append(facts.train(optimizer__lr=SAFE * limit))
    yield Finding("above_limit", text, numbers, commands=tuple(commands))


def hardly_moved(facts: RunFacts) -> Iterator[Finding]:
    """The parameters of a model without a reference are nearly where they began."""
    if facts.experiment.model.linear_in_parameters or facts.result.status == "diverged" or not facts.last:
        return
    pairs = [(values.reshape(-1), facts.last[name].reshape(-1)) for name, values in facts.start.items()]
    moved = [(begun, ended) for begun, ended in pairs if np.any(begun != ended)]  # others may be frozen
    if not moved or facts.result.outcome == "converged":
        return
    begun, ended = (np.concatenate(each) for each in zip(*moved, strict=True))
    size, way = float(np.linalg.norm(begun)), float(np.linalg.norm(ended - begun))
    if not way < _STILL * size:
        return
    larger = _larger(facts)
    if larger < _FAR * facts.rate:  # the steps were few
        return
    text = (
        f"The parameters have hardly moved: {counted(facts.result.steps, 'step')} at {short(facts.rate)} "
        f"have changed them by {percent(way / size)} of their size. The learning rate is far too small."
    )
    command = facts.train(optimizer__lr=larger)
    yield Finding("hardly_moved", text, {"moved": way / size}, commands=(command,))


def _larger(facts: RunFacts) -> float:
    """A rate with which the parameters move."""
    if facts.experiment.optimizer.adaptive:
        return max(_USUAL, 10 * facts.rate)
    limit = facts.stable.limit
    return 100 * facts.rate if limit is None else SAFE * limit


def uneven(facts: RunFacts) -> Iterator[Finding]:
    """Directions so unequal that training diverged, or is not finished."""
    found = uneven_directions(facts)
    adaptive = facts.experiment.optimizer.adaptive
    if found and not adaptive and (facts.result.status == "diverged" or is_unfinished(facts)):
        yield found
