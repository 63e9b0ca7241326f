"""What the data of a file can tell: parameters that they leave open, classes that are wrong on purpose."""

from collections.abc import Iterator

import numpy as np

from lrcli.analysis.determination import undetermined
from lrcli.explaining.files.facts import FileFacts
from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent
from lrcli.running.reference_words import why_undetermined

__all__ = ["label_noise", "open_parameters"]


def open_parameters(facts: FileFacts) -> Iterator[Finding]:
    """The parameters that the training set does not determine, of a model that is linear in them."""
    experiment, model = facts.experiment, facts.experiment.model
    if not model.linear_in_parameters or not facts.has_data:
        return
    columns = model.design(facts.problem.original.splits["train"].features)
    mask = np.repeat(undetermined(columns)[0], facts.size // columns.shape[2])
    names = [name for name, is_open in zip(experiment.elements, mask.tolist(), strict=True) if is_open]
    if names:
        text = f"{why_undetermined(experiment, names).rstrip('.')}."
        yield Finding("undetermined", text, {"parameters": ", ".join(names)})


def label_noise(facts: FileFacts) -> Iterator[Finding]:
    """The highest accuracy that wrong labels leave possible."""
    noise = float(getattr(facts.experiment.dataset, "label_noise", 0.0))
    if noise:
        text = (
            f"label_noise turns about {percent(noise)} of the labels into wrong ones, so no rule is right "
            f"for more than about {percent(1 - noise)} of new examples."
        )
        yield Finding("label_noise", text, {"ceiling": 1 - noise}, estimate=True)
