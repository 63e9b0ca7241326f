"""What a sweep asks of the workers of a cluster, and what they are told of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from lrcli.cluster.words import ClassOfCluster, Local, parse_word
from lrcli.components.installed import PACKAGES
from lrcli.experiment.experiment import resolved
from lrcli.experiment.user_code import code_digests
from lrcli.running.engine_choice import engine_of
from lrcli.running.moments import Waiting
from lrcli.sweeps.plan import SweepPlan
from lrcli.wording import counted

if TYPE_CHECKING:
    from lrcli.cluster.facts import Wanted
    from lrcli.cluster.roster import Workers
    from lrcli.cluster.work import Work

__all__ = ["described", "waiting", "wanted"]

_EQUAL = {"torch": ("lrcli", "torch"), "compiled": ("lrcli", "numba", "llvmlite")}  # of an engine's workers


def wanted(plan: SweepPlan) -> "Wanted":
    """What a worker must have."""
    from lrcli.cluster.facts import Wanted, facts_here
    from lrcli.cluster.sent_code import code_to_send

    engines = {engine_of(part.group.experiment)[0] for part in plan.parts}
    facts = facts_here()
    equal = dict.fromkeys(key for engine in engines for key in _EQUAL[engine])
    uses_package = any(
        type(each) in PACKAGES for part in plan.parts for each in part.group.experiment.components.values()
    )
    packages = ("packages",) if uses_package else ()
    return Wanted(facts, (*equal, *packages), plan.files, code_to_send(code_digests(plan.experiment)))


def waiting(word: str) -> Waiting:
    """What is said until there are workers."""
    meant = parse_word(word)
    if isinstance(meant, Local):
        starting = f"starting {counted(meant.workers, 'worker')}"
        return Waiting(starting, starting)
    if isinstance(meant, ClassOfCluster):
        return Waiting(f"waiting for workers of {meant}; Ctrl-C gives up", "waiting for workers")
    return Waiting(f"waiting for workers of {meant.address}; Ctrl-C gives up", "waiting for workers")


def described(plan: SweepPlan, workers: "Workers") -> "Work":
    """What a worker is told of a sweep.

    Args:
        plan: of the sweep.
        workers: that were admitted.
    """
    from lrcli.cluster.work import Work, with_paths

    named = [each.code_path for each in plan.experiment.components.values() if each.code_path is not None]
    unlinked = {path: str(Path(path).resolve()) for path in named}  # as of `code_digests`
    return Work(
        experiment=json.dumps(with_paths(resolved(plan.experiment), unlinked)),
        memory=plan.memory,
        shares=plan.shares,
        code=frozenset(code_digests(plan.experiment).values()),
        admission=workers.name,
        topic=workers.topic,
    )
