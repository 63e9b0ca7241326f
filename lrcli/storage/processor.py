"""The name of the processor, without starting another program, which `platform.processor` may do."""

import contextlib
import ctypes
import platform
import sys
from pathlib import Path

__all__ = ["processor_name"]

_INFO = Path("/proc/cpuinfo")
_HEAD = 4096  # bytes: its first core, whose lines those of the others repeat
_NAMES = ("model name", "cpu model", "hardware", "cpu")  # of x86, MIPS, some ARM, POWER


def processor_name() -> str:
    """What the system calls it, or else its architecture, such as ``aarch64``."""
    with contextlib.suppress(OSError, ValueError, AttributeError, ImportError):
        name = _NAME_OF.get(sys.platform, platform.machine)()
        if name:
            return " ".join(name.split())
    return platform.machine()


def _linux() -> str:
    with _INFO.open("rb") as file:
        lines = file.read(_HEAD).decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines)
    told = {key.strip().lower(): value for key, _, value in reversed([*pairs])}
    return next((told[name] for name in _NAMES if name in told), "")


def _macos() -> str:
    library = ctypes.CDLL(None)
    name = ctypes.create_string_buffer(256)
    size = ctypes.c_size_t(len(name))
    failed = library.sysctlbyname(b"machdep.cpu.brand_string", name, ctypes.byref(size), None, 0)
    return "" if failed else name.value.decode("utf-8", "replace")


def _windows() -> str:
    if sys.platform != "win32":
        return ""
    import winreg

    place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
        return str(winreg.QueryValueEx(key, "ProcessorNameString")[0])


_NAME_OF = {"linux": _linux, "darwin": _macos, "win32": _windows}
