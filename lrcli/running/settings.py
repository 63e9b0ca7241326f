"""The settings of runs as their files have them: read without being checked, and without drawing any data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lrcli.config.keys import dotted
from lrcli.config.source import read
from lrcli.errors import ExperimentError, LrcliError
from lrcli.running.comparison import SettingRow
from lrcli.storage.run_result import RunResult
from lrcli.storage.sweep_result import SweepResult

__all__ = ["IRRELEVANT", "Settings", "differing", "differing_environment", "relevant", "settings_of"]

Settings = Mapping[str, Any]  # from dotted key to value

IRRELEVANT = {"name", "description", "expect", "logging", "sweep"}  # blocks that what is learned is without
_ENVIRONMENT = (
    "engine",
    "device",
    "threads",
    "denormals_flushed",
    "gradients",
    "lrcli",
    "python",
    "numpy",
    "numba",
    "torch",
    "packages",
    "platform",
    "processor",
    "git_commit",
    "git_dirty",
)


def settings_of(
    directories: Sequence[Path], results: Sequence[RunResult | SweepResult]
) -> tuple[list[Settings | None], list[str]]:
    """The settings of each, and a sentence for each whose settings are not known.

    Files of earlier versions lack keys that have come since: where the keys of files differ, they are read
    with every default written out, as far as that is possible.
    """
    found: list[Settings | None] = []
    notes = []
    for directory, result in zip(directories, results, strict=True):
        file = directory / "experiment.yaml"
        if isinstance(result, RunResult) and file.exists() and not result.file(directory, file.name).whole():
            notes.append(
                f"the settings of {directory} are not known: {file} was changed since it was written"
            )
            found.append(None)
            continue
        try:
            found.append(dotted(read(file, str(file)).data))
        except ExperimentError as error:
            first = str(error).partition("\n")[0]
            notes.append(f"the settings of {directory} are not known: {first}")
            found.append(None)
    if len({frozenset(each) for each in found if each is not None}) > 1:
        found = [_with_defaults(*each) for each in zip(directories, found, strict=True)]
    return found, notes


def _with_defaults(directory: Path, written: Settings | None) -> Settings | None:
    if written is None:
        return None
    from lrcli.experiment.experiment import resolved
    from lrcli.experiment.loading import load

    try:
        return dotted(resolved(load(directory / "experiment.yaml").experiment))
    except LrcliError:  # its data are gone, or it is of a newer version
        return written


def differing(settings: Sequence[Settings | None]) -> tuple[tuple[SettingRow, ...], int | None]:
    """The keys in which they differ, in the order of the files, and how many are equal.

    Where the settings of one are not known nothing is said to differ.
    """
    known = [each for each in settings if each is not None]
    if len(known) < len(settings):
        return (), None
    keys = _in_order(known)
    rows = [SettingRow(key, tuple(each.get(key) for each in known)) for key in keys]
    unlike = tuple(row for row in rows if any(_other(value, row.values[0]) for value in row.values))
    return unlike, len(rows) - len(unlike)


def _other(a: Any, b: Any) -> bool:
    """Whether two values differ; 1 and 1.0 do not, 1 and true do."""
    return bool(a != b) or isinstance(a, bool) != isinstance(b, bool)


def _in_order(settings: Sequence[Settings]) -> list[str]:
    """All keys: a block's together, each where the first file that has it has it."""
    keys = dict.fromkeys(key for each in settings for key in each)
    blocks = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    return sorted(keys, key=lambda key: blocks.index(key.partition(".")[0]))


def relevant(settings: Settings) -> Settings:
    """Those that what is learned depends on."""
    return {key: value for key, value in settings.items() if key.partition(".")[0] not in IRRELEVANT}


def differing_environment(results: Sequence[RunResult | SweepResult]) -> tuple[SettingRow, ...]:
    """What else the numbers depend on: versions, device, commit, the content of files; where it differs."""
    facts = [_facts(result) for result in results]
    names = dict.fromkeys([*_ENVIRONMENT, *(name for each in facts for name in each)])
    rows = [SettingRow(name, tuple(each.get(name) for each in facts)) for name in names]
    return tuple(row for row in rows if any(value != row.values[0] for value in row.values))


def _facts(result: RunResult | SweepResult) -> dict[str, Any]:
    facts = {name: result.environment[name] for name in _ENVIRONMENT if name in result.environment}
    code = result.environment.get("code")
    digests = dict(code) if isinstance(code, Mapping) else {}
    digests |= {file.file: file.sha256 for file in result.data}
    return facts | {f"SHA-256 of {name}": str(value)[:12] for name, value in digests.items()}
