"""Going on with a sweep, and training one of its members again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from lrcli.errors import RunDirectoryError, UsageError
from lrcli.experiment.experiment import resolved
from lrcli.experiment.loading import Loaded, at_point, load, one_point
from lrcli.experiment.user_code import changed_code
from lrcli.running.location import OutputLocation
from lrcli.running.trained import refuse_other_data
from lrcli.storage.beginnings import shard_of_experiment
from lrcli.storage.reading import begun_command, find_result
from lrcli.storage.shards import Shard
from lrcli.storage.sweep_result import SweepResult
from lrcli.sweeps.files import SweepFiles
from lrcli.sweeps.grid import point_text
from lrcli.sweeps.plan import DEFAULT_MEMORY, SweepPlan, plan_sweep
from lrcli.wording import counted

__all__ = [
    "begun_shard",
    "complete_result",
    "damage",
    "differing_keys",
    "files_again",
    "files_for",
    "member_alone",
    "members_with_events",
    "plan_again",
    "result_of_sweep",
]

_MOST_SHOWN = 10
_TABLES = ("results.csv", "summary.csv", "curves.npz", "reference.npz")  # of every sweep that is complete


def files_for(plan: SweepPlan, location: OutputLocation, shard: Shard | None = None) -> SweepFiles:
    """Where a sweep is written: a new directory, or the one the user named, in which it may go on.

    Args:
        plan: of the sweep.
        location: where it is to be.
        shard: which share of it.

    Raises:
        RunDirectoryError: another sweep is there, with what differs, or another share.
    """
    directory = location.run_dir
    if directory is None or not (directory / "experiment.yaml").exists():
        return SweepFiles(plan, location, shard=shard)
    earlier, _ = plan_again(directory, default_memory=plan.memory, default_shares=plan.shares)
    found = _differences(earlier, plan)
    if found:
        raise RunDirectoryError(f"{directory}: holds another sweep:", found[:_MOST_SHOWN])
    there, other = (each or "the whole sweep" for each in (begun_shard(directory), shard))
    if there != other:
        raise RunDirectoryError(
            f"{directory}: holds {there}, so {other} cannot be there; give each a directory of its own"
        )
    return SweepFiles(plan, location, directory, shard)


def files_again(directory: Path) -> tuple[SweepPlan, SweepFiles, list[str]]:
    """The plan and the files of a sweep, or of a share of one, that goes on; and what to know of it.

    Raises:
        RunDirectoryError, ExperimentError, CodeError: as of `plan_again`.
    """
    plan, notes = plan_again(directory)
    location = OutputLocation(origin=directory.absolute())
    return plan, SweepFiles(plan, location, directory, begun_shard(directory)), notes


def begun_shard(directory: Path) -> Shard | None:
    """Which share of a sweep was begun in a directory; None: all of it.

    Raises:
        RunDirectoryError: there is a result, and it has been damaged.
    """
    result = find_result(directory)
    if isinstance(result, SweepResult):
        return Shard(*result.shard) if result.shard else None
    found = shard_of_experiment(directory / "experiment.yaml")
    return Shard(*found) if found else None


def plan_again(
    directory: Path,
    *,
    runs_code: bool = True,
    default_memory: int = DEFAULT_MEMORY,
    default_shares: int = 1,
) -> tuple[SweepPlan, list[str]]:
    """The plan of a sweep that was begun, and what the user should know about it.

    Args:
        directory: of the sweep.
        runs_code: see `plan_sweep`.
        default_memory: for one that was killed before it had written what it was begun with.
        default_shares: likewise, where it is no share itself.

    Raises:
        RunDirectoryError: there is no sweep, or what it was begun with has been changed.
        ExperimentError: its experiment.yaml has been changed and is wrong.
        CodeError: code of the user's can no longer be used.
    """
    if begun_command(directory) == "sweep" and find_result(directory) is None:
        loaded, shard = load(directory / "experiment.yaml"), begun_shard(directory)
        shares = shard.count if shard else default_shares
        return plan_sweep(loaded, default_memory, shares, runs_code=runs_code), loaded.notes
    plan, loaded = _begun(directory, runs_code=runs_code)
    return plan, loaded.notes


def _begun(directory: Path, *, runs_code: bool = True) -> tuple[SweepPlan, Loaded]:
    """The plan of a sweep as it was begun, and its file."""
    result = result_of_sweep(directory)
    loaded = load(directory / "experiment.yaml")
    plan = None
    if loaded.experiment.sweep:
        plan = plan_sweep(loaded, result.memory, result.shares, runs_code=runs_code)
    changed = "its experiment.yaml" if plan is None or plan.fingerprint != result.fingerprint else ""
    if plan is not None and not changed:
        refuse_other_data(directory, plan.files, result)
    if plan is not None and runs_code and not changed:
        changed = ", ".join(changed_code(result.environment.get("code", {}), plan.experiment))
    if plan is None or changed:
        raise RunDirectoryError(
            f"{directory}: {changed} was changed after the sweep had begun; start another with it"
        )
    return plan, loaded


def complete_result(files: SweepFiles) -> SweepResult | None:
    """The result of a sweep that lacks nothing, or None: its files are there, too, as they were written."""
    result = _completed(files)
    return result if result is not None and not _damaged(files.directory, result) else None


def damage(files: SweepFiles) -> list[str]:
    """What the user should know of a sweep that had ended and lacks something: that it is trained again."""
    result = _completed(files)
    found = [] if result is None else _damaged(files.directory, result)
    if result is None or not found:
        return []
    if result.shard:
        told = "since the share ended; their members are trained again"
    else:
        told = f"since the sweep ended; all {counted(result.members, 'member')} are trained again"
    return [f"{files.directory}: {', '.join(found)}: gone, damaged or changed {told}"]


def _completed(files: SweepFiles) -> SweepResult | None:
    """The result of a sweep that had ended."""
    if files.is_new or find_result(files.directory) is None:
        return None
    result = result_of_sweep(files.directory)
    return result if result.status == "completed" else None


def _damaged(directory: Path, result: SweepResult) -> list[str]:
    """The files of a completed sweep that are not as they were written, or are gone."""
    names = [name for name in result.files if name != "experiment.yaml"]  # which its fingerprint covers
    tables = () if result.shard else _TABLES  # a share may have no part at all
    return [name for name in names or tables if not result.file(directory, name).whole()]


def members_with_events(directory: Path) -> int:
    """How many members of a sweep, its first ones, have event files of their own in a directory."""
    return sum(1 for _ in directory.glob("member=*"))


def member_alone(directory: Path, member: int) -> Loaded:
    """The experiment that a member of a sweep was.

    Args:
        directory: of the sweep.
        member: its number in results.csv.

    Raises:
        RunDirectoryError: there is no sweep, or its experiment.yaml is no longer the one it was begun with.
        UsageError: there is no such member.
    """
    plan, loaded = _begun(directory)
    configurations, seeds = plan.configurations, plan.seeds
    if not 0 <= member < len(configurations) * len(seeds):
        last = len(configurations) * len(seeds) - 1
        raise UsageError(f"{directory}: has no member {member}; they are numbered from 0 to {last}")
    number, configuration = divmod(member, len(configurations))
    point = configurations[configuration]
    experiment = at_point(one_point(loaded.document), point | {"seed": seeds[number]})
    note = f"member {member}: seed {seeds[number]}, {point_text(point)}"
    words = [point_text({key: value}) for key, value in point.items()]
    source = replace(loaded.source, overrides=(*words, f"seed={seeds[number]}"))
    return replace(loaded, experiment=experiment, notes=[note], source=source)


def result_of_sweep(directory: Path) -> SweepResult:
    """The result of a sweep.

    Raises:
        RunDirectoryError: there is none, or it has been damaged.
    """
    result = find_result(directory / "result.json")
    if result is None:
        raise RunDirectoryError(f"{directory}: holds no sweep")
    if not isinstance(result, SweepResult):
        raise RunDirectoryError(f"{directory}: holds a run of lrcli {result.command}, not a sweep")
    return result


def _differences(there: SweepPlan, here: SweepPlan) -> list[str]:
    """Where two sweeps differ, a line for each key."""
    found = differing_keys(resolved(there.experiment), resolved(here.experiment))
    if there.memory != here.memory:
        found.append(f"memory: {there.memory} there, {here.memory} here")
    if there.shares != here.shares:
        found.append(f"shares: {there.shares} there, {here.shares} here")
    return found


def differing_keys(there: Any, here: Any, path: str = "") -> list[str]:
    """Where two experiments differ, a line for each key."""
    if isinstance(there, dict) and isinstance(here, dict):
        keys = [*there, *(key for key in here if key not in there)]
        return [
            line
            for key in keys
            for line in differing_keys(there.get(key), here.get(key), f"{path}.{key}".removeprefix("."))
        ]
    return [] if there == here else [f"{path}: {json.dumps(there)} there, {json.dumps(here)} here"]
