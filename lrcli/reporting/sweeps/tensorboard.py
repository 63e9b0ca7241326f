"""A sweep in TensorBoard: a run for each configuration, and one with the pictures and the ranking.

A configuration's scalars are medians over its seeds, under the tags a single run has, so that a sweep and
a run can be laid over each other; the bounds of the band around them are under ``quantiles/``. TensorBoard
gets slow with many runs and dies of two thousand, so there are never five hundred.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.statistics import describe_metric, scores
from lrcli.analysis.sweep_results import SweepResults
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
from lrcli.reporting.key_names import label
from lrcli.reporting.runs.tensorboard import final_scalars
from lrcli.reporting.scales import Array, thinned
from lrcli.reporting.sweeps.axes import short_names
from lrcli.reporting.sweeps.scores import best_first, curve_scores, diverged_by, quantiles
from lrcli.runs.files import make_directory

__all__ = ["write_sweep_events"]

_MOST_RUNS = 499
_MOST_CONFIGURATIONS = 450
_MOST_RECORDS = 1000  # of a tag; TensorBoard shows no more
_MOST_VALUES = 500_000  # in all files: about two seconds
_SHOWN_ROWS = 20
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
    members = list(members)[: _MOST_RUNS - 2]
    order = best_first(results)
    room = min(_MOST_CONFIGURATIONS, _MOST_RUNS - 1 - len(members))
    shown = np.sort(_best_and_others(order, room))
    records = _records(results, len(shown))
    directories = short_names(results, shown)
    opened = _open_in(sweep_dir, announce)
    # TensorBoard lists runs in the order in which they begin.
    _write_summary(results, opened, figures, order, len(shown), len(records))
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
    tags = 3 * len(results.curves) + 1
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
    for i, directory in enumerate(directories):
        configuration = results.configurations[shown[i]]
        columns = _constant(constants, results.keys) | flat_columns(configuration)
        file = opened(directory)
        file.write(0, session_start(columns, f"{name}/{directory}"))
        _write_curves(file, tags, curves[i], steps[i])
        last = int(results.step[shown[i]].max())
        final = {metric: values[i] for metric, values in finals.items() if np.isfinite(values[i])}
        file.write(last, final_scalars(final))
        file.write(last, [session_end(success=bool(finished[i]))])
        file.close()


def _constant(constants: _Hyperparameters, keys: Sequence[str]) -> dict[str, bool | float | str]:
    """What holds for every configuration: where a kind is swept the other keys of its block do not."""
    changed = tuple(f"{key.removesuffix('.kind')}." for key in keys)
    return {key: value for key, value in constants.items() if not f"{key}.".startswith(changed)}


def _curves(
    results: SweepResults, shown: NDArray[np.intp], records: NDArray[np.intp]
) -> tuple[list[str], Array]:
    """Tags and their points, (n, t, tags); NaN where there is none."""
    tags, columns = [], []
    for metric in results.curves:
        low, median, high = quantiles(curve_scores(results, metric, shown, records), (0.1, 0.5, 0.9))
        tags.append(metric)
        columns.append(median)
        if len(results.seeds) > 1 and metric != "lr":
            tags += _bounds(metric)
            # A line whose bounds are missing at some step has no band at all: infinity is as far as it goes.
            drawn = np.isfinite(median)
            columns += [np.where(drawn, _finite(low), np.nan), np.where(drawn, _finite(high), np.nan)]
    diverged = np.sum(diverged_by(results, shown, records), axis=0)
    tags.append("diverged")
    columns.append(np.where(results.epoch[np.ix_(shown, records)] >= 0, diverged, np.nan))
    return tags, np.stack(columns, axis=2)


def _bounds(metric: str) -> tuple[str, str]:
    return f"quantiles/{metric}/q10", f"quantiles/{metric}/q90"


def _finite(values: Array) -> Array:
    largest = float(np.finfo(np.float32).max)
    return np.clip(values, -largest, largest)


def _write_curves(file: EventFile, tags: Sequence[str], values: Array, steps: NDArray[np.int64]) -> None:
    """Write points (t, tags) that are finite, each step as one event."""
    for step, row in zip(steps.tolist(), values.tolist(), strict=True):
        points = {tag: value for tag, value in zip(tags, row, strict=True) if -np.inf < value < np.inf}
        if points:
            file.write(step, scalars(points))


def _write_members(
    results: SweepResults, opened: _Open, members: Sequence[int], records: NDArray[np.intp]
) -> None:
    """The curves of single members, without a row in the HParams table."""
    seed, configuration = np.divmod(np.array(members), len(results.configurations))
    curves = np.stack([curve[seed, configuration] for curve in results.curves.values()], axis=2)[:, records]
    steps = results.step[np.ix_(configuration, records)]
    names = short_names(results, np.unique(configuration))
    directories = dict(zip(np.unique(configuration).tolist(), names, strict=True))
    for i, member in enumerate(members):
        name = f"member={member},{directories[int(configuration[i])]},seed={results.seeds[seed[i]]}"
        file = opened(name)
        _write_curves(file, list(results.curves), curves[i], steps[i])
        file.close()


def _write_summary(
    results: SweepResults,
    opened: _Open,
    figures: Mapping[str, bytes],
    order: NDArray[np.intp],
    shown: int,
    records: int,
) -> None:
    """The pictures, the ranking and the layout of the Custom Scalars page."""
    file = opened("summary")
    values = [image(f"figures/{name}", png) for name, png in figures.items()]
    values.append(text("best configurations", _ranking(results, order, shown, records)))
    if len(results.seeds) > 1:
        charts = {metric: (metric, *_bounds(metric)) for metric in results.curves if metric != "lr"}
        values.append(margin_charts(charts))
    file.write(0, values)
    file.close()


def _ranking(results: SweepResults, order: NDArray[np.intp], shown: int, records: int) -> str:
    """The best configurations as a table in Markdown, and what TensorBoard is not shown."""
    statistics = describe_metric(results)
    head = ["", *(f"`{key}`" for key in results.keys), "seeds", "diverged", "median", "q25", "q75"]
    lines = [f"By the median of `{results.metric}` ({results.mode}) over the seeds:", "", _row(head)]
    lines.append(_row(["---"] * len(head)))
    for rank, i in enumerate(order[:_SHOWN_ROWS], 1):
        configuration = results.configurations[i]
        keys = [label(configuration, [key]).partition("=")[2] for key in results.keys]
        numbers = [f"{column[i]:.4g}" for column in (statistics.median, statistics.q25, statistics.q75)]
        lines.append(_row([str(rank), *keys, str(statistics.n[i]), str(statistics.diverged[i]), *numbers]))
    count, length = len(order), results.epoch.shape[1]
    if shown < count:
        lines += ["", f"Of {count} configurations {shown} are here: the {shown // 2} best ones, the others"]
        lines[-1] += " evenly from the rest of the ranking. `summary.csv` has all of them."
    if records < length:
        lines += ["", f"Of {length} records {records} are here, evenly. `curves.npz` has all of them."]
    return "\n".join(lines)


def _row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
