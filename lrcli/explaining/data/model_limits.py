"""A model that cannot do better than chance on its data, measured by its best fit."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.facts import Facts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short

__all__ = ["no_better_than_chance"]


def no_better_than_chance(facts: Facts) -> Iterator[Finding]:
    """Twice the gain in log-likelihood is what as many parameters gain on noise (Wilks 1938).

    With p parameters more than a constant it is chi-squared with p degrees of freedom, of mean p and standard
    deviation sqrt(2 p); three of those above the mean are taken for a gain.
    """
    least, constant, loss = facts.least, facts.constant, facts.experiment.loss
    extra = facts.size - facts.targets.shape[1] if facts.has_data else 0
    if least is None or constant is None or extra < 1 or not facts.experiment.dataset.num_classes:
        return
    if facts.best is None or not facts.best.found[0] or facts.experiment.optimizer.decoupled:
        return
    terms = facts.examples if loss.reduction == "mean" else 1
    gained = 2 * terms * (constant - least) if loss.of_logits else 0.0
    if not loss.of_logits or gained > extra + 3 * np.sqrt(2 * extra):
        return
    right = _accuracy(facts)
    text = (
        f"No parameters of this {facts.experiment.model.kind} model do better than chance on these data: "
        f"its best fit has a loss of {short(least)}, where a constant prediction has {short(constant)}, "
        f"and is right for {percent(right)} of the training examples. No training can help; another model "
        "can."
    )
    numbers = {"least": least, "constant": constant, "accuracy": right}
    network = facts.train(model="{kind: mlp, hidden: [8]}", optimizer="{kind: adam, lr: 0.01}")
    yield Finding("cannot", text, numbers, commands=(network,))


def _accuracy(facts: Facts) -> float:
    """The share of the training examples for which the best fit is right."""
    best = facts.best
    if best is None:
        return float("nan")
    parameters = {name: values[0] for name, values in best.values.items()}
    outputs = np.asarray(facts.experiment.model.outputs(parameters, facts.inputs))
    targets = facts.targets
    if outputs.shape[1] == 1:
        return float(np.mean((outputs >= 0) == (targets >= 0.5)))
    return float(np.mean(outputs.argmax(axis=1) == targets.argmax(axis=1)))
