"""How much memory the machine lets this process have."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["memory_of_machine"]

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")
_UNLIMITED = 2**60  # version 1 of cgroups writes about 2^63 where there is no limit


def memory_of_machine() -> int | None:
    """The smallest of what is built in and of the limits set on this process, in bytes.

    Returns:
        None where the system tells none of them.
    """
    known = [size for size in (*_built_in(), *_of_groups(), *_of_process()) if 0 < size < _UNLIMITED]
    return min(known, default=None)


def _built_in() -> Iterator[int]:
    """The memory of the machine: by POSIX, or by Windows."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "win32":
        yield from _of_windows()


def _of_groups() -> Iterator[int]:
    """What the control groups of Linux allow, version 2 and version 1: those of containers, say."""
    paths = [_GROUPS / "memory.max", _GROUPS / "memory" / "memory.limit_in_bytes"]
    with contextlib.suppress(OSError, ValueError):
        for line in _OWN_GROUP.read_text(encoding="utf-8").splitlines():
            number, controllers, group = line.split(":", 2)
            if number == "0":
                below = [_GROUPS / group.strip("/"), *(_GROUPS / group.strip("/")).parents]
                paths += [path / "memory.max" for path in below if path.is_relative_to(_GROUPS)]
            elif "memory" in controllers.split(","):
                paths.append(_GROUPS / "memory" / group.strip("/") / "memory.limit_in_bytes")
    for path in paths:
        with contextlib.suppress(OSError, ValueError):  # "max" is no number
            yield int(path.read_text(encoding="utf-8"))


def _of_process() -> Iterator[int]:
    """What ``ulimit`` allows this process."""
    with contextlib.suppress(ImportError):
        import resource

        for name in ("RLIMIT_AS", "RLIMIT_DATA"):
            if hasattr(resource, name):
                yield resource.getrlimit(getattr(resource, name))[0]


def _of_windows() -> Iterator[int]:
    """GlobalMemoryStatusEx of kernel32."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("physical", "free", "b", "c", "d", "e", "f")),
        )

    status = Status(length=ctypes.sizeof(Status))
    with contextlib.suppress(AttributeError, OSError):
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined,unused-ignore]
            yield int(status.physical)
