"""A sweep, as Python has it."""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrcli.api.stored import Stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrcli.explaining.finding import Explanation
    from lrcli.storage.digests import KeptFile
    from lrcli.storage.sweep_result import BestConfiguration, ConfigurationRow, SweepResult, SweepStatus

__all__ = ["Sweep"]


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Stored):
    """A sweep: a grid of configurations times seeds, trained together.

    It is made by `lrcli.sweep`, `lrcli.resume`, `lrcli.load` or `lrcli.runs`. What it has beyond its result
    is read from its directory when it is asked for. In a notebook it shows its best configurations and its
    figures.

    Attributes:
        directory: where its files are; absolute.
        result: how it ended and what it found, as result.json has it, with a type.

    Example:
        >>> import lrcli
        >>> sweep = lrcli.sweep("experiments/linear.yaml", lr=[0.01, 0.1], seeds=3)
        >>> sweep.best.values
        {'optimizer.lr': 0.1}
        >>> len(sweep.members["member"])
        6
        >>> sweep.curves["val/loss"].shape  # members x records
        (6, 4)
    """

    result: "SweepResult"

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.result.name

    @property
    def status(self) -> "SweepStatus":
        """running, completed, interrupted or failed."""
        return self.result.status

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds."""
        return self.result.seeds

    @property
    def shard(self) -> tuple[int, int] | None:
        """(K, N) where it is the K-th of N shares, which has no tables before `lrcli.merge`; else None."""
        return self.result.shard

    @property
    def best(self) -> "BestConfiguration | None":
        """The best configuration: ``values``, ``median``, ``q25``, ``q75``, ``low`` and ``high`` (95%).

        None while members are missing.
        """
        return self.result.best

    @property
    def configurations(self) -> "tuple[ConfigurationRow, ...]":
        """The best configurations, best first; none while members are missing. `summary` has all."""
        return self.result.configurations

    @functools.cached_property
    def ranking(self) -> "dict[str, NDArray[Any]]":
        """A table of `configurations`: ``rank``, each swept key, ``n``, ``diverged``, ``median``, ...

        The numbers are those of the metric that ranks, over seeds; a member that diverged is infinitely bad.
        """
        from lrcli.api.tables import table_of_ranking

        return table_of_ranking(self.result.configurations, self.result.keys)

    @functools.cached_property
    def summary(self) -> "dict[str, NDArray[Any]]":
        """A table, a row for each configuration in the order of the grid, as summary.csv has it.

        Columns: each swept key, ``n`` members, ``diverged`` among them, and of the metric that ranks
        ``median``, ``q25``, ``q75``, ``mean``, ``std``.

        Raises:
            RunDirectoryError: summary.csv is not there, or has been damaged.
        """
        from lrcli.api.tables import table_of_configurations
        from lrcli.storage.table_reading import read_summary

        return table_of_configurations(read_summary(self._file("summary.csv")))

    @functools.cached_property
    def recovery(self) -> "dict[str, NDArray[Any]]":
        """A table, a row for each parameter of each configuration, as recovery.csv has it.

        Columns: each swept key, ``parameter``, ``n`` members, ``diverged`` among them, and of the others
        ``bias`` (the mean of learned minus true), ``empirical_se`` (the standard deviation over seeds),
        ``rmse`` and ``coverage`` (the share of 95% intervals that hold the truth), each followed by its Monte
        Carlo standard error, such as ``bias_mcse``. It has no columns where no true parameters are known.

        Raises:
            RunDirectoryError: recovery.csv has been damaged.
        """
        from lrcli.api.tables import table_of_study
        from lrcli.storage.table_reading import read_study

        file = self._file("recovery.csv")
        return table_of_study(read_study(file)) if file.sha256 or file.path.exists() else {}

    @functools.cached_property
    def members(self) -> "dict[str, NDArray[Any]]":
        """A table, a row for each member, as results.csv has it.

        Columns ``member``, ``seed``, each swept key, ``status``, ``outcome``, ``diverged_step`` (0: it has
        not diverged), ``epochs``, each final metric, ``best/<metric>``, ``error/<parameter>`` (true minus
        learned).

        Raises:
            RunDirectoryError: results.csv is not there, or has been damaged.
        """
        from lrcli.api.tables import table_of_members
        from lrcli.storage.table_reading import read_members

        return table_of_members(read_members(self._file("results.csv")))

    @functools.cached_property
    def curves(self) -> "dict[str, NDArray[Any]]":
        """The records of all members, as curves.npz has them: ``epoch``, ``step`` (records,), and metrics.

        Each metric is (members, records), NaN where there is no record or no finite value. ``epoch`` and
        ``step`` are (members, records), too, where configurations differ in them.

        Raises:
            RunDirectoryError: curves.npz is not there, or has been damaged.
        """
        from lrcli.storage.table_reading import read_curves

        history = read_curves(self._file("curves.npz"))
        return {"epoch": history.epoch, "step": history.step, **history.metrics}

    def _file(self, name: str) -> "KeptFile":
        """A file of a whole sweep.

        Raises:
            RunDirectoryError: this is a share, which has none.
        """
        from lrcli.storage.shards import refuse_share

        refuse_share(self.directory, self.result.shard)
        return self.result.file(self.directory, name)

    def explain(self) -> "Explanation":
        """Say why it came out as it did, in findings of a sentence or two each, and what to try.

        Raises:
            RunDirectoryError: its files are not there, or have been damaged.
        """
        from lrcli.api.explaining import explain_directory

        return explain_directory(self.directory)

    def __repr__(self) -> str:
        members = self.result.members_text
        return f"<Sweep {self.name!r}: {self.status}, {members}, in {self.directory}>"

    def _repr_html_(self) -> str:
        from lrcli.reporting.sweeps.card import sweep_card

        return sweep_card(self.result, self._drawings_if_any())
