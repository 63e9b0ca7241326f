"""What a share of a sweep has come to: how many of its members have ended, and how many of them diverged.

Its tables are made when it is merged with the others, so no more is kept in memory than that.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrcli.sweeps.cutting import Part
from lrcli.sweeps.outcome import PartOutcome

__all__ = ["ShareTally"]


@dataclass
class ShareTally:
    """Filled part by part.

    Attributes:
        ended: members that have ended.
        diverged: how many of them diverged.
    """

    ended: int = 0
    diverged: int = 0

    def take(self, _part: Part, outcome: PartOutcome, _path: Path | None = None) -> None:
        """Take in what the members of a part have come to; of one that was interrupted all are missing."""
        if outcome.is_complete:
            self.ended += len(outcome.status)
            self.diverged += int(np.count_nonzero(outcome.status == "diverged"))
