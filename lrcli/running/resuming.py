"""Going on with a run that was stopped, or killed, or that has ended and is to train for more epochs."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lrcli.errors import LrcliError, RunDirectoryError, UsageError
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.experiment.loading import Loaded, load
from lrcli.experiment.user_code import changed_code
from lrcli.running.files import state_path
from lrcli.running.trained import refuse_other_data
from lrcli.storage.files import remove_leftovers
from lrcli.storage.finding import why_no_result
from lrcli.storage.locking import locked, refuse_owned
from lrcli.storage.reading import find_result
from lrcli.storage.result_fields import SourceFiles
from lrcli.storage.run_result import RunResult
from lrcli.storage.state import KeptState, read_state
from lrcli.training.states import State

__all__ = ["FINGERPRINT", "Resumed", "fingerprint", "refuse_other_code", "refusing_other_states", "resuming"]

FINGERPRINT = "fingerprint"  # the key of a state that says whose it is
_EPOCHS = "training.epochs"
_ENDED = ("completed", "stopped_early", "diverged")
_LOOKED_AT = 1000  # steps


@dataclass(frozen=True, eq=False)
class Resumed:
    """A run that goes on.

    Attributes:
        loaded: its experiment, and what the user should know.
        directory: where it is.
        result: how far it had come; None where it was killed before it had said anything.
        state: from where it goes on; None: from its beginning.
        lacks_nothing: it has ended, and no more epochs were asked for.
    """

    loaded: Loaded
    directory: Path
    result: RunResult | None
    state: State | None
    lacks_nothing: bool

    @property
    def source(self) -> SourceFiles | None:
        """What the experiment was read from when the run began; the epochs that were added are named."""
        if self.result is None or self.result.source is None:
            return self.loaded.source.record
        source, words = self.result.source, self.loaded.source.overrides
        before = source.overrides
        if words:
            before = tuple(word for word in before if word.partition("=")[0] != _EPOCHS)
        return replace(source, overrides=(*before, *words[-1:]))  # the last word is the one that counts

    @property
    def origin(self) -> Path:
        """The directory whose repository the result names: that of the file, where it is still there."""
        written = Path(self.source.file) if self.source is not None else self.directory
        return (written if written.is_file() else self.directory / "experiment.yaml").absolute().parent

    @property
    def expected(self) -> Mapping[str, str] | None:
        """What the run is held to."""
        return {row.name: row.expected for row in self.result.expectations} if self.result else None


def fingerprint(experiment: Experiment) -> str:
    """Equal for experiments that are the same run, or the longer of which goes on where the shorter ended."""
    data = resolved(experiment)
    if not _depends_on_epochs(experiment):
        data["training"] = {key: value for key, value in data["training"].items() if key != "epochs"}
    data = {key: value for key, value in data.items() if key not in ("sweep", "expect", "description")}
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def resuming(directory: Path, overrides: Sequence[str] = ()) -> Iterator[Resumed]:
    """Where a run goes on; nobody else is at work in its directory as long as the context lasts.

    Args:
        directory: of the run.
        overrides: ``training.epochs=N`` or nothing.

    Raises:
        RunDirectoryError: there is no run, another process is at work in it, or what it was begun with has
            been changed.
        ExperimentError: its experiment.yaml has been changed and is wrong.
        UsageError: it cannot go on for so many epochs, or another key is to be changed.
    """
    refuse_owned(directory)  # what another process is changing would seem damaged
    resumed = _looked_at(directory, overrides)
    if resumed.lacks_nothing:
        with contextlib.suppress(LrcliError), locked(directory):  # one that was killed when all was written
            remove_leftovers(directory)
        yield resumed
        return
    with locked(directory):
        remove_leftovers(directory)
        resumed = _looked_at(directory, overrides)  # another process may have come further just now
        yield resumed if resumed.lacks_nothing else _with_state(resumed)


def _looked_at(directory: Path, overrides: Sequence[str]) -> Resumed:
    """See `resuming`; without the state, which may be large, and what is to be known of it."""
    result = find_result(directory)
    # That of pathlib raises where a directory may not be entered.
    has_experiment = os.path.isfile(directory / "experiment.yaml")  # noqa: PTH113
    if not has_experiment or not isinstance(result, RunResult | None):
        raise _nothing_to_go_on_with(directory, result)
    begun = load(directory / "experiment.yaml")
    damaged = []
    if result is not None:
        damaged = [name for name in result.files if not result.file(directory, name).whole()]
        if "experiment.yaml" in damaged:
            raise _other_experiment(directory)
        refuse_other_data(directory, begun.experiment.dataset.files, result)
    loaded = _longer(directory, begun, overrides) if overrides else begun
    ended = result is not None and result.status in _ENDED
    is_longer = loaded is not begun and result is not None and result.status == "completed"
    notes = list(loaded.notes)
    if result is None and (directory / "result.json").exists():
        notes.insert(0, f"{directory / 'result.json'}: has been damaged; written anew")
    if ended and damaged:
        lost = ", ".join(damaged)
        notes.insert(0, f"{directory}: {lost}: gone, damaged or changed since the run ended; written anew")
    lacks_nothing = ended and not damaged and not is_longer
    return Resumed(replace(loaded, notes=notes), directory, result, None, lacks_nothing)


def _with_state(resumed: Resumed) -> Resumed:
    """A run that goes on, with the state from which it does.

    Raises:
        RunDirectoryError: it is the state of another experiment or version, or somebody else's.
    """
    directory, loaded = resumed.directory, resumed.loaded
    kept = read_state(state_path(directory))
    state = _own_state(directory, loaded.experiment, kept)
    notes = [*loaded.notes, *_what_is_found(directory, kept, state)]
    return replace(resumed, loaded=replace(loaded, notes=notes), state=state)


def _nothing_to_go_on_with(directory: Path, result: object) -> RunDirectoryError:
    """Why a directory without an experiment cannot go on."""
    if isinstance(result, RunResult):
        return RunDirectoryError(f"{directory}: its experiment.yaml is gone, without which it cannot go on")
    why = "" if result else why_no_result(directory)
    return RunDirectoryError(f"{directory}: {why or 'holds no run that could go on'}")


@contextlib.contextmanager
def refusing_other_states(path: Path) -> Iterator[None]:
    """Say of a state that does not fit what is trained that it is of another version, or of somebody else.

    Raises:
        RunDirectoryError: inside, something was missing or did not fit.
    """
    try:
        yield
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise RunDirectoryError(
            f"{path}: is not a state of this experiment in this version of lrcli ({error}); without it "
            "training begins anew"
        ) from None


def refuse_other_code(resumed: Resumed, experiment: Experiment) -> None:
    """Refuse code that is no longer what a run was begun with.

    Args:
        resumed: the run.
        experiment: its own, whose code has been run.

    Raises:
        RunDirectoryError: a file of it has changed.
    """
    if resumed.result is None:
        return
    changed = changed_code(resumed.result.environment.get("code", {}), experiment)
    if changed:
        raise RunDirectoryError(
            f"{resumed.directory}: {', '.join(changed)} was changed after the run had begun; put it back as "
            "it was, or train again"
        )


def _other_experiment(directory: Path) -> RunDirectoryError:
    """The error to raise where another experiment is to go on than was begun."""
    return RunDirectoryError(
        f"{directory}: its experiment.yaml was changed after the run had begun; put it back as it was, or "
        "train it as a run of its own"
    )


def _own_state(directory: Path, experiment: Experiment, kept: KeptState) -> State | None:
    """The state, if it is one of this experiment.

    Raises:
        RunDirectoryError: it is one of another.
    """
    if kept.arrays is None:
        return None
    if str(kept.arrays.get(FINGERPRINT)) != fingerprint(experiment):
        raise _other_experiment(directory)
    return {name: array for name, array in kept.arrays.items() if name != FINGERPRINT}


def _longer(directory: Path, begun: Loaded, overrides: Sequence[str]) -> Loaded:
    """The experiment with more epochs.

    Raises:
        UsageError: the override is another one, or makes another run.
    """
    keys = [word.partition("=")[0] for word in overrides]
    others = [key for key in keys if key != _EPOCHS]
    if others:
        raise UsageError(
            f"{others[0]}: a run goes on with what it was begun with; only {_EPOCHS}=N can be given, for "
            "more epochs"
        )
    loaded = load(directory / "experiment.yaml", overrides)
    before, after = begun.experiment.training.epochs, loaded.experiment.training.epochs
    if after == before:
        return begun
    if after < before:
        raise UsageError(f"{_EPOCHS}={after}: the run trains for {before} already, and none are taken back")
    if _depends_on_epochs(begun.experiment):
        raise UsageError(
            f"{_EPOCHS}={after}: the learning rate of its schedule depends on the number of all epochs, so a "
            "longer run is another one from its first step on; train it from its beginning"
        )
    return loaded


def _depends_on_epochs(experiment: Experiment) -> bool:
    """Whether the learning rate of a step would be another one if more epochs followed."""
    hyperparameters = {n: np.array([v]) for n, v in experiment.optimizer.hyperparameters().items()}
    steps = np.arange(_LOOKED_AT)
    few, many = (experiment.optimizer.rates(hyperparameters, steps, n * _LOOKED_AT) for n in (1, 3))
    return not np.array_equal(few, many)


def _what_is_found(directory: Path, kept: KeptState, state: State | None) -> list[str]:
    """From where the run goes on, and why not from its last state.

    Raises:
        RunDirectoryError: the state is of another version, or somebody else's.
    """
    notes = [f"{path}: has been damaged" for path in kept.damaged]
    if state is None:
        return [*notes, f"{directory}: has no state to go on from; trained from its beginning"]
    with refusing_other_states(state_path(directory)):
        epoch = int(state["loop/epoch"])
    return [*(f"{note}; the state before it is taken" for note in notes), f"goes on after epoch {epoch:,}"]
