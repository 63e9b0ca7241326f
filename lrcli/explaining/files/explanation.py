"""What there is to say of an experiment file, without training."""

from lrcli.experiment.experiment import Experiment
from lrcli.explaining.commands import Origin
from lrcli.explaining.files import rate
from lrcli.explaining.files.facts import FileFacts
from lrcli.explaining.finding import Explanation, Finding

__all__ = ["explain_file"]

# In the order of what a reader should hear first.
_DIAGNOSES = (rate.stable_rate,)


def explain_file(experiment: Experiment, origin: Origin) -> Explanation:
    """All that can be said of an experiment before it is trained.

    Args:
        experiment: what would be trained.
        origin: where commands find it.
    """
    facts = FileFacts(experiment, origin)
    found: list[Finding] = []
    for diagnosis in _DIAGNOSES:
        found += diagnosis(facts)
    return Explanation(origin.file, tuple(found))
