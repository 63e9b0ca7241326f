"""Training that was ended by its own rules: a schedule that took the rate to nothing, early stopping."""

from collections.abc import Iterator

import numpy as np

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.runs.errors import unfinished
from lrcli.explaining.runs.facts import RunFacts

__all__ = ["schedule_ended", "stopped_too_early"]

_NOTHING = 0.05  # of the highest rate


def schedule_ended(facts: RunFacts) -> Iterator[Finding]:
    """The rate has fallen to next to nothing while training still owes something."""
    rates = facts.curve("lr")
    if len(rates) < 2 or rates[-1] > _NOTHING * facts.rate or not facts.counts_steps:
        return
    if not any(True for _ in unfinished(facts)):
        return
    moved = int(facts.epochs_of("lr")[int(np.argmax(rates <= _NOTHING * facts.rate))])
    kind = facts.experiment.optimizer.schedule.kind
    text = (
        f"The schedule ({kind}, which counts steps, {len(facts.batch_sizes):,} an epoch) had taken the "
        f"learning rate from {short(facts.rate)} to under {percent(_NOTHING)} of that by epoch {moved:,}, "
        f"and to {short(float(rates[-1]))} at the end: what had not been learned by then could not be "
        "learned any more."
    )
    numbers = {"highest": facts.rate, "last": float(rates[-1]), "epoch": float(moved)}
    commands = (facts.train(optimizer__schedule="{kind: constant}"),)
    yield Finding("schedule_ended", text, numbers, commands=commands)


def stopped_too_early(facts: RunFacts) -> Iterator[Finding]:
    """Early stopping ended it while training still owed something."""
    stopping = facts.experiment.training.early_stopping
    if facts.result.status != "stopped_early" or stopping is None:
        return
    if not any(True for _ in unfinished(facts)):
        return
    epochs, patience = facts.experiment.training.epochs, stopping.patience
    text = (
        f"Early stopping ended training after epoch {facts.epochs:,} of {epochs:,}, because "
        f"{stopping.metric} had not improved for {patience:,} records by more than "
        f"{short(stopping.min_delta)}. There was still something to learn."
    )
    numbers = {"epochs": float(facts.epochs), "planned": float(epochs), "patience": float(patience)}
    changes = {"training.early_stopping.patience": 5 * patience, "training.early_stopping.min_delta": 0}
    yield Finding("stopped_too_early", text, numbers, commands=(facts.origin.command("train", changes),))
