"""A sweep in TensorBoard: a run for each configuration, and one with the pictures and the ranking.

A configuration's scalars are medians over its seeds, under the tags a single run has, so that a sweep and
a run can be laid over each other. The run ``summary`` has the pictures, the ranking and the layout of the
Custom Scalars page; what that shows are the runs of `lrcli.reporting.sweeps.bands`. TensorBoard gets slow
with many runs and dies of two thousand, so there are never five hundred.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import scores
from lrcli.analysis.sweep_results import SweepResults
from lrcli.config.metrics import training_loss_of
from lrcli.reporting.curve_ends import drawn_records
from lrcli.reporting.event_file import (
    EventFile,
    flat_columns,
    image,
    margin_charts,
    scalars,
    session_end,
    session_start,
    text,
)
from lrcli.reporting.event_names import RANKING, STATUS, columns, curve_tag, final_tags, sweep_picture_tag
from lrcli.reporting.scales import Array, thinned
from lrcli.reporting.sweeps.axes import short_names
from lrcli.reporting.sweeps.bands import MOST_BANDS, Bands, best_bands
from lrcli.reporting.sweeps.ranking import ranking_markdown
from lrcli.reporting.sweeps.scores import best_first, curve_scores, diverged_by, quantiles
from lrcli.storage.files import make_directory

__all__ = ["write_sweep_events"]

_MOST_RUNS = 499
_MOST_CONFIGURATIONS = 450
_MOST_RECORDS = 1000  # of a tag; TensorBoard shows no more
_MOST_VALUES = 500_000  # in all files: about two seconds
_Hyperparameters = Mapping[str, bool | float | str]
_Open = Callable[[str], EventFile]  # from the name of a run


def write_sweep_events(
    results: SweepResults,
    sweep_dir: Path,
    name: str,
    figures: Mapping[str, bytes],
    members: Sequence[int] = (),
    constants: _Hyperparameters | None = None,
    announce: Callable[[Path], None] | None = None,
) -> None:
    """Write the event files of a finished sweep.

    Args:
        results: the sweep.
        sweep_dir: its directory; each configuration's file lies in one of its own inside it.
        name: of the sweep in the HParams table, such as ``linear/sweep-0002``.
        figures: from name to the bytes of a PNG file.
        members: the numbers of members (seed-major) that have files of their own.
        constants: hyperparameters that are not swept, `lrcli.reporting.runs.tensorboard.hyperparameters`.
        announce: told of each file before it is there.

    Raises:
        WriteError: a file could not be written.
    """
    members = list(members)[: _MOST_RUNS - MOST_BANDS - 2]
    order = best_first(results)
    room = min(_MOST_CONFIGURATIONS, _MOST_RUNS - MOST_BANDS - 1 - len(members))
    shown = np.sort(_best_and_others(order, room))
    records = _records(results, len(shown))
    directories = short_names(results, shown)
    bands = best_bands(results, order, records) if len(results.seeds) > 1 else None
    opened = _open_in(sweep_dir, announce)
    # TensorBoard lists runs in the order in which they begin.
    _write_summary(results, opened, figures, order, len(shown), len(records), bands)
    if bands is not None:
        _write_bands(opened, bands)
    _write_configurations(results, opened, name, shown, directories, records, constants or {})
    if members:
        _write_members(results, opened, members, records)


def _open_in(sweep_dir: Path, announce: Callable[[Path], None] | None) -> _Open:
    """What opens the event file of a run, in a directory of its name."""

    def opened(run: str) -> EventFile:
        make_directory(sweep_dir / run)
        return EventFile(sweep_dir / run, announce)

    return opened


def _best_and_others(order: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Half of those that have room are the best, half are evenly from all others."""
    if len(order) <= most:
        return order
    best = most // 2
    return np.concatenate([order[:best], order[best:][thinned(len(order) - best, most - best)]])


def _records(results: SweepResults, configurations: int) -> NDArray[np.intp]:
    tags = len(results.curves) + 1
    most = min(_MOST_RECORDS, max(50, _MOST_VALUES // (tags * max(1, configurations))))
    return thinned(results.epoch.shape[1], most)


def _write_configurations(
    results: SweepResults,
    opened: _Open,
    name: str,
    shown: NDArray[np.intp],
    directories: Sequence[str],
    records: NDArray[np.intp],
    constants: _Hyperparameters,
) -> None:
    tags, curves = _curves(results, shown, records)
    finals = {
        metric: quantiles(scores(results, metric)[:, shown], (0.5,))[0].tolist() for metric in results.final
    }
    steps = results.step[np.ix_(shown, records)]
    finished = np.any(np.isin(results.status[:, shown], ("completed", "stopped_early")), axis=0)
    began = time.time()
    for i, directory in enumerate(directories):
        row = _constant(constants, results.keys) | flat_columns(results.configurations[shown[i]])
        row[STATUS] = _status(results.status[:, shown[i]])
        file = opened(directory)
        file.write(0, session_start(columns(row), f"{name}/{directory}", began))
        _write_curves(file, tags, curves[i], steps[i])
        last = int(results.step[shown[i]].max())
        file.write(last, scalars(final_tags({metric: values[i] for metric, values in finals.items()})))
        file.write(last, [session_end(success=bool(finished[i]))])
        file.close()


def _status(of_seeds: NDArray[np.str_]) -> str:
    """How a configuration ended: the one way of all its seeds, or that some diverged."""
    ways = set(of_seeds.tolist())
    if len(ways) == 1:
        return str(ways.pop()).replace("_", " ")
    if "interrupted" in ways:
        return "interrupted"
    return "some seeds diverged" if "diverged" in ways else "completed"


def _constant(constants: _Hyperparameters, keys: Sequence[str]) -> dict[str, bool | float | str]:
    """What holds for every configuration: where a kind is swept the other keys of its block do not."""
    changed = tuple(f"{key.removesuffix('.kind')}." for key in keys)
    return {key: value for key, value in constants.items() if not f"{key}.".startswith(changed)}


def _curves(
    results: SweepResults, shown: NDArray[np.intp], records: NDArray[np.intp]
) -> tuple[list[str], Array]:
    """Tags and their points, (n, t, tags); NaN where there is none."""
    there = results.epoch[np.ix_(shown, records)] >= 0
    medians = {
        metric: quantiles(curve_scores(results, metric, shown, records), (0.5,))[0]
        for metric in results.curves
    }
    drawn = there & _before_explosion(medians, there)
    diverged = np.sum(diverged_by(results, shown, records), axis=0)
    points = [np.where(drawn, median, np.nan) for median in medians.values()]
    points.append(np.where(there, diverged, np.nan))
    return [curve_tag(metric) for metric in [*medians, "diverged"]], np.stack(points, axis=2)


def _before_explosion(curves: Mapping[str, Array], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which points are drawn, (n, t): where a curve ends with no number, none behind its explosion begins.

    Args:
        curves: from metric to (n, t).
        there: (n, t) which records there are; some first ones of each.
    """
    losses = curves[training_loss_of(curves) or next(iter(curves))]
    last = np.maximum(np.sum(there, axis=1) - 1, 0)
    broken = ~np.isfinite(np.take_along_axis(losses, last[:, None], axis=1)[:, 0])
    count = np.where(broken, drawn_records(losses), losses.shape[1])
    return np.asarray(np.arange(losses.shape[1]) < count[:, None])


def _write_curves(file: EventFile, tags: Sequence[str], values: Array, steps: NDArray[np.int64]) -> None:
    """Write points (t, tags) that are finite, each step as one event."""
    for step, row in zip(steps.tolist(), values.tolist(), strict=True):
        points = scalars(dict(zip(tags, row, strict=True)))
        if points:
            file.write(step, points)


def _write_members(
    results: SweepResults, opened: _Open, members: Sequence[int], records: NDArray[np.intp]
) -> None:
    """The curves of single members, without a row in the HParams table."""
    seed, configuration = np.divmod(np.array(members), len(results.configurations))
    curves = {name: curve[seed, configuration][:, records] for name, curve in results.curves.items()}
    steps = results.step[np.ix_(configuration, records)]
    diverged = results.status[seed, configuration] == "diverged"
    count = np.where(
        diverged, drawn_records(curves[training_loss_of(curves) or next(iter(curves))]), len(records)
    )
    tags = [curve_tag(metric) for metric in curves]
    points = np.stack(list(curves.values()), axis=2)
    names = short_names(results, np.unique(configuration))
    directories = dict(zip(np.unique(configuration).tolist(), names, strict=True))
    for i, member in enumerate(members):
        name = f"member={member},{directories[int(configuration[i])]},seed={results.seeds[seed[i]]}"
        file = opened(name)
        _write_curves(file, tags, points[i, : count[i]], steps[i, : count[i]])
        file.close()


def _write_summary(
    results: SweepResults,
    opened: _Open,
    figures: Mapping[str, bytes],
    order: NDArray[np.intp],
    shown: int,
    records: int,
    bands: Bands | None,
) -> None:
    """The pictures, the ranking, and the layout of the Custom Scalars page."""
    file = opened("summary")
    values = [image(sweep_picture_tag(name), png) for name, png in figures.items()]
    values.append(text(RANKING, ranking_markdown(results, order, shown, records)))
    if bands is not None:
        values.append(margin_charts(bands.title, bands.charts))
    file.write(0, values)
    file.close()


def _write_bands(opened: _Open, bands: Bands) -> None:
    """The best configurations, without a row in the HParams table."""
    for run, steps, values in zip(bands.runs, bands.steps, bands.values, strict=True):
        file = opened(run)
        _write_curves(file, bands.tags, values, steps)
        file.close()
