"""`lrcli train`."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrcli.cli.completion import complete_device, complete_engine, complete_file, complete_word
from lrcli.cli.gc_control import resume_collecting
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.errors import ExperimentError, LrcliError, UsageError

if TYPE_CHECKING:
    from lrcli.api import Observer
    from lrcli.experiment.lesson import Lesson
    from lrcli.experiment.loading import Loaded
    from lrcli.reporting.runs.window import FigureWindow
    from lrcli.running.location import OutputLocation
    from lrcli.running.resuming import Resumed
    from lrcli.running.single import Finished
    from lrcli.storage.run_result import RunResult

__all__ = ["EPILOG", "Shown", "exit_code", "train", "train_and_report"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml",
    "lrcli train experiments/linear.yaml optimizer.lr=0.1 training.epochs=20",
    "lrcli train experiments/linear.yaml --seed 3 --json",
    "lrcli train experiments/sine*.yaml --quiet",
    "lrcli train experiments/linear_[lms]*.yaml --expect experiments/linear.yaml",
)

_FAILED, _WRONG, _UNMET, _INTERRUPTED = 1, 2, 3, 130
_WORST_FIRST = (_INTERRUPTED, _WRONG, _FAILED, _UNMET, 0)


def train(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|KEY=VALUE",
            help="Experiment files, and dotted keys with the values to use in all of them.",
            show_default=False,
            autocompletion=complete_word,
        ),
    ],
    seed: Annotated[int | None, typer.Option(help="Short for seed=N.", show_default=False)] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Short for device=D: auto, cpu, cuda, cuda:N, mps.",
            show_default=False,
            autocompletion=complete_device,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Short for engine=E: auto, compiled, torch.",
            show_default=False,
            autocompletion=complete_engine,
        ),
    ] = None,
    expect: Annotated[
        Path | None,
        typer.Option(
            metavar="LESSON",
            help="Hold every file to the expectations of this one instead of its own.",
            show_default=False,
            autocompletion=complete_file,
        ),
    ] = None,
    runs_dir: RUNS_DIR = Path("runs"),
    run_dir: Annotated[
        Path | None, typer.Option(help="Write this run here instead; for one file.", show_default=False)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, a line for each file.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Open a window of figures that follow the training.")
    ] = False,
) -> None:
    """Train experiments and print how well their parameters were recovered."""
    from lrcli.experiment.lesson import read_lesson
    from lrcli.reporting.messages import print_error, print_note
    from lrcli.running.location import OutputLocation

    files, overrides = _sort_words(words)
    if run_dir is not None and len(files) > 1:
        raise UsageError("--run-dir is a place for one run; give one file, or use --runs-dir")
    overrides += [f"seed={seed}"] if seed is not None else []
    overrides += [f"device={device}"] if device is not None else []
    overrides += [f"engine={engine}"] if engine is not None else []
    lesson = None if expect is None else read_lesson(expect)
    # All checks first: a mistake is answered before torch is imported, and before anything is trained.
    loaded, errors = _load_each(files, overrides, lesson)
    for error in errors:
        print_error(str(error))
    locations = {file: OutputLocation(runs_dir, run_dir, file.absolute().parent) for file in loaded}
    results: dict[Path, RunResult | None] = {file: None for file in files if file not in loaded}
    codes = [_WRONG if errors else 0]
    shown = Shown(as_json, quiet, _windows(wanted=live, quiet=quiet))
    for file, result, code in _train_each(loaded, locations, shown, alone=len(files) == 1):
        results[file] = result
        codes.append(code)
    if len(files) > 1 and not quiet and not as_json:
        from lrcli.reporting.runs.overview import print_overview

        # In the order of the line; what an interruption has left untrained is not told of.
        print_overview({str(file): results[file] for file in files if file in results})
    if shown.windows:
        if not quiet:
            print_note("close the window to end")
        shown.windows[-1].wait()
    raise typer.Exit(next(code for code in _WORST_FIRST if code in codes))


@dataclass(frozen=True)
class Shown:
    """What a run shows of itself.

    Attributes:
        as_json: its result as JSON.
        quiet: nothing but errors.
        windows: those of the runs so far, where each is to have one; None where none is.
    """

    as_json: bool = False
    quiet: bool = False
    windows: "list[FigureWindow] | None" = None

    @property
    def reported(self) -> bool:
        """Whether the report is printed."""
        return not self.as_json and not self.quiet


def _windows(*, wanted: bool, quiet: bool) -> "list[FigureWindow] | None":
    """Where the windows of runs are kept; None, with a note that says why, where there can be none."""
    if not wanted:
        return None
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.runs.window import why_no_window

    why = why_no_window()
    if why and not quiet:
        print_note(
            f"--live: {why}; instead watch tensorboard --logdir runs, with logging.figures_every=10 for the "
            "figures"
        )
    return None if why else []


def _train_each(
    loaded: Mapping[Path, "Loaded"], locations: Mapping[Path, "OutputLocation"], shown: Shown, *, alone: bool
) -> "Iterator[tuple[Path, RunResult | None, int]]":
    """Train one file after the other: each with its result, if it came to one, and its exit code."""
    from lrcli.reporting.messages import print_error

    for number, (file, each) in enumerate(loaded.items()):
        if number and shown.reported:
            typer.echo()
        try:
            result = train_and_report(each, locations[file], shown)
        except LrcliError as error:
            if alone:
                raise
            print_error(f"{file}: {error}")
            yield file, None, error.exit_code
            continue
        yield file, result, exit_code(result)
        if exit_code(result) == _INTERRUPTED:
            return


def train_and_report(
    loaded: "Loaded", location: "OutputLocation", shown: Shown, resumed: "Resumed | None" = None
) -> "RunResult":
    """Train one experiment, or go on with a run of it, print its result, and give it back."""
    try:
        result = _train(loaded, location, shown, resumed)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
    if result.status == "interrupted":
        from lrcli.reporting.messages import say_how_to_go_on

        say_how_to_go_on(Path(result.run_dir))
    if shown.as_json:
        from lrcli.reporting.runs.console import print_json

        print_json(result)
    if shown.quiet and exit_code(result):
        from lrcli.reporting.messages import print_error
        from lrcli.reporting.runs.overview import failure

        print_error(f"{loaded.source.file}: {failure(result)}")
    return result


def exit_code(result: "RunResult") -> int:
    """A run that did not end well outweighs an expectation that was not met."""
    if result.status == "interrupted":
        return _INTERRUPTED
    if not result.ended_well:
        return _FAILED
    return 0 if result.met_expectations else _UNMET


def _train(
    loaded: "Loaded", location: "OutputLocation", shown: Shown, resumed: "Resumed | None"
) -> "RunResult":
    """Train, showing on the screen how far it has come, and then what it has come to, while it is drawn."""
    from lrcli import api
    from lrcli.api.following import Following

    report = None
    observers: list[Observer] = []
    if shown.windows is not None:
        from lrcli.reporting.runs.window import FigureWindow

        shown.windows.append(FigureWindow())
        observers.append(shown.windows[-1].observe)
    if not shown.quiet:
        from lrcli.reporting.messages import print_note
        from lrcli.reporting.runs.progress import ProgressReport

        report = ProgressReport()
        for note in loaded.notes:
            print_note(note)

    def ended(event: "Finished") -> AbstractContextManager[object]:
        if not shown.reported:
            return nullcontext()
        from lrcli.explaining.runs.explanation import what_matters_most
        from lrcli.reporting.progress import still_line
        from lrcli.reporting.runs.console import print_report

        matters = what_matters_most(event.run)
        print_report(event.result, loaded.experiment.model, matters.text if matters else "")
        return still_line("drawing the figures") if loaded.experiment.logging.figures else nullcontext()

    with Following(report, begun=resume_collecting, ended=ended) as following:
        return api.train(loaded, location, [*observers, following.observe], following.interruption, resumed)


def _sort_words(words: list[str]) -> tuple[list[Path], list[str]]:
    """Files and overrides; a word with ``=`` is an override unless a file has that very name."""
    overrides = [word for word in words if "=" in word and not os.path.exists(word)]  # noqa: PTH110
    files = [Path(word) for word in words if word not in overrides]
    for file, after in itertools.zip_longest(files, files[1:], fillvalue="VALUE"):
        _check_is_no_key(str(file), str(after))
    if not files:
        raise UsageError("no experiment file; write lrcli train FILE [KEY=VALUE]...")
    return files, overrides


def _check_is_no_key(word: str, after: str) -> None:
    """A key and its value as two words are no files.

    Raises:
        UsageError: the word is a key.
    """
    if not word.replace(".", "").replace("_", "").isalpha() or os.path.exists(word):  # noqa: PTH110
        return
    from lrcli.config.keys import dotted_keys
    from lrcli.experiment.experiment import Experiment

    if word in dotted_keys(Experiment, {}):
        raise UsageError(f"{word}: there is no such file; to set this key write {word}={after}")


def _load_each(
    files: Sequence[Path], overrides: Sequence[str], lesson: "Lesson | None"
) -> tuple[dict[Path, "Loaded"], list[UsageError]]:
    """The good files, and what is wrong with the others, each message once.

    Raises:
        UsageError: no file is good; or one is not there, and whoever wrote the line meant something else.
    """
    from lrcli.config.document import Document
    from lrcli.config.overrides import override
    from lrcli.experiment.loading import load

    loaded: dict[Path, Loaded] = {}
    errors: dict[str, UsageError] = {}
    for file in files:
        try:
            loaded[file] = load(file, overrides)
        except UsageError as error:
            errors[str(error)] = error
            continue
        if loaded[file].experiment.sweep is not None:
            loaded[file].notes.append(
                "the sweep block waits for lrcli sweep; train takes the file's own values"
            )
    all_there = all(map(os.path.exists, files))
    if not all_there:
        for word in overrides:  # one that the shell has cut in two is what should be told
            override(Document({}), word)
    if not loaded or not all_there:
        raise ExperimentError([mistake for error in errors.values() for mistake in error.mistakes])
    return (loaded if lesson is None else lesson.give(loaded)), list(errors.values())
