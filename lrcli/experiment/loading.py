"""From a file, the files it extends, and overrides to a checked `Experiment`."""

import copy
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrcli.config.blocks import GridSpec
from lrcli.config.document import Document, KeyPath
from lrcli.config.hints import meant, nearest
from lrcli.config.inheritance import read_extended
from lrcli.config.keys import dotted_keys
from lrcli.config.mappings import MAPPING, read_mapping
from lrcli.config.overrides import override, words_of
from lrcli.config.paths import anchor
from lrcli.config.validation import Mistake, refuse, validate
from lrcli.errors import UsageError
from lrcli.experiment.compatibility import incompatibilities, remarks
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.names import directory_name
from lrcli.storage.result_fields import SourceFiles, digests_of

__all__ = ["Loaded", "Source", "at_point", "decisive", "load", "one_experiment", "one_point", "reason"]


_MOST_CONFIGURATIONS = 1_000_000


@dataclass(frozen=True)
class Source:
    """What an experiment was read from.

    Attributes:
        files: from the path of each file, as given, to the SHA-256 of its content; the file itself first,
            then those that it extends. Of an experiment that is a mapping there are none.
        overrides: the ``KEY=VALUE`` words of the command line.
        lesson: likewise, the file whose expectations took the place of its own.
    """

    files: Mapping[str, str]
    overrides: tuple[str, ...] = ()
    lesson: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The path of the file itself, or what a mapping is called."""
        return next(iter(self.files), MAPPING)

    @property
    def record(self) -> SourceFiles | None:
        """As a result has it; None where it was read from no file."""
        if not self.files:
            return None
        (file, digest), *extends = self.files.items()
        return SourceFiles(file, digest, digests_of(dict(extends)), self.overrides, digests_of(self.lesson))


@dataclass(frozen=True)
class Loaded:
    """A checked experiment.

    Attributes:
        experiment: itself.
        document: what was written, and where.
        notes: what the user should know about it, a sentence each.
        source: what it was read from, for the result.
        expected: from name to comparison, in place of the experiment's own expectations.
    """

    experiment: Experiment
    document: Document
    notes: list[str]
    source: Source
    expected: Mapping[str, str] | None = None


def load(
    written: Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    edit: Callable[[Document], str] = lambda _: "",
) -> Loaded:
    """Read an experiment and what it extends, apply overrides, and check all of it.

    Args:
        written: its file, or a mapping as a file would have it.
        overrides: ``KEY=VALUE`` words, the later winning.
        edit: changes the document further; what it returns is a note, or nothing.

    Raises:
        ExperimentError: with every mistake and its location.
        UsageError: a word that is no override.
    """
    if isinstance(written, Path):
        document, notes = read_extended(written, str(written), Experiment)
    else:
        document, notes = read_mapping(written, Experiment)
    notes += [note for word in overrides for note in override(document, word)]
    if "name" not in document.data:
        document.data["name"] = directory_name(written.stem) if isinstance(written, Path) else MAPPING
    notes += filter(None, [edit(document)])
    experiment = _check(document)
    mistakes = list(_check_grid(document, experiment))
    if mistakes:
        raise refuse(document, mistakes)
    source = Source(document.files, tuple(overrides))
    return Loaded(experiment, document, notes + remarks(experiment), source)


def _check(document: Document, base: Path | None = None) -> Experiment:
    """The sound experiment of a document.

    Args:
        document: whose paths become absolute.
        base: see `anchor`.
    """
    misplaced = anchor(document, Experiment, base)
    experiment = validate(document, Experiment)
    mistakes = [*misplaced, *incompatibilities(experiment)]
    if mistakes:
        raise refuse(document, mistakes)
    return experiment


def _check_grid(document: Document, experiment: Experiment) -> Iterator[Mistake]:
    """Each value of each swept key must make a sound experiment, the other keys at their first values."""
    point = one_point(document)
    known = dotted_keys(Experiment, document.data)
    for index, grid in enumerate(experiment.sweep.grid if experiment.sweep else ()):
        written = document.data["sweep"]["grid"]
        path = ("sweep", "grid", index) if isinstance(written, list) else ("sweep", "grid")
        fixed = [key for key in grid if key.split(".")[0] in {"seed", "sweep", "name"}]
        for key in fixed:
            hint = "; replicates are sweep.seeds" if key == "seed" else ""
            yield Mistake((*path, key), f"cannot be swept{hint}", at_key=True)
        yield from _check_keys(grid, path)
        strange = [key for key in grid if key.split(".")[0] not in {*Experiment.model_fields, *fixed}]
        for key in strange:
            guess = nearest(key, list(known)) or meant(key, known)
            yield Mistake((*path, key), f"unknown key{guess}", at_key=True)
        points = {key: spec.points() for key, spec in grid.items() if key not in {*fixed, *strange}}
        first = {key: values[0] for key, values in points.items()}
        common = _fault(point, first)
        for key, values in points.items():
            for value in decisive(values):
                fault = common if value is first[key] else _fault(point, first | {key: value})
                blamed = next((other for other in points if fault.startswith(f"{other}: ")), key)
                if blamed != key and fault == common:
                    continue  # the first value of that other key is the culprit, and is reported there
                if fault:
                    yield Mistake((*path, key), f"with {json.dumps(value)}: {fault}")
                    break


def _check_keys(grid: Mapping[str, GridSpec], path: KeyPath) -> Iterator[Mistake]:
    """Keys that set the same value, and grids that nobody can train."""
    for key in grid:
        for other in grid:
            if key.startswith(f"{other}."):
                yield Mistake((*path, key), f"is a part of {other}, which is swept, too", at_key=True)
    size = math.prod(len(spec.points()) for spec in grid.values())
    if size > _MOST_CONFIGURATIONS:
        yield Mistake(
            path, f"makes {size:,} configurations, and at most {_MOST_CONFIGURATIONS:,} can be trained"
        )


def decisive(values: list[Any]) -> list[Any]:
    """The values to try: between the smallest and the largest nothing is wrong that is right at both."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values) or not all(map(math.isfinite, numbers)):
        return values
    return [values[0], min(values), max(values)]


def _fault(document: Document, chosen: dict[str, Any]) -> str:
    """What is wrong with one point of the grid, from dotted key to value, or nothing."""
    try:
        at_point(document, chosen)
    except UsageError as error:
        return reason(error)
    return ""


def reason(error: UsageError) -> str:
    """Why a point is not sound, in a line."""
    return str(error).splitlines()[0].removeprefix("override: ")


def one_point(document: Document) -> Document:
    """The file without what is about the sweep or about its own point, for `at_point`."""
    kept = {key: value for key, value in document.data.items() if key not in {"sweep", "expect"}}
    keys, values = (
        {path: location for path, location in locations.items() if not path or path[0] in kept}
        for locations in (document.keys, document.values)
    )
    return Document(kept, keys, values)


def one_experiment(document: Document) -> Experiment:
    """The experiment of a document, its sweep aside.

    Raises:
        UsageError: it is not sound.
    """
    return at_point(one_point(document), {})


def at_point(document: Document, chosen: Mapping[str, Any]) -> Experiment:
    """The experiment at one point of the grid.

    Args:
        document: the file, as `one_point` gives it.
        chosen: from dotted key to value.

    Raises:
        UsageError: it is not sound.
    """
    trial = Document(copy.deepcopy(document.data), dict(document.keys), dict(document.values))
    for word in words_of(chosen):
        override(trial, word)
    return _check(trial, Path(document.values[()].origin).parent)
