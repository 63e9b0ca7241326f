"""What there is to say of an experiment file, without training."""

from collections.abc import Callable, Iterator

from lrcli.experiment.experiment import Experiment
from lrcli.explaining.commands import Origin
from lrcli.explaining.data import model_limits, order, targets
from lrcli.explaining.files import code, expected, identity, rate
from lrcli.explaining.files.facts import FileFacts, facts_of
from lrcli.explaining.finding import Explanation, Finding

__all__ = ["explain_file"]

# In the order of what a reader should hear first.
_DIAGNOSES: tuple[Callable[[FileFacts], Iterator[Finding]], ...] = (
    targets.same_targets,
    model_limits.no_better_than_chance,
    rate.stable_rate,
    rate.uneven,
    order.sorted_examples,
    expected.expected_loss,
    expected.time_to_finish,
    expected.best_rate,
    expected.why_unforeseen,
    identity.open_parameters,
    identity.label_noise,
)

_HOPELESS = {"cannot", "same_targets"}  # there is nothing to be expected of training


def explain_file(experiment: Experiment, origin: Origin) -> Explanation:
    """All that can be said of an experiment before it is trained.

    Args:
        experiment: what would be trained.
        origin: where commands find it.

    Raises:
        UsageError: its data are too large to compute with, or for the memory.
    """
    if experiment.needs_code:
        return Explanation(origin.file, (code.not_run(experiment, origin),))
    facts = facts_of(experiment, origin)
    found = [finding for diagnosis in _DIAGNOSES for finding in diagnosis(facts)]
    if _HOPELESS & {finding.kind for finding in found}:
        found = [finding for finding in found if finding.kind != "unforeseen"]
    return Explanation(origin.file, tuple(found))
