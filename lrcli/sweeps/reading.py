"""A finished sweep read back from its directory, without training: what its figures and reports are made of.

    sweep = read_sweep(Path("runs/linear/sweep-0001"))
    sweep.results.final["val/loss"]  # (S, C), the same numbers as when the sweep had just ended

experiment.yaml gives the plan, results.csv what became of each member, curves.npz the records, reference.npz
what the data say before training, and result.json what was found. Numbers in these files are as precise as
they were in memory, so the results are equal, and so is all that is made of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lrcli.analysis.sweep_results import Array, SweepResults
from lrcli.errors import RunDirectoryError
from lrcli.storage.digests import KeptFile
from lrcli.storage.shards import refuse_share
from lrcli.storage.sweep_result import SweepResult
from lrcli.storage.table_reading import MemberTable, find_curves, read_members
from lrcli.sweeps.collection import problems_of, records_of
from lrcli.sweeps.columns import mapped
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.reference_file import Reference, read_reference
from lrcli.sweeps.resuming import plan_again, result_of_sweep
from lrcli.sweeps.stable_rates import read_stable_rates
from lrcli.wording import typed

__all__ = ["FinishedSweep", "members_of", "read_sweep"]

_ERROR = "error/"
_ENDED = ("completed", "stopped_early", "diverged")


@dataclass(frozen=True, eq=False)
class FinishedSweep:
    """A sweep of which every member has ended.

    Attributes:
        plan: what was trained.
        results: what has become of its members.
        result: what was found, as result.json has it.
    """

    plan: SweepPlan
    results: SweepResults
    result: SweepResult


def read_sweep(directory: Path) -> FinishedSweep:
    """Read a finished sweep.

    Args:
        directory: of the sweep.

    Raises:
        RunDirectoryError: there is no sweep, it has not ended, a file is missing or has been damaged, or its
            experiment.yaml is no longer the one it was begun with.
        ExperimentError: its experiment.yaml has been changed and is wrong.
    """
    result = result_of_sweep(directory)
    refuse_share(directory, result.shard)
    if result.status != "completed":
        raise RunDirectoryError(
            f"{directory}: has members that have not ended ({result.status}); go on with it first: "
            f"{typed('lrcli', 'resume', str(directory))}"
        )
    plan, _ = plan_again(directory, runs_code=False)
    reference = read_reference(directory, result, (len(plan.seeds), len(plan.configurations)))
    file = result.file(directory, "results.csv")
    table = members_of(file, plan)
    if not np.isin(table.status, _ENDED).all():
        raise RunDirectoryError(
            f"{file.path}: has been damaged: it has members that have not ended; {file.cure}"
        )
    results = replace(
        _results(plan, table, _curves(result.file(directory, "curves.npz"), plan), reference),
        stable=read_stable_rates(plan, result.divergence),
    )
    return FinishedSweep(plan, results, result)


def members_of(file: KeptFile, plan: SweepPlan) -> MemberTable:
    """The rows of results.csv, which are those of the plan; members that have not ended are interrupted.

    Raises:
        RunDirectoryError: they are not.
    """
    table = read_members(file)
    seeds = np.repeat(np.array(plan.seeds, dtype=np.int64), len(plan.configurations))
    same = np.array_equal(table.member, np.arange(plan.size)) and np.array_equal(table.seed, seeds)
    whole = {plan.select.metric, f"best/{plan.experiment.best.metric}"} <= set(table.numbers)
    if not (same and whole and tuple(table.values) == plan.configurations.keys):
        raise RunDirectoryError(f"{file.path}: does not hold the members of the sweep; {file.cure}")
    return table


def _curves(file: KeptFile, plan: SweepPlan) -> Mapping[str, Array]:
    """From metric to its records, (S, C, T), read where they are looked at.

    Raises:
        RunDirectoryError: they are not of the sweep's members.
    """
    shape = (len(plan.seeds), *records_of(plan)[0].shape)
    stored = find_curves(file)
    if any(each.shape != (shape[0] * shape[1], shape[2]) for each in stored.values()):
        raise RunDirectoryError(f"{file.path}: does not hold the records of the sweep; {file.cure}")
    return mapped(stored, (shape[0], shape[1]))


def _results(
    plan: SweepPlan, table: MemberTable, curves: Mapping[str, Array], reference: Reference
) -> SweepResults:
    """The results as they were when the sweep ended.

    Args:
        plan: of the sweep.
        table: what became of its members.
        curves: their records, (S, C, T).
        reference: what their data say before training.
    """
    shape = (len(plan.seeds), len(plan.configurations))
    numbers = {name: values.reshape(shape) for name, values in table.numbers.items()}
    best = numbers.pop(f"best/{plan.experiment.best.metric}")
    errors = {name: values for name, values in numbers.items() if name.startswith(_ERROR)}
    epoch, step = records_of(plan)
    return SweepResults(
        keys=plan.configurations.keys,
        configurations=plan.filled,
        seeds=plan.seeds,
        metric=plan.select.metric,
        mode=plan.select.direction,
        status=table.status.reshape(shape),
        diverged_step=table.diverged_step.reshape(shape),
        epochs=table.epochs.reshape(shape),
        final={name: values for name, values in numbers.items() if name not in errors},
        best=best,
        errors={name.removeprefix(_ERROR): values for name, values in errors.items()},
        epoch=epoch,
        step=step,
        curves=curves,
        undetermined=reference.undetermined,
        least=reference.least,
        constant=reference.constant,
        problems=problems_of(plan),
        sampling=reference.sampling,
    )
