"""Random numbers that code of the user's draws for itself, made to depend on a key alone."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lrcli.components.randomness import generator

__all__ = ["drawn_by", "drawn_from_torch", "generator_states", "key_of"]

_LARGEST = 2**63


def key_of(seed: int, purpose: str, index: int) -> int:
    """The key of one use of randomness; see `lrcli.components.randomness.generator`."""
    return int(generator(seed, purpose, index).integers(_LARGEST))


@contextlib.contextmanager
def drawn_by(key: int) -> Iterator[None]:
    """Whatever draws from a generator that all share draws the numbers of a key; then all is as it was.

    These are the generators of torch, of Python and the old one of NumPy.
    """
    others = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's code may draw from it
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(key)
        random.seed(key)
        np.random.seed(key % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(others[0])
            np.random.set_state(others[1])  # noqa: NPY002


@contextlib.contextmanager
def drawn_from_torch(key: int) -> Iterator[None]:
    """The same for what draws from torch's generator of the CPU alone, in a tenth of the time."""
    state = torch.default_generator.get_state()
    torch.default_generator.manual_seed(key)
    try:
        yield
    finally:
        torch.default_generator.set_state(state)


def generator_states() -> list[NDArray[Any]]:
    """Where these generators stand; that of torch for the CPU first."""
    state: Any = np.random.get_state()  # noqa: NPY002
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        devices.append(torch.mps.get_rng_state())
    tensors = [tensor.numpy() for tensor in (torch.get_rng_state(), *devices)]
    return [*tensors, state[1], np.array(state[2]), np.array(random.getstate()[1])]
