"""Findings: what `lrcli explain` has to say, one thing at a time, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Explanation", "Finding"]


@dataclass(frozen=True)
class Finding:
    """One thing that was computed, and what it means.

    Attributes:
        kind: what it is about, such as ``unfinished``; for programs, the same in every version.
        text: one to three sentences.
        numbers: what was computed, from name to value as it came out, none of them rounded.
        estimate: whether something in it is an estimate; else all of it is exact but for rounding.
        commands: what to try, as the very words to type.
    """

    kind: str
    text: str
    numbers: Mapping[str, float | str | None] = field(default_factory=dict)
    estimate: bool = False
    commands: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """The same in mappings, lists, numbers and texts."""
        return {
            "kind": self.kind,
            "text": self.text,
            "numbers": dict(self.numbers),
            "estimate": self.estimate,
            "commands": list(self.commands),
        }


@dataclass(frozen=True)
class Explanation:
    """All findings about one thing.

    Attributes:
        subject: what they are about, such as ``runs/linear/train-0001``.
        findings: the one that matters most comes first.
    """

    subject: str
    findings: tuple[Finding, ...]

    @property
    def most_important(self) -> Finding | None:
        """The first one; None where there is nothing to say."""
        return self.findings[0] if self.findings else None

    def __str__(self) -> str:
        """The sentences and the commands, a paragraph for each finding."""
        paragraphs = ["\n    ".join((finding.text, *finding.commands)) for finding in self.findings]
        return "\n\n".join([self.subject, *paragraphs])

    def as_data(self) -> dict[str, Any]:
        """What ``lrcli explain --json`` prints."""
        return {"subject": self.subject, "findings": [finding.as_data() for finding in self.findings]}
