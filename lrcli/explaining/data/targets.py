"""Targets that are all the same."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.facts import Facts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short

__all__ = ["same_targets"]


def same_targets(facts: Facts) -> Iterator[Finding]:
    """Every training example has the same target."""
    if not facts.has_data or facts.examples < 2 or np.ptp(facts.targets, axis=0).any():
        return
    target = facts.targets[0]
    if facts.experiment.dataset.num_classes:
        what = f"is of class {int(target.argmax()) if len(target) > 1 else int(target[0])}"
    else:
        what = f"has the target {short(float(target[0]))}" if len(target) == 1 else "has the same target"
    text = (
        f"Every training example {what}, so there is nothing to tell apart: always the same answer is a "
        "perfect one. Other data are needed."
    )
    yield Finding("same_targets", text, {"target": float(target[0])})
