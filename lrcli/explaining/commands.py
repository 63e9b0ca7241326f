"""Commands to type: what an explanation tells its reader to try."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lrcli.explaining.numerals import short
from lrcli.storage.run_result import RunResult
from lrcli.storage.sweep_result import SweepResult
from lrcli.wording import typed

__all__ = ["Origin", "origin_of"]


@dataclass(frozen=True)
class Origin:
    """Where an experiment is read from when it is to be trained with changes.

    Attributes:
        file: its path.
        overrides: the ``KEY=VALUE`` words that were given with it.
    """

    file: str
    overrides: tuple[str, ...] = ()

    def command(self, verb: str, changes: Mapping[str, object] | None = None, *options: str) -> str:
        """A command on the file, with what was overridden, and with changes that win over that.

        Args:
            verb: such as ``train``.
            changes: from dotted key to value.
            options: further words.
        """
        changed = {key: _written(value) for key, value in (changes or {}).items()}
        kept = [word for word in self.overrides if word.partition("=")[0] not in changed]
        words = [f"{key}={value}" for key, value in changed.items()]
        return typed("lrcli", verb, self.file, *kept, *words, *options)


def origin_of(result: RunResult | SweepResult) -> Origin:
    """The file that a run or a sweep came from; where that is gone, the one in its directory."""
    source = result.source
    if source is not None and Path(source.file).is_file():
        return Origin(source.file, source.overrides)
    return Origin(f"{result.run_dir}/experiment.yaml")


def _written(value: object) -> str:
    """A value as YAML has it, numbers with the digits that a person would type."""
    if isinstance(value, bool):
        return str(value).lower()
    return short(float(f"{value:.2g}")).replace(",", "") if isinstance(value, float) else str(value)
