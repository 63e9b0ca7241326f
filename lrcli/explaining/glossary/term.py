"""What the glossary says of one word."""

from dataclasses import dataclass

__all__ = ["Term"]


@dataclass(frozen=True)
class Term:
    """A word, explained.

    Attributes:
        name: as reports and tables write it.
        text: about three sentences.
        source: where it comes from: a publication with its year, or what lrcli itself defines.
        also: other words for it, each of which finds it.
    """

    name: str
    text: str
    source: str
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The word, what it means, and the source."""
        return f"{self.name}\n\n{self.text}\n\nSource: {self.source}"

    def as_data(self) -> dict[str, object]:
        """What ``lrcli explain TERM --json`` prints."""
        return {"term": self.name, "text": self.text, "source": self.source, "also": list(self.also)}
