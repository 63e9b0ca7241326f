"""Where a sweep leaves cores idle that workers of this machine would use.

The compiled engine trains members side by side on all cores, and torch shares out large steps of the models
that it knows. Code of the user's trains on one thread, so that no bit depends on how many there are.
"""

from importlib.util import find_spec

from lrcli.running.engine_choice import trains_own_code
from lrcli.sweeps.cutting import Part
from lrcli.sweeps.plan import SweepPlan
from lrcli.training.cores import cores
from lrcli.wording import counted

__all__ = ["use_of_workers"]

_WORTH_IT = 20.0  # seconds of training; workers take some to start


def use_of_workers(plan: SweepPlan, seconds: float) -> str:
    """That ``--cluster local`` would be faster, a sentence; empty where it would not.

    Args:
        plan: of a sweep that one process trains.
        seconds: that its training takes.
    """
    on_one = [part for part in plan.parts if _is_on_one_core(part)]
    workers = min(cores(), len(on_one))
    if seconds < _WORTH_IT or workers < 2:
        return ""
    needed = "" if find_spec("distributed") else ", once pip install 'lrcli[cluster]' was run"
    return (
        f"code of yours trains on one core of {cores()}, and the sweep has {counted(len(on_one), 'part')}: "
        f"--cluster local trains {workers} of them at a time{needed}"
    )


def _is_on_one_core(part: Part) -> bool:
    experiment = part.group.experiment
    return trains_own_code(experiment) and experiment.device in {"auto", "cpu"}
