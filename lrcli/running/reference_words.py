"""What learned parameters are held against, as data and in words."""

from collections.abc import Sequence

from lrcli.analysis.recovery import Recovery
from lrcli.experiment.experiment import Experiment
from lrcli.running.missing_words import not_found, what_is_missing
from lrcli.storage.run_result import Reference

__all__ = ["describe_reference", "undetermined_names", "why_undetermined"]

_MOST_NAMED = 8
_MOST_COMBINATIONS = 3


def describe_reference(experiment: Experiment, recovery: Recovery | None) -> Reference:
    """What the parameters of a run are held against, or why they are held against nothing."""
    if recovery is None or not recovery.known:
        return Reference(None, _why_none(experiment, recovery))
    names = undetermined_names(recovery)
    why = ""
    if names:
        said = [why_undetermined(experiment, names), *_combinations(experiment, recovery)]
        why = " ".join([*said, *_chosen(recovery)])
    how = _how(experiment, recovery)
    if recovery.scaling is None and experiment.dataset.scaling(experiment.seed) is not None:
        how += ", all in standardised units"
    return Reference(recovery.against, how, tuple(names), why, what_is_missing(experiment, recovery))


def _combinations(experiment: Experiment, recovery: Recovery) -> list[str]:
    """What of several numbers together the data determine, or leave open."""
    said = []
    where = "with the features standardised, " if recovery.scaling is not None else ""
    for direction in [] if recovery.free is None else recovery.free[:_MOST_COMBINATIONS]:
        moved = [(name, v) for name, v in zip(experiment.elements, direction.tolist(), strict=True) if v]
        if len(moved) == 2:
            (first, a), (second, b) = moved
            sign = "-" if a * b > 0 else "+"
            combination = f"{first} {sign} {_factor(abs(a / b))}{second}"
            said.append(f"{where}of {first} and {second} only {combination} is determined.")
        elif 2 < len(moved) <= _MOST_NAMED:
            steps = ", ".join(f"{v:.4g} to {name}" for name, v in moved)
            said.append(f"{where}adding {steps} changes no output.")
    return [sentence[0].upper() + sentence[1:] for sentence in said]


def _chosen(recovery: Recovery) -> list[str]:
    """Which of the parameters that fit as well those are that learned ones are held against."""
    if recovery.against == "least_squares" and recovery.model.linear_in_parameters:
        return [
            "The best possible values shown are of the shortest parameters that fit as well, at which "
            "gradient descent from zeros would end."
        ]
    if recovery.against == "ridge":
        return ["The best possible values shown are those that the weight decay makes the only ones."]
    return [] if recovery.against == "true" else ["The best possible values shown are some that fit as well."]


def _factor(number: float) -> str:
    return "" if abs(number - 1) < 1e-6 else f"{number:.4g} "


def undetermined_names(recovery: Recovery, row: int = 0) -> list[str]:
    """The numbers that one set of data leaves open, such as ``w[0]``."""
    return [
        element
        for name, masks in recovery.undetermined.items()
        for element, is_open in zip(recovery.names_of(name), masks[row].ravel().tolist(), strict=True)
        if is_open
    ]


def why_undetermined(experiment: Experiment, names: Sequence[str], whose: str = "The data do") -> str:
    """A sentence about the numbers that the data leave open."""
    count = sum(parameter.size for parameter in experiment.parameters)
    examples = experiment.dataset.sizes["train"]
    if examples < count:
        reason = f"there are fewer training examples ({examples}) than parameters ({count})"
    else:
        reason = "columns of the training data are constant or follow from others"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    listed = ", ".join(names[:_MOST_NAMED]) + more
    cure = experiment.dataset.cure_of_open_parameters
    return (
        f"{whose} not determine {listed}: {reason}, so other values fit as well, and errors of these would "
        f"say nothing.{cure and f' {cure}.'}"
    )


def _how(experiment: Experiment, recovery: Recovery) -> str:
    """How the best possible parameters were found."""
    decays = experiment.optimizer.decay_strength > 0
    if recovery.against == "true":
        return "the rule behind the data"
    if recovery.against == "ridge":
        return "least squares with the weight decay, ridge regression"
    loss, model = experiment.loss, experiment.model
    if recovery.against == "optimum":
        text = f"the smallest training loss, {_method(experiment)}"
        left_out = decays and experiment.optimizer.decoupled
        return text + (
            ", without the weight decay" if left_out else ", weight decay included" if decays else ""
        )
    if recovery.reference is not None and not recovery.reference.minimises:
        return f"least squares, which is not what the loss {loss.kind} makes smallest"
    return "least squares" + (", without the weight decay" if decays and model.linear_in_parameters else "")


def _method(experiment: Experiment) -> str:
    """How a minimum without a closed form was found."""
    if not experiment.model.linear_in_parameters:
        return "the lowest minimum that was found"
    if experiment.loss.knee != 0:
        return "by Newton's method"
    decays = experiment.optimizer.decay_strength > 0
    decays = decays and not experiment.optimizer.decoupled
    return "by an active-set method" if decays else "at a vertex, as by linear programming"


def _why_none(experiment: Experiment, recovery: Recovery | None) -> str:
    if recovery is not None and recovery.separable.all():
        return (
            "A plane separates the classes of the training set, so no parameters are the best: the longer "
            "the training, the larger they become. Judge them by losses and accuracies."
        )
    if recovery is not None and recovery.reference is not None:
        return f"{not_found(str(recovery.reference.missing[0]))}. Judge the model by its losses."
    if not experiment.model.identifiable or experiment.dataset.num_classes is not None:
        return (
            "The parameters of this model are not identifiable from these data: other parameters give the "
            "same function. Judge it by its losses and accuracies."
        )
    return "No true parameters, and no best possible ones, are known for this model on these data."
