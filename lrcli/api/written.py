"""What Python users write for an experiment, its overrides and its grid, as the commands take it."""

import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrcli.errors import UsageError

if TYPE_CHECKING:
    from lrcli.experiment.loading import Loaded

__all__ = [
    "Overrides",
    "PathLike",
    "Values",
    "Written",
    "loaded_from",
    "origin_of",
    "path_of",
    "plain_seeds",
    "shard_text",
    "specification",
    "words_of_overrides",
    "written_file",
]

PathLike = str | os.PathLike[str]
Written = PathLike | Mapping[str, Any]
Overrides = Mapping[str, Any] | Sequence[str] | None
Values = str | Sequence[Any] | Mapping[str, Any]


def written_file(experiment: Written) -> Path | Mapping[str, Any]:
    """What is loaded: the path of a file, or a mapping.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(experiment, Mapping):
        return experiment
    if isinstance(experiment, str | os.PathLike):
        return Path(experiment)
    raise UsageError(f"an experiment is the path of a file or a mapping, not a {type(experiment).__name__}")


def origin_of(experiment: Written) -> Path:
    """The folder whose repository the result names."""
    return Path.cwd() if isinstance(experiment, Mapping) else Path(experiment).absolute().parent


def loaded_from(experiment: Written, overrides: Overrides) -> "Loaded":
    """The checked experiment that a user has written.

    Raises:
        ExperimentError: it is wrong.
        UsageError: the overrides are neither a mapping nor words.
    """
    from lrcli.experiment.loading import load as load_experiment

    return load_experiment(written_file(experiment), words_of_overrides(overrides))


def path_of(directory: PathLike | None) -> Path | None:
    """A directory that may be given."""
    return None if directory is None else Path(directory)


def words_of_overrides(overrides: Overrides) -> list[str]:
    """Overrides as the words of a command line.

    Raises:
        UsageError: they are neither a mapping nor words.
        ExperimentError: a value could not stand in a file.
    """
    from lrcli.config.mappings import plain_data
    from lrcli.config.overrides import words_of

    if overrides is None:
        return []
    if isinstance(overrides, Mapping):
        return words_of(plain_data(overrides, "overrides"))
    if isinstance(overrides, str) or not all(isinstance(word, str) for word in overrides):
        raise UsageError("overrides are a mapping from dotted key to value, or a list of KEY=VALUE words")
    return list(overrides)


def specification(key: str, values: Values) -> str:
    """Values of a swept key as an option of the command line has them."""
    import json

    from lrcli.config.mappings import plain_data

    if isinstance(values, str):
        return values
    plain = plain_data(values, key)
    return json.dumps(plain if isinstance(plain, dict) else {"values": plain}, ensure_ascii=False)


def shard_text(shard: Any) -> str:
    """A share, (K, N) or as it is, as an option of the command line has it.

    Raises:
        UsageError: it is none.
    """
    if isinstance(shard, str):
        return shard
    try:
        number, count = shard
        return f"{operator.index(number)}/{operator.index(count)}"
    except (TypeError, ValueError):
        raise UsageError("a shard is (K, N), such as (2, 7) for the second of seven shares") from None


def plain_seeds(seeds: int | Sequence[int] | None) -> int | list[int] | None:
    """How many seeds, or which; whether they are sound is told with the rest of the file."""
    from lrcli.config.mappings import plain_data

    plain: int | list[int] | None = plain_data(seeds, "seeds")
    return plain
