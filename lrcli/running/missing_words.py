"""Why errors are not told in two parts, or have no standard errors, in words."""

import math
from collections.abc import Iterator

from lrcli.analysis.recovery import Recovery
from lrcli.analysis.set_fits import minimises
from lrcli.experiment.experiment import Experiment

__all__ = ["not_found", "what_is_missing"]

_MOST_NAMED = 3

_NOT_FOUND = {  # why there is no reference, by `lrcli.analysis.standard_errors.Missing`
    "large": "What minimises the training loss is not searched for, which would take too long",
    "open": "What minimises the training loss is not searched for where the data leave parameters open",
    "few": "What minimises the training loss is not searched for with fewer examples than parameters",
    "none": "No minimum of the training loss was found",
}
_NO_SPREAD = {  # why the reference has no standard errors
    "decay": "weight decay draws the reference towards 0, so its spread is not its distance from the truth",
    "exact": "the best fit leaves only rounding, and so no noise to judge by",
    "bandwidth": "the residuals are too few, or too much alike, to tell how dense the errors are at 0",
    "alike": "near the best fit some of the parameters change the curve alike",
    "no truth": "the rule behind the data is not known as parameters of this model",
    "none": "they could not be found at the best fit",
}


def not_found(why: str) -> str:
    """Why there is no reference, a sentence without its full stop."""
    return _NOT_FOUND.get(why, _NOT_FOUND["none"])


def what_is_missing(experiment: Experiment, recovery: Recovery) -> str:
    """A sentence or two about what is not known of the errors; empty where all is."""
    best = recovery.reference
    if best is None:
        return _without_reference(experiment)
    why = str(best.missing[0])
    if not best.found[0]:
        separable = "No parameters minimise the training loss, since a plane separates the classes"
        return f"{separable if best.separable[0] else not_found(why)}: errors are not told in two parts."
    if why == "several":
        return " ".join(_intervals(recovery))
    if why == "loss" or (why and all(mask[0].all() for mask in recovery.undetermined.values())):
        return ""  # that is said already
    if why == "few":
        examples = experiment.dataset.sizes["train"]
        return (
            f"No standard errors: with as many parameters as training examples, {examples}, no noise is left."
        )
    return f"No standard errors: {_NO_SPREAD[why]}." if why else ""


def _without_reference(experiment: Experiment) -> str:
    """Why there is none, though true parameters are known."""
    if not minimises(experiment.loss):
        why = f"what the loss {experiment.loss.kind} makes smallest is not known"
    else:
        why = "what minimises the loss of this model is not searched for"
    return f"Errors are not told in two parts: {why}."


def _intervals(recovery: Recovery) -> Iterator[str]:
    """Between what values the loss stays the same."""
    best = recovery.reference
    if best is None:
        return
    named = [
        (element, low, high)
        for name, masks in best.several.items()
        for element, several, (low, high) in zip(
            recovery.names_of(name),
            masks[0].ravel().tolist(),
            best.ends[name][0].reshape(-1, 2).tolist(),
            strict=True,
        )
        if several
    ]
    known = [f"{e} from {low:.5g} to {high:.5g}" for e, low, high in named if math.isfinite(high - low)]
    if known:
        said = ", ".join(known[:_MOST_NAMED]) + (" and others" if len(named) > _MOST_NAMED else "")
    else:
        said = f"other values of {', '.join(element for element, _, _ in named[:_MOST_NAMED])}"
    which = "these errors are not told in two parts" if recovery.truth else "these have no errors"
    yield f"The training loss is as small for {said}: {which}, and there are no standard errors."
