"""Labels that are wrong on purpose, and numbers with seven digits: levels that no training gets below."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.runs.facts import RunFacts

__all__ = ["label_noise", "rounding"]

_FLOAT32 = 1.2e-7
_MARGIN = 10.0


def label_noise(facts: RunFacts) -> Iterator[Finding]:
    """The accuracy against the highest that wrong labels leave possible."""
    noise = float(getattr(facts.experiment.dataset, "label_noise", 0.0))
    accuracy = facts.result.metrics.get("val/accuracy")
    size = facts.experiment.dataset.sizes["val"]
    if not noise or accuracy is None or not size:
        return
    ceiling = 1 - noise
    error = float(np.sqrt(ceiling * noise / size))
    numbers = {"accuracy": accuracy, "ceiling": ceiling, "standard_error": error}
    text = (
        f"label_noise turns about {percent(noise)} of the labels into wrong ones, so no rule is right for "
        f"more than about {percent(ceiling)} of new examples. val/accuracy is {percent(accuracy)}"
    )
    if ceiling <= 0.5:
        text += ". So much is chance: there is nothing to learn from these labels."
    elif accuracy >= ceiling - 2 * error:
        text += f", which is all that there is, as far as {size:,} examples can tell."
    else:
        text += ", so something is left to learn."
    yield Finding("label_noise", text, numbers, estimate=True)


def rounding(facts: RunFacts) -> Iterator[Finding]:
    """A squared loss that is as small as float32 can tell errors from rounding."""
    loss, factor = facts.final_loss, facts.experiment.loss.quadratic_factor
    if facts.experiment.dtype != "float32" or loss is None or factor is None or not facts.has_data:
        return
    scale = float(np.mean(np.square(facts.targets)))
    terms = 1 if facts.experiment.loss.reduction == "mean" else facts.targets.size
    floor = factor * _FLOAT32**2 * scale * terms
    if loss > _MARGIN * floor:
        return
    text = (
        f"train/loss is {short(loss)}: that is the rounding of float32, which keeps about 7 digits of "
        f"targets of size {short(np.sqrt(scale))}. No training in float32 gets further."
    )
    yield Finding(
        "float32", text, {"loss": loss, "rounding": floor}, commands=(facts.train(dtype="float64"),)
    )
