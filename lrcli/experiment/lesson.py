"""A lesson: what a teacher expects of every file that students hand in.

    expect:
      val/loss: "<= 0.25"
      recovery/w[0]: "< 0.1"

A file with nothing else is a lesson, and so is the teacher's own experiment with its ``expect`` block. A
student whose result does not have what the lesson names has not met it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from lrcli.config.base import Config
from lrcli.config.document import Document
from lrcli.config.hints import nearest
from lrcli.config.inheritance import read_extended
from lrcli.config.validation import Mistake, refuse, validate
from lrcli.errors import ExperimentError
from lrcli.experiment.compatibility import result_names
from lrcli.experiment.experiment import Comparison, Experiment
from lrcli.experiment.loading import Loaded, load

__all__ = ["Lesson", "read_lesson"]


class _Expectations(Config):
    """A file that holds expectations and nothing else."""

    description: str = Field("", description="a line for people")
    expect: dict[str, Comparison] = Field(
        min_length=1, max_length=1000, description="from a metric to a comparison"
    )


@dataclass(frozen=True)
class Lesson:
    """What is expected of every file.

    Attributes:
        expect: from name to comparison.
        document: where it was written.
    """

    expect: Mapping[str, str]
    document: Document

    def give(self, files: Mapping[Path, Loaded]) -> dict[Path, Loaded]:
        """The files with these expectations in place of their own.

        Raises:
            ExperimentError: a name that none of them can have in its result, and so is misspelt.
        """
        known = dict.fromkeys(name for each in files.values() for name in result_names(each.experiment))
        mistakes = [
            Mistake(
                ("expect", name), f"is in no result of these files{nearest(name, list(known))}", at_key=True
            )
            for name in self.expect
            if name not in known
        ]
        if mistakes and files:
            raise refuse(self.document, mistakes)
        lesson = self.document.files
        return {
            file: replace(each, expected=self.expect, source=replace(each.source, lesson=lesson))
            for file, each in files.items()
        }


def read_lesson(path: Path) -> Lesson:
    """Read a lesson.

    Raises:
        ExperimentError: it is neither expectations alone nor a sound experiment with some.
    """
    document, _ = read_extended(path, str(path), Experiment)
    if set(document.data) <= set(_Expectations.model_fields):
        return Lesson(validate(document, _Expectations).expect, document)
    loaded = load(path)
    if not loaded.experiment.expect:
        raise ExperimentError([f"{path}: expects nothing; give it an expect block"])
    return Lesson(loaded.experiment.expect, loaded.document)
