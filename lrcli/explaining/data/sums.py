"""A loss that is a sum, with a learning rate for a mean."""

from collections.abc import Iterator

from lrcli.explaining.facts import Facts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import short

__all__ = ["rate_of_a_mean"]


def rate_of_a_mean(facts: Facts, limit: float) -> Iterator[Finding]:
    """A rate above the limit that would be stable if the loss were a mean."""
    batch, rate = facts.batch_sizes[0], facts.rate
    loss = facts.experiment.loss
    if loss.reduction != "sum" or facts.experiment.optimizer.adaptive or batch < 2 or rate > limit * batch:
        return
    text = (
        f"The loss is a sum over the {batch:,} examples of a batch, which makes every gradient {batch:,} "
        f"times as long as that of a mean. The rate of {short(rate)} would be right for a mean, whose "
        f"largest stable rate is {batch:,} times as large, {short(limit * batch)}."
    )
    numbers = {"batch": float(batch), "limit_of_mean": limit * batch}
    yield Finding("sum_of_losses", text, numbers, commands=(facts.train(loss__reduction="mean"),))
