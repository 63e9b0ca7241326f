"""How many sets of data are worked on together, so that little memory is taken."""

from collections.abc import Iterator

__all__ = ["chunks_of_sets"]

_NUMBERS = 500_000  # of the matrices that are worked on together


def chunks_of_sets(sets: int, examples: int, parameters: int) -> Iterator[slice]:
    """Consecutive chunks of some sets, each with a matrix of examples times parameters."""
    together = max(1, _NUMBERS // (examples * parameters))
    for start in range(0, sets, together):
        yield slice(start, start + together)
