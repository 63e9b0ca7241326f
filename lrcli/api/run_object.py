"""A run, as Python has it."""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrcli.api.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from lrcli.explaining.finding import Explanation
    from lrcli.storage.run_result import BestRecord, ExpectationRow, RunResult, RunStatus

__all__ = ["Run"]


@dataclass(frozen=True, eq=False, repr=False)
class Run(Stored):
    """A run: one training of one model.

    It is made by `lrcli.train`, `lrcli.load` or `lrcli.runs`. What it has beyond its result is read from its
    directory when it is asked for. In a notebook it shows how it ended, its parameters and its figures.

    Attributes:
        directory: where its files are; absolute.
        result: how it ended and what it found, as result.json has it, with a type.

    Example:
        >>> import lrcli
        >>> run = lrcli.train("experiments/linear.yaml", {"training.epochs": 20})
        >>> run.status
        'completed'
        >>> sorted(run.parameters)
        ['b', 'w']
        >>> list(run.recovery["name"])
        ['w[0]', 'w[1]', 'b']
        >>> run.curves["val/loss"].shape
        (21,)
    """

    result: "RunResult"

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.result.name

    @property
    def status(self) -> "RunStatus":
        """running, completed, stopped_early, diverged, interrupted or failed."""
        return self.result.status

    @property
    def seed(self) -> int:
        """The seed: it drives data, initial parameters, shuffling and noise."""
        return self.result.seed

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric, NaN where it is not finite; test metrics among them."""
        return dict(self.result.metrics)

    @property
    def best(self) -> "BestRecord | None":
        """The record at which it was best: its metric, value and epoch. None where no value was finite."""
        return self.result.best

    @property
    def expectations(self) -> "tuple[ExpectationRow, ...]":
        """Each expectation of the file, the value it was compared with, and whether it holds."""
        return self.result.expectations

    @functools.cached_property
    def parameters(self) -> "Mapping[str, NDArray[np.float64]]":
        """The learned parameters, from name to array in the parameter's shape; none before it has ended."""
        import numpy as np

        return {name: np.asarray(value, dtype=np.float64) for name, value in self.result.parameters.items()}

    @functools.cached_property
    def recovery(self) -> "dict[str, NDArray[Any]]":
        """A table, a row for each number among the parameters: how near it came to what it is held against.

        Columns ``name`` such as ``w[0]``; ``true``, ``learned``, ``error`` (true minus learned, NaN where
        that says nothing); ``against``: how the reference was found (``true``, ``least_squares``, ``ridge``,
        ``optimum``); ``determined``: whether the data determine it. Without rows where nothing is known to
        compare with.
        """
        from lrcli.api.tables import table_of_recovery

        return table_of_recovery(self.result.recovery)

    @functools.cached_property
    def curves(self) -> "dict[str, NDArray[Any]]":
        """A table, a row for each record: ``epoch`` (0 is before training), ``step``, and each metric.

        Each column is (records,), NaN where a metric has no finite value. ``pandas.DataFrame(run.curves)``
        and ``polars.DataFrame(run.curves)`` take it as it is.

        Raises:
            RunDirectoryError: metrics.csv is not there, or has been damaged.
        """
        from lrcli.api.tables import table_of_records
        from lrcli.storage.table_reading import read_metrics

        return table_of_records(read_metrics(self.result.file(self.directory, "metrics.csv")))

    @functools.cached_property
    def path(self) -> "dict[str, NDArray[Any]]":
        """A table of the way of the parameters: ``epoch``, ``step``, a column for each number among them.

        A row for each record whose parameters were kept: all at first, then ever fewer, and the last.

        Raises:
            RunDirectoryError: its files are not there, or have been damaged.
        """
        from lrcli.api.tables import table_of_path
        from lrcli.running.trained import read_run

        return table_of_path(read_run(self.directory).path)

    def explain(self) -> "Explanation":
        """Say why it came out as it did, in findings of a sentence or two each, and what to try.

        Raises:
            RunDirectoryError: its files are not there, or have been damaged.
        """
        from lrcli.api.explaining import explain_directory

        return explain_directory(self.directory)

    def __repr__(self) -> str:
        return f"<Run {self.name!r}: {self.status}, seed {self.seed}, in {self.directory}>"

    def _repr_html_(self) -> str:
        from lrcli.reporting.runs.card import run_card

        return run_card(self.result, self._drawings_if_any())
