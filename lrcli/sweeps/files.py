"""The files of a sweep: experiment.yaml, result.json, its tables and arrays, checkpoint/.

What of them must be there for the sweep to be read again, see `lrcli.sweeps.reading`.
"""

import contextlib
import hashlib
import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from lrcli.analysis.statistics import describe_metric
from lrcli.analysis.study import study_of
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.invocation import command_line
from lrcli.errors import LrcliError
from lrcli.experiment.experiment import resolved
from lrcli.running.location import OutputLocation
from lrcli.running.repeating import differing_facts
from lrcli.storage.beginnings import experiment_comment
from lrcli.storage.digests import KeptFile
from lrcli.storage.files import (
    make_directory,
    remove_leftovers,
    reporting_errors,
    write_arrays,
    write_result,
    write_yaml,
    writing_hashed,
)
from lrcli.storage.locking import locked
from lrcli.storage.provenance import time_now
from lrcli.storage.reading import find_result
from lrcli.storage.result_fields import SourceFiles, Timing, digests_of
from lrcli.storage.shards import Shard
from lrcli.storage.sweep_result import SweepResult, SweepStatus
from lrcli.storage.table_reading import find_curves
from lrcli.sweeps.collection import Collection
from lrcli.sweeps.columns import mapped
from lrcli.sweeps.event_list import EventList
from lrcli.sweeps.findings import findings, without_missing
from lrcli.sweeps.plan import SweepPlan
from lrcli.sweeps.reference_file import REFERENCE_FILE, reference_arrays
from lrcli.sweeps.share_tally import ShareTally
from lrcli.sweeps.shares import parts_of
from lrcli.sweeps.study import RECOVERY_FILE, rows_of_study
from lrcli.sweeps.tables import rows_of_members, table_of_configurations

__all__ = ["SweepFiles", "part_path"]

_CHECKPOINT = "checkpoint"
_CURVES = "curves.npz"


def _warn_of(otherwise: Iterable[str]) -> None:
    """Warn that a sweep goes on with other versions, say, than it was begun with: its bits may be of both."""
    found = "; ".join(otherwise)
    if found:
        warnings.warn(f"goes on otherwise than it was begun: {found}", stacklevel=3)


def part_path(directory: Path, number: int) -> Path:
    """Where a sweep, or a share of one, keeps what has become of a part of its plan."""
    return directory / _CHECKPOINT / f"part-{number:04d}.npz"


class SweepFiles:
    """The files of one sweep.

    Attributes:
        location: where a new directory is to be, and what repository the result names.
        shard: which share of the sweep they are of; None: of all of it.
        facts: what the numbers depend on.
        seconds: in the engine, of those who trained parts before, where that is known.
    """

    def __init__(
        self,
        plan: SweepPlan,
        location: OutputLocation,
        directory: Path | None = None,
        shard: Shard | None = None,
    ) -> None:
        """Write nothing yet.

        Args:
            plan: of the sweep.
            location: where a new directory is to be.
            directory: that of a sweep that goes on.
            shard: which share of the sweep they are of.
        """
        self._plan = plan
        self.location = location
        self.shard = shard
        self._directory = directory
        self.facts: dict[str, Any] = {}
        self.seconds = 0.0
        self._files: dict[str, str] = {}  # that are not going to change: the digest of each
        self._source = plan.source.record
        self._command_line = command_line()
        self._started = ""
        self._held: contextlib.ExitStack | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep others out of the directory, of a new sweep from `open` on; again inside does no harm.

        Raises:
            RunDirectoryError: another process is at work there.
        """
        if self._held is not None:
            yield
            return
        with contextlib.ExitStack() as self._held:
            self._held.callback(setattr, self, "_held", None)
            if self._directory is not None:
                self._held.enter_context(locked(self._directory))
                remove_leftovers(self._directory)
            yield

    @cached_property
    def parts(self) -> tuple[int, ...]:
        """The numbers of the parts of the plan that are to be trained."""
        return tuple(range(len(self._plan.parts))) if self.shard is None else parts_of(self._plan, self.shard)

    @property
    def is_new(self) -> bool:
        """Whether nothing has been written yet."""
        return self._directory is None

    @property
    def directory(self) -> Path:
        """Where they are; of a new sweep, from `open` on."""
        if self._directory is None:
            raise ValueError("the sweep has no directory before it is opened")
        return self._directory

    def merges(self, source: SourceFiles | None, seconds: float) -> None:
        """Take over what shares know of the sweep that they are merged to.

        Args:
            source: what the experiment was read from.
            seconds: in the engine, of all shares.
        """
        self._source, self.seconds = source, seconds

    def open(self, facts: Mapping[str, Any]) -> None:
        """Make the directory, and write what is known before training; inside `held`.

        Args:
            facts: what the numbers depend on.

        Raises:
            RunDirectoryError: it cannot be made, or is not empty; or the result that is there is damaged.
        """
        if self._directory is not None:
            earlier = find_result(self._directory)
            if earlier is not None:
                self.facts = dict(earlier.environment)
                _warn_of(differing_facts(self.facts, facts))
                self._source = earlier.source or self._source
                self._command_line, self._started = earlier.command_line, earlier.started
        self._started = self._started or time_now()
        self.facts |= facts
        if self._directory is None:
            if self._held is None:
                raise ValueError("a sweep is opened while its files are held")
            made = self.location.make(self._plan.experiment.name, "sweep")
            self._directory = self._held.enter_context(made)
        comment = experiment_comment("sweep", self._shard)
        digest = write_yaml(self.directory / "experiment.yaml", resolved(self._plan.experiment), comment)
        self._files = {"experiment.yaml": digest}
        make_directory(self.directory / _CHECKPOINT)
        self._write(self._result("running"))

    def part(self, number: int) -> Path:
        """Where the outcome of a part is kept until all are there."""
        return part_path(self.directory, number)

    def part_state(self, number: int) -> Path:
        """Where the state of a part is kept while it trains."""
        return self.directory / _CHECKPOINT / f"part-{number:04d}-state.npz"

    @property
    def events(self) -> EventList:
        """Which event files it has written."""
        return EventList(self.directory, self.directory / ".events.txt")

    def collected(self, collection: Collection) -> SweepResults:
        """What the parts have come to; curves.npz, of which much may be too large to be kept, is written.

        Raises:
            WriteError: it could not be written.
        """
        path = self.directory / _CURVES
        self._files[_CURVES] = write_arrays(path, collection.records)
        if collection.is_small:
            return collection.results()
        with reporting_errors(path):
            return collection.results(mapped(find_curves(KeptFile(path)), collection.shape))

    def finish(
        self, results: SweepResults, timing: Timing, warnings: Sequence[str] = (), lost: Sequence[str] = ()
    ) -> SweepResult:
        """Write the tables.

        Args:
            results: of the sweep, as `collected` gave them.
            timing: of it.
            warnings: what the user should know of how it was trained, a sentence each.
            lost: a sentence for each part that could not be trained.

        Returns:
            the result, to be given to `close`.

        Raises:
            WriteError: a file could not be written.
        """
        statistics = without_missing(describe_metric(results), results.missing)
        curves = self._files.pop(_CURVES)
        self._write_rows("results.csv", rows_of_members(self._plan, results))
        self._write_rows("summary.csv", [table_of_configurations(self._plan, results, statistics)])
        study = study_of(results)
        if study:
            self._write_rows(RECOVERY_FILE, rows_of_study(self._plan, study))
        self._files[_CURVES] = curves
        self._files[REFERENCE_FILE] = write_arrays(self.directory / REFERENCE_FILE, reference_arrays(results))
        found = findings(self._plan.experiment, results, statistics)
        status: SweepStatus = "failed" if lost else "interrupted" if found["missing"] else "completed"
        return self._result(status, timing=timing, warnings=self._said(*warnings, *lost), **found)

    def finish_share(
        self, tally: ShareTally, timing: Timing, warnings: Sequence[str] = (), lost: Sequence[str] = ()
    ) -> SweepResult:
        """Note the parts of a share, which has no tables; see `finish`.

        Returns:
            the result, to be given to `close`.

        Raises:
            WriteError: a part could not be read again.
        """
        missing = (self._share_members or 0) - tally.ended
        for number in () if missing else self.parts:
            path = self.part(number)
            with reporting_errors(path), path.open("rb") as file:
                self._files[f"{_CHECKPOINT}/{path.name}"] = hashlib.file_digest(file, "sha256").hexdigest()
        status: SweepStatus = "failed" if lost else "interrupted" if missing else "completed"
        said = self._said(*warnings, *lost)
        return self._result(status, timing=timing, warnings=said, missing=missing, diverged=tally.diverged)

    def _write_rows(self, name: str, texts: Iterable[str]) -> None:
        with writing_hashed(self.directory / name) as file:
            for text in texts:
                file.write(text.encode())
        self._files[name] = file.sha256

    def close(self, result: SweepResult) -> None:
        """Write the result, once everything else is written; a complete sweep needs no checkpoint.

        Raises:
            WriteError: it could not be written.
        """
        self._write(result)
        if result.status == "completed":
            self.clear()

    def clear(self) -> None:
        """Remove what a complete sweep needs no more, where nobody else is at work and that can be done.

        The parts of a share are what it is there for.
        """
        if self.shard is not None:
            return
        with contextlib.suppress(LrcliError), self.held():
            # A link there is left, with what it leads to.
            shutil.rmtree(self.directory / _CHECKPOINT, ignore_errors=True)

    def fail(self, status: SweepStatus) -> None:
        """Say in result.json how the sweep ended that did not end well, where that can still be written."""
        with contextlib.suppress(Exception):  # the error under way is the one to report
            self._write(self._result(status))

    @property
    def _shard(self) -> tuple[int, int] | None:
        return None if self.shard is None else (self.shard.number, self.shard.count)

    @property
    def _share_members(self) -> int | None:
        return None if self.shard is None else sum(self._plan.parts[number].size for number in self.parts)

    def _write(self, result: SweepResult) -> None:
        write_result(self.directory / "result.json", result.as_data())

    def _result(self, status: SweepStatus, **found: Any) -> SweepResult:
        plan, choice = self._plan, self._plan.select
        return SweepResult(
            name=plan.experiment.name,
            source=self._source,
            command_line=self._command_line,
            started=self._started,
            ended="" if status == "running" else time_now(),
            data=digests_of(plan.files),
            status=status,
            run_dir=self.directory.as_posix(),
            files=dict(self._files),
            members=plan.size,
            seeds=tuple(plan.seeds),
            keys=tuple(plan.configurations.keys),
            metric=choice.metric,
            mode=choice.direction,
            memory=plan.memory,
            fingerprint=plan.fingerprint,
            shares=plan.shares,
            shard=self._shard,
            share_members=self._share_members,
            environment=self.facts,
            **({"warnings": self._said()} | found),
        )

    def _said(self, *more: str) -> tuple[str, ...]:
        """What the user should know of the sweep, of shares that were trained elsewhere among it."""
        return (*self._plan.warnings, *self.facts.get("shares", ()), *more)
