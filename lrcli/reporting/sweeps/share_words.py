"""A share of a sweep in words: what it has trained, and how it comes together with the others."""

import re
from pathlib import Path

from lrcli.storage.finding import is_numbered
from lrcli.storage.shards import Shard
from lrcli.storage.sweep_result import SweepResult
from lrcli.wording import counted, one_line, typed

__all__ = ["how_to_merge", "share_ended"]


def share_ended(result: SweepResult, parts: int) -> str:
    """A clause, such as ``share 2 of 7 completed (57 of 400 members in 4 parts, in 0.02 s)``.

    Args:
        result: of the share.
        parts: that are its.
    """
    shard = Shard(*(result.shard or (1, 1)))
    if not parts:
        return f"{shard} is empty: the sweep has fewer parts than shares, so there is nothing to train for it"
    own, seconds = result.share_members or 0, result.timing.train_seconds if result.timing else 0
    ended = f"{own - result.missing:,} of its " if result.missing else ""
    diverged = f", {result.diverged:,} diverged" if result.diverged else ""
    how = "interrupted; lrcli resume goes on with it" if result.missing else result.status
    return (
        f"{shard}: {how} ({ended}{own:,} of {counted(result.members, 'member')}{diverged}, in "
        f"{counted(parts, 'part')}, in {seconds:.3g} s)"
    )


def how_to_merge(result: SweepResult) -> str:
    """A sentence with the command that puts the shares together."""
    shard, directory = Shard(*(result.shard or (1, 1))), Path(result.run_dir)
    alike = _with_all(directory, shard.number)
    words = typed("lrcli", "merge", *([] if alike else [str(directory)]))
    places = alike or "..."
    all_of_them = f"all {shard.count:,} have" if shard.count > 1 else "it has"
    return f"once {all_of_them} ended: {words} {places}"


def _with_all(directory: Path, number: int) -> str:
    """A pattern of the shell for the directories of all shares; empty where their names do not tell."""
    name = directory.name
    found = re.findall(rf"(?<![0-9])0*{number}(?![0-9])", name)
    if is_numbered(name) or len(found) != 1:
        return ""
    before, after = name.split(found[0], 1)
    if not re.fullmatch(r"[\w./\\:-]*", f"{directory.parent}{before}{after}"):  # it would need quotes
        return ""
    return one_line((directory.parent / f"{before}*{after}").as_posix())
