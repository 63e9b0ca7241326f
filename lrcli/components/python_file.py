"""Python files of the user: executed once, and what goes wrong in them told in their own lines.

A file is run only where something is trained or tested; whoever calls `open_file` answers for that. What lies
beside it it may import. What it prints goes to standard error, since standard output holds results.
"""

import contextlib
import hashlib
import importlib.util
import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from lrcli.config.hints import nearest
from lrcli.errors import CodeError, CodeRunError

__all__ = ["PythonFile", "open_file", "running"]

_PACKAGE = Path(__file__).resolve().parents[1]
_WIRING = (
    "torch/nn/modules/module.py",
    "torch/_functorch/",
    "torch/func/",
    "torch/autograd/",
    "contextlib.py",
)
_MOST_FRAMES = 12
_MOST_SAID = 1000  # letters of an error
_PREFIX = "_lrcli_user_"  # of the names of such modules

_OF_MODULE = re.compile(rf"^{_PREFIX}.*?_[0-9a-f]{{12}}\.")  # before the class of an error

_opened: dict[tuple[Path, str], "PythonFile"] = {}


@dataclass(frozen=True)
class PythonFile:
    """A file that has been executed.

    Attributes:
        path: absolute.
        module: what it defines.
        digests: from the path of the file, and of each beside it that it imports, to the SHA-256 of its
            content.
    """

    path: Path
    module: ModuleType
    digests: dict[str, str]

    def named(self, name: str) -> Any:
        """What a name stands for in the file.

        Raises:
            CodeError: there is no such name.
        """
        with running(str(self.path), self.path, f"has no {name}"):  # __getattr__ may be its own
            if not name.startswith("_") and hasattr(self.module, name):
                return getattr(self.module, name)
        names = self.own_names
        listed = ", ".join(names) if names else "nothing"
        raise CodeError(f"{self.path}: has no {name}{nearest(name, names)}; it defines {listed}")

    @property
    def own_names(self) -> list[str]:
        """The names that it defines itself, in its order."""
        here = self.module.__name__
        return [
            name
            for name, value in vars(self.module).items()
            if not name.startswith("_") and not isinstance(value, ModuleType) and _home(value, here) == here
        ]


def _home(value: object, default: str) -> object:
    """The module that a value says it is from; an object of the user's may fail to say it."""
    try:
        return getattr(value, "__module__", default)
    except Exception:
        return default


def open_file(path: str) -> PythonFile:
    """Execute a file, unless this process has executed the same content, and the same of those beside it.

    Args:
        path: of the file.

    Raises:
        CodeError: it is not there, it is no Python, or it fails.
    """
    absolute = Path(path).resolve()
    try:
        content = absolute.read_bytes()
    except OSError as error:
        raise CodeError(f"{path}: could not be read: {error.strerror}") from None
    key = absolute, hashlib.sha256(content).hexdigest()
    opened = _opened.get(key)
    if opened is None or any(_digest(each) != digest for each, digest in opened.digests.items()):
        opened = _opened[key] = _execute(absolute, content, key[1])
    return opened


def _digest(path: str) -> str | None:
    """Of a file's content; None: it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


def _execute(path: Path, content: bytes, digest: str) -> PythonFile:
    """The file as a module whose name no other has, so that what looks classes up by it finds them."""
    linecache.checkcache(str(path))
    name = f"{_PREFIX}{path.stem}_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise CodeError(f"{path}: is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with running(str(path), path, "could not be run"), _importing_from(path.parent) as helpers:
            exec(compile(content, str(path), "exec"), vars(module))  # noqa: S102 - what the command is for
    except BaseException:
        del sys.modules[name]
        raise
    digests = {str(each): hashlib.sha256(each.read_bytes()).hexdigest() for each in helpers}
    return PythonFile(path, module, {str(path): digest, **digests})


@contextlib.contextmanager
def _importing_from(folder: Path) -> Iterator[list[Path]]:
    """What lies in a folder can be imported for a while; the files of what has been, once that is over.

    These modules are forgotten then: another file may have others of the same names beside it.
    """
    found: list[Path] = []
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield found
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name not in known]:
            file = Path(getattr(sys.modules[name], "__file__", None) or "")
            if file.is_absolute() and _is_beside(file, name, folder):
                found.append(file.resolve())
                del sys.modules[name]


@contextlib.contextmanager
def running(whose: str, path: Path, failed: str, *, trains: bool = False) -> Iterator[None]:
    """Run code of the user: what it raises becomes an error with its own lines.

    Args:
        whose: begins the message.
        path: of the file; what calls it is not shown.
        failed: what has failed.
        trains: training has begun.

    Raises:
        CodeError: the code failed.
        CodeRunError: likewise, while something trained.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (CodeError, CodeRunError, MemoryError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # code of the user's may have derived from it, or call exit
        raise (CodeRunError if trains else CodeError)(*told(error, whose, path, failed)) from None


def told(error: BaseException, whose: str, path: Path, failed: str) -> tuple[str, list[str]]:
    """A message about an error in the user's code, and the lines where it came from."""
    if isinstance(error, SyntaxError) and error.filename is not None and error.lineno is not None:
        text = (error.text or "").rstrip("\n")
        column = max(error.offset or 1, 1)
        lines = [text, " " * (column - 1) + "^"] if text.strip() else []
        return f"{error.filename}:{error.lineno}:{column}: {error.msg}", lines
    what = " ".join(traceback.format_exception_only(error)[-1].split())
    what = _OF_MODULE.sub("", what)
    what = what if len(what) <= _MOST_SAID else f"{what[:_MOST_SAID]}..."
    if isinstance(error, SystemExit):
        what = "it calls exit"
    return f"{whose}: {failed}: {what}", _frames(error, path)


def _frames(error: BaseException, path: Path) -> list[str]:
    """The traceback from the first line of the user's on, without what only passes calls on."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames) if _is_in(frame.filename, path.parent)), len(frames))
    lines = []
    for frame in frames[first:]:
        file = frame.filename.replace(os.sep, "/")
        if any(part in file for part in _WIRING) or _is_in(frame.filename, _PACKAGE):
            continue
        lines.append(f'File "{frame.filename}", line {frame.lineno}, in {frame.name}')
        if frame.line:
            lines.append(f"  {frame.line}")
    return lines[: 2 * _MOST_FRAMES]


def _is_beside(file: Path, name: str, folder: Path) -> bool:
    """Whether a module was found in a folder itself, not in an installation somewhere below it."""
    resolved = file.resolve()
    if not resolved.is_relative_to(folder) or not resolved.is_file():
        return False
    return resolved.relative_to(folder).parts[0].removesuffix(".py") == name.partition(".")[0]


@cache
def _installations() -> list[Path]:
    """Where Python and its packages are installed."""
    paths = sysconfig.get_paths()
    return [Path(paths[name]).resolve() for name in ("stdlib", "purelib", "platlib")]


def _is_in(file: str, folder: Path) -> bool:
    """Whether a file lies below a folder, and not in an installation of Python there."""
    path = Path(file).resolve()
    places = [place for place in _installations() if not folder.is_relative_to(place)]
    installed = any(path.is_relative_to(place) for place in places)
    return path.is_relative_to(folder) and not installed
