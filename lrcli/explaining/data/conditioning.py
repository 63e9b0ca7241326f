"""Directions of the loss so unequal that no learning rate suits them all."""

import math

from lrcli.explaining.facts import Facts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short

__all__ = ["uneven_directions"]

_UNEVEN = 1000.0


def uneven_directions(facts: Facts) -> Finding | None:
    """That the steepest direction holds the rate down; None where the directions are not so unequal."""
    condition = facts.condition
    if condition is None or not _UNEVEN < condition < math.inf:
        return None
    text = (
        f"The loss is {short(condition)} times as curved along its steepest direction as along its flattest: "
        "a learning rate that the steep one bears is far too small for the flat one."
    )
    changes: dict[str, object] = {}
    if facts.experiment.model.kind == "linear":
        text += " Features of one size make them alike, and Adam goes about as fast along each parameter."
        changes["optimizer"] = "{kind: adam, lr: 0.1}"
        if getattr(facts.experiment.dataset, "standardize", None) is False:
            changes = {"dataset.standardize": True, "optimizer.lr": 0.1}
    elif facts.experiment.model.kind == "polynomial":
        text += " High powers of the input do that: a lower degree makes them more alike."
    commands = (facts.origin.command("train", changes),) if changes else ()
    return Finding("condition", text, {"condition": condition}, commands=commands)
