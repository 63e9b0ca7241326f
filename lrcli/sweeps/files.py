"""The files of a sweep: experiment.yaml, results.csv, summary.csv, curves.npz, result.json, checkpoint/."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.comparison import compare_with_best
from lrcli.analysis.outcomes import outcomes
from lrcli.analysis.statistics import Statistics, describe_metric, ranking, scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import MAX_ABS_ERROR, split_of
from lrcli.experiment.experiment import resolved
from lrcli.running.location import RunPlace
from lrcli.running.reference_words import why_undetermined
from lrcli.running.stability import stability
from lrcli.runs.files import make_directory, write_arrays, write_json, write_whole, write_yaml, writing_whole
from lrcli.runs.tables import cells, csv_text
from lrcli.sweeps.event_list import EventList
from lrcli.sweeps.plan import SweepPlan

__all__ = ["SweepFiles"]

SCHEMA = 1
_CHECKPOINT = "checkpoint"
_CELLS = 2**18  # of results.csv that are text at a time
_MOST_LISTED = 1000  # configurations in result.json, the best ones; summary.csv has them all
_COLUMNS = ("n", "diverged", "median", "q25", "q75", "mean", "std")


class SweepFiles:
    """The files of one sweep.

    Attributes:
        directory: where they are; of a new sweep, from `open` on.
        place: where a new directory is to be, and what repository the result names.
        facts: what the numbers depend on.
    """

    def __init__(self, plan: SweepPlan, place: RunPlace, directory: Path | None = None) -> None:
        """Write nothing yet.

        Args:
            plan: of the sweep.
            place: where a new directory is to be.
            directory: that of a sweep that goes on.
        """
        self._plan = plan
        self.place = place
        self._directory = directory
        self.facts: dict[str, Any] = {}
        self._source: dict[str, Any] | None = plan.source.data

    @property
    def is_new(self) -> bool:
        """Whether nothing has been written yet."""
        return self._directory is None

    @property
    def directory(self) -> Path:
        """Where they are."""
        if self._directory is None:
            raise ValueError("the sweep has no directory before it is opened")
        return self._directory

    def open(self, facts: Mapping[str, Any]) -> None:
        """Make the directory, and write what is known before training.

        Raises:
            RunDirectoryError: it cannot be made, or is not empty.
        """
        if self._directory is not None:
            earlier = json.loads((self._directory / "result.json").read_bytes())
            self.facts = dict(earlier.get("environment") or {})
            self._source = earlier.get("source")
        self.facts |= facts
        if self._directory is None:
            self._directory = self.place.make(self._plan.experiment.name, "sweep")
        comment = "Resolved by lrcli; `lrcli sweep` on this file repeats the sweep."
        write_yaml(self.directory / "experiment.yaml", resolved(self._plan.experiment), comment)
        make_directory(self.directory / _CHECKPOINT)
        write_json(self.directory / "result.json", self._result("running", {}))

    def part(self, number: int) -> Path:
        """Where the results of a part are kept until all are there."""
        return self.directory / _CHECKPOINT / f"part-{number:04d}.npz"

    @property
    def events(self) -> EventList:
        """Which event files it has written."""
        return EventList(self.directory, self.directory / _CHECKPOINT / "events.txt")

    def finish(self, results: SweepResults, timing: Mapping[str, float]) -> dict[str, Any]:
        """Write the tables, and the result as far as it goes before pictures are drawn.

        Returns:
            the result, to be given to `close`.
        """
        with writing_whole(self.directory / "results.csv") as file:
            for rows in self._rows_of_members(results):
                file.write(rows.encode())
        missing = results.missing
        statistics = _without(describe_metric(results), missing)
        summary = self._configuration_columns(results, statistics)
        write_whole(self.directory / "summary.csv", csv_text(summary).encode())
        write_arrays(self.directory / "curves.npz", _curves(results))
        status = "interrupted" if missing.any() else "completed"
        found = _no_findings() if missing.any() else _findings(results, statistics)
        found |= {
            "stability": self._stability(results, statistics),
            "reference": self._reference(results),
            "diverged": int(np.count_nonzero(results.status == "diverged")),
            "missing": int(np.count_nonzero(missing)),
            "timing": dict(timing),
        }
        return self._result(status, found)

    def _stability(self, results: SweepResults, statistics: Statistics) -> dict[str, Any] | None:
        """Which rates are stable, where none of the sweep is and nothing else was swept."""
        if results.keys != ("optimizer.lr",) or np.isfinite(statistics.median).any() or results.missing.any():
            return None
        return stability(self._plan.experiment).as_data()

    def _reference(self, results: SweepResults) -> dict[str, Any]:
        """Which parameters the data leave open, in any seed, and a sentence about it."""
        names = list(results.undetermined)
        if not names:
            return {"undetermined": [], "why": ""}
        seeds = np.any([mask.any(axis=1) for mask in results.undetermined.values()], axis=0)
        share = "" if seeds.all() else f" of {np.count_nonzero(seeds)} of {len(seeds)} seeds"
        why = why_undetermined(self._plan.experiment, names, f"The data{share} do")
        return {"undetermined": names, "why": why}

    def close(self, result: Mapping[str, Any]) -> None:
        """Write the result, once everything else is written; a complete sweep needs no checkpoint.

        Raises:
            WriteError: it could not be written.
        """
        write_json(self.directory / "result.json", result)
        if result["status"] == "completed":  # a link there is left, with what it leads to
            shutil.rmtree(self.directory / _CHECKPOINT, ignore_errors=True)

    def fail(self, status: str) -> None:
        """Say in result.json how the sweep ended that did not end well, where that can still be written."""
        with contextlib.suppress(Exception):  # the error under way is the one to report
            write_json(self.directory / "result.json", self._result(status, {}))

    def _result(self, status: str, found: Mapping[str, Any]) -> dict[str, Any]:
        plan, choice = self._plan, self._plan.select
        return {
            "schema": SCHEMA,
            "command": "sweep",
            "name": plan.experiment.name,
            "source": self._source,
            "status": status,
            "run_dir": self.directory.as_posix(),
            "members": plan.size,
            "seeds": list(plan.seeds),
            "keys": list(plan.configurations.keys),
            "metric": choice.metric,
            "mode": choice.direction,
            "memory": plan.memory,
            "fingerprint": plan.fingerprint,
            "warnings": plan.warnings,
            **found,
            "environment": self.facts,
        }

    def _rows_of_members(self, results: SweepResults) -> Iterator[str]:
        """The text of results.csv, some rows at a time: texts take many times the memory of numbers."""
        keys = {name: np.array(column, dtype=object) for name, column in self._key_columns().items()}
        values = self._member_values(results)
        rows = max(1, _CELLS // (2 + len(keys) + len(values)))
        for first in range(0, results.status.size, rows):
            members = np.arange(first, min(first + rows, results.status.size))
            seeds, configurations = np.divmod(members, len(results.configurations))
            columns = {"member": cells(members), "seed": cells(np.array(results.seeds)[seeds])}
            columns |= {name: column[configurations].tolist() for name, column in keys.items()}
            columns |= {name: cells(column.reshape(-1)[members]) for name, column in values.items()}
            columns["diverged_step"] = ["" if text == "0" else text for text in columns["diverged_step"]]
            yield csv_text(columns, with_header=first == 0)

    def _member_values(self, results: SweepResults) -> dict[str, NDArray[Any]]:
        """The columns of results.csv after the swept keys, (S, C) each."""
        return {
            "status": results.status,
            "outcome": outcomes(results),
            "diverged_step": results.diverged_step,
            "epochs": results.epochs,
            **results.final,
            f"best/{self._plan.experiment.best.metric}": results.best,
            **{f"error/{name}": values for name, values in results.errors.items()},
        }

    def _configuration_columns(self, results: SweepResults, statistics: Statistics) -> dict[str, list[str]]:
        """The columns of summary.csv, a row for each configuration."""
        columns = self._key_columns() | {name: cells(getattr(statistics, name)) for name in _COLUMNS}
        if MAX_ABS_ERROR in results.final:
            recovery = _without(describe_metric(results, MAX_ABS_ERROR), results.missing)
            columns |= {f"{MAX_ABS_ERROR}/{name}": cells(getattr(recovery, name)) for name in _COLUMNS[2:]}
        return columns

    def _key_columns(self) -> dict[str, list[str]]:
        """The swept keys, a text for each configuration; empty where its grid does not have the key."""
        configurations = self._plan.configurations
        filled = self._plan.filled
        columns = {
            key: np.array(
                cells(["" if value is None else _text(value) for value in filled.filling(key)]), dtype=object
            )
            for key in configurations.keys
        }
        for numbers, grid in configurations.columns():
            for key, (points, index) in grid.items():
                texts = np.array(cells([_text(point) for point in points]), dtype=object)
                columns[key][numbers] = texts[index]
        return {key: column.tolist() for key, column in columns.items()}


def _text(value: Any) -> str:
    """A swept value as it would be written in a file."""
    return value if isinstance(value, str) else json.dumps(value)


def _curves(results: SweepResults) -> dict[str, np.ndarray[Any, Any]]:
    """(members, records) for each metric; step and epoch too where configurations differ in them."""
    seeds = len(results.seeds)
    axes = {"step": results.step, "epoch": results.epoch}
    if all((axis == axis[:1]).all() for axis in axes.values()):
        arrays = {name: axis[0] for name, axis in axes.items()}
    else:
        arrays = {name: np.tile(axis, (seeds, 1)) for name, axis in axes.items()}
    return arrays | {name: curve.reshape(-1, curve.shape[2]) for name, curve in results.curves.items()}


def _findings(results: SweepResults, statistics: Statistics) -> dict[str, Any]:
    """Each configuration, and the best one with its interval."""
    order = ranking(statistics, results.mode)
    rows = [
        {
            "values": dict(results.configurations[int(number)]),
            "rank": rank,
            **{name: getattr(statistics, name)[number].item() for name in _COLUMNS},
        }
        for rank, number in enumerate(order[:_MOST_LISTED], start=1)
    ]
    listed = scores(results)[:, order[:_MOST_LISTED]]
    comparison = compare_with_best(listed, 0, results.mode)
    interval = {"low": comparison.low, "high": comparison.high}
    alike = [row["rank"] for row, far in zip(rows, comparison.distinguishable, strict=True) if not far]
    test = {
        name: describe_metric(results, name).median[order[0]].item()
        for name in results.final
        if split_of(name) == "test"
    }
    return {
        "configurations": rows,
        "configurations_left_out": max(0, len(order) - _MOST_LISTED),
        "best": rows[0] | interval | {"like_best": alike[1:], "test": test},
    }


def _no_findings() -> dict[str, Any]:
    """What can be said while members are missing: nothing."""
    return {"configurations": [], "configurations_left_out": 0, "best": None}


def _without(statistics: Statistics, missing: NDArray[np.bool_]) -> Statistics:
    """The statistics, blank for configurations of which members are missing."""
    blank = missing.any(axis=0)
    names = ("median", "q25", "q75", "mean", "std")
    kept = {name: np.where(blank, np.nan, getattr(statistics, name)) for name in names}
    return replace(statistics, n=statistics.n - missing.sum(axis=0), **kept)
