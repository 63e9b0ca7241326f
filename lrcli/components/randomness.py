"""Random numbers that depend on (seed, purpose, index) and on nothing else.

Not on the position in a population, the order of calls or a device's generator: so a member trained
alone draws what it drew in a sweep, and a resumed run needs no generator state.
"""

import numpy as np

__all__ = ["generator", "words"]

_PURPOSES = {"data": 0, "init": 1, "shuffle": 2, "noise": 3, "resample": 4}


def generator(seed: int, purpose: str, index: int) -> np.random.Generator:
    """The generator of one use of randomness.

    Args:
        seed: of the run.
        purpose: ``data``, ``init``, ``shuffle``, ``noise`` or ``resample``.
        index: which of them: the split, the parameter, the epoch, the number of seeds.

    Raises:
        KeyError: the purpose is none of these.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(_PURPOSES[purpose], index))
    return np.random.Generator(np.random.PCG64(sequence))


def words(seed: int, purpose: str) -> list[int]:
    """The words of 32 bits that NumPy makes of a seed and a purpose; the words of an index come after them.

    Source: numpy/random/bit_generator.pyx, SeedSequence.get_assembled_entropy.

    Raises:
        KeyError: the purpose is none.
    """
    parts = [seed & 0xFFFFFFFF]
    while seed := seed >> 32:
        parts.append(seed & 0xFFFFFFFF)
    return [*parts, *[0] * (4 - len(parts)), _PURPOSES[purpose]]
