"""Which device the torch engine computes on, and what is there to choose from."""

import contextlib
from collections.abc import Iterator

import torch

from lrcli.errors import DeviceError

__all__ = ["available_devices", "choose_threads", "prepare_process", "select_device", "threads"]

_SHARE = 2**15  # numbers of a tensor that torch gives to a thread, at least
_ALL_THREADS = torch.get_num_threads()
_SMALL = 2**18  # numbers in the largest tensor of a step, below which threads cost more than they save


def available_devices() -> list[str]:
    """The devices of this machine that torch can use, best first."""
    devices = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def select_device(name: str, dtype: str) -> torch.device:
    """The device of an experiment.

    Args:
        name: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        dtype: ``float32`` or ``float64``.

    Raises:
        DeviceError: it is not there, or it cannot hold the dtype.
    """
    devices = available_devices()
    usable = [device for device in devices if device != "mps" or dtype != "float64"]
    wanted = usable[0] if name == "auto" else "cuda:0" if name == "cuda" else name
    if wanted not in devices:
        raise DeviceError(f"device: there is no {name} on this machine; there is {', '.join(devices)}")
    if wanted not in usable:
        raise DeviceError("dtype: an mps device has no float64; use float32, or device: cpu")
    return torch.device(wanted)


def prepare_process() -> bool:
    """Settings of the whole process; True where denormal numbers are flushed to zero.

    Converged runs reach numbers so small that CPUs compute with them 40 to 50 times slower.
    """
    return torch.set_flush_denormal(True)


def choose_threads(numbers: int, most: int | None) -> int:
    """Let torch use one thread where a step is small, else all it has, and say how many.

    Threads that it had before `prepare_process` keep denormal numbers; then it has one, as numbers would
    depend on which thread computes them.

    Args:
        numbers: in the largest tensor of a training step.
        most: threads that it may use; None: any number.
    """
    large = _ALL_THREADS if most is None else min(most, _ALL_THREADS)
    torch.set_num_threads(1 if numbers < _SMALL else large)
    if not _alike():
        torch.set_num_threads(1)
    return torch.get_num_threads()


def _alike() -> bool:
    """Whether all threads that torch uses flush denormal numbers, or none does."""
    count = torch.get_num_threads()
    if count == 1:
        return True
    tiny = torch.full((count * _SHARE,), 1e-30).mul_(1e-10).view(torch.int32)  # as a number it may count as 0
    return bool((tiny == tiny[0]).all())


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Meanwhile torch computes on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
