"""Explaining what a word of the command line names: a file, a run, a sweep, or a word of the glossary."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrcli.explaining.finding import Explanation
    from lrcli.explaining.glossary.term import Term

__all__ = ["explain_directory", "explain_written", "explained"]


def explained(
    what: str, overrides: Sequence[str] = (), runs_dir: Path = Path("runs"), *, as_term: bool = False
) -> "tuple[Explanation | Term, list[str]]":
    """What a word names, explained, and notes on it.

    A file comes first, then the directory of a run, then ``last`` and the names of runs, then the glossary.

    Args:
        what: the word.
        overrides: ``KEY=VALUE`` words, for a file alone.
        runs_dir: the directory of all runs.
        as_term: look only in the glossary.

    Raises:
        UsageError: it names nothing, or what it names cannot be read.
    """
    from lrcli.errors import RunDirectoryError, UsageError
    from lrcli.explaining.terms import explain_term, find_term
    from lrcli.storage.finding import find_run

    path = Path(what)
    if not as_term and path.is_file() and path.name != "result.json":
        return explain_written(path, overrides)
    if overrides:
        raise UsageError(f"{overrides[0]}: only an experiment file can be changed, and {what} is none")
    term = find_term(what)
    if as_term or not what:
        return explain_term(what), []
    try:
        directory = find_run(what, runs_dir)
    except RunDirectoryError as error:
        if term is None:
            raise _nothing(what, error) from None
        return term, []
    notes = [f"{what} is a word of the glossary, too: lrcli explain --term {what}"] if term else []
    return explain_directory(directory), notes


def explain_written(
    written: Path | Mapping[str, Any], overrides: Sequence[str] = ()
) -> "tuple[Explanation, list[str]]":
    """An experiment before it is trained, and notes on it.

    Args:
        written: its file, or a mapping as a file would have it.
        overrides: ``KEY=VALUE`` words.

    Raises:
        ExperimentError: it is wrong.
    """
    from dataclasses import replace

    from lrcli.config.mappings import MAPPING
    from lrcli.experiment.loading import load
    from lrcli.explaining.commands import Origin
    from lrcli.explaining.files.explanation import explain_file

    loaded = load(written, overrides)
    if isinstance(written, Path):
        return explain_file(loaded.experiment, Origin(str(written), tuple(overrides))), loaded.notes
    explained = explain_file(loaded.experiment, Origin("FILE", tuple(overrides)))
    return replace(explained, subject=MAPPING), loaded.notes


def explain_directory(directory: Path) -> "Explanation":
    """A run or a sweep that has been trained.

    Raises:
        RunDirectoryError: it cannot be read.
    """
    from lrcli.storage.reading import read_result

    if read_result(directory).command == "sweep":
        from lrcli.explaining.sweeps.explanation import explain_sweep
        from lrcli.sweeps.reading import read_sweep

        return explain_sweep(read_sweep(directory))
    from lrcli.explaining.runs.explanation import explain_run
    from lrcli.running.trained import read_run

    return explain_run(read_run(directory))


def _nothing(what: str, error: Exception) -> Exception:
    """That a word names nothing: said of runs where it can only be one, else of words as well."""
    from lrcli.errors import UsageError
    from lrcli.explaining.terms import explain_term

    if what == "last" or os.path.lexists(what) or "/" in what or "\\" in what:
        return error
    if Path(what).suffix in {".yaml", ".yml"}:
        return UsageError(f"{what}: there is no such file")
    try:
        explain_term(what)
    except UsageError as no_word:
        return UsageError(
            f"{what}: is no file, no run and no word of the glossary", [str(error), str(no_word)]
        )
    return error
