"""Machine code on disk: compiled once per machine, loaded in a millisecond.

A file of code is named after everything it depends on: the function, the sources, the versions of the
compilers, the processor. So it never has to be checked whether it is out of date. It is loaded by LLVM
alone; Numba is needed only to make it, in a process of its own.
"""

import ctypes
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Any, NamedTuple

from lrcli.engines.compiled import code_cache
from lrcli.engines.compiled.registry import ACTIVATIONS, LOSSES, OPTIMIZERS
from lrcli.engines.compiled.signatures import RECORDS
from lrcli.errors import EngineError

__all__ = ["ENTRY", "Code", "Function", "compiler_missing", "find", "load", "make", "target_machine"]

Function = Callable[[int, int, int, int], None]
"""Machine code of a kernel: of the addresses of a record's arguments and of its scratch memory, of the first
index along `Record.along` that is computed, and of the first that is not."""

ENTRY = "lrcli_entry"
_COMPILER = Path(__file__).with_name("kernels") / "compiler_process.py"
_DECIDING = ("machine_code", "records", "registry", "signatures")  # modules, beside the kernels
_WORDS = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


class Code(NamedTuple):
    """Which function, for which numbers.

    Attributes:
        name: of the function, see `lrcli.engines.compiled.signatures`.
        dtype: ``float32`` or ``float64``.
        members: in a row of lanes.
        units: in a row of lanes, for each member.
    """

    name: str
    dtype: str
    members: int
    units: int


@cache
def compiler_missing() -> str | None:
    """Why there is no compiled engine on this machine; None where there is one."""
    missing = [name for name in ("llvmlite", "numba") if util.find_spec(name) is None]
    return f"{' and '.join(missing)} not installed" if missing else None


# Finding and making -----------------------------------------------------------------------------------


def find(code: Code) -> bytes | None:
    """The machine code, where an earlier process has made it."""
    return code_cache.find(_file_name(code))


def make(codes: list[Code]) -> list[bytes]:
    """Compile, one on each core, and keep the results on the disk where that is possible.

    Raises:
        EngineError: the compiler failed.
    """
    running: list[subprocess.Popen[bytes]] = []
    stopped = False

    def compile_one(code: Code) -> bytes:
        with _start_compiler(code) as process:
            running.append(process)
            if stopped:  # just before it was there to be
                process.kill()
            return _finish(code, process)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            results = list(pool.map(compile_one, codes))
        except BaseException:
            stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.kill()
            raise
    for code, content in zip(codes, results, strict=True):
        code_cache.keep(_file_name(code), content)
    return results


def _start_compiler(code: Code) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-S", str(_COMPILER), *map(str, code), *_import_folders()]
    ours = ("NUMBA_", "PYTHONPATH")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return subprocess.Popen(  # noqa: S603  its words are our own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us to answer; on the compiler it would look like a failure
        cwd=_COMPILER.parent,  # Numba takes its settings from a file in the current directory, too
        env=environment | {"NUMBA_OPT": "0"},
    )


def _import_folders() -> list[str]:
    """Where this process finds modules, the current directory last: what is installed comes before it."""
    here = Path.cwd()
    return sorted(map(os.path.realpath, sys.path), key=lambda folder: Path(folder) == here)


def _finish(code: Code, process: "subprocess.Popen[bytes]") -> bytes:
    content, messages = process.communicate()
    if process.returncode != 0:
        last = messages.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise EngineError(f"engine: {code.name} could not be compiled: {last[0]}; engine: torch does without")
    return content


def _file_name(code: Code) -> str:
    words = [*map(str, code), _fingerprint()]
    return f"{'-'.join(words)}.o"


@cache
def _fingerprint() -> str:
    """Of everything that decides about the machine code, but for the function."""
    from llvmlite import binding as llvm

    facts = [llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()]
    facts += [metadata.version(package) for package in ("numba", "llvmlite")]
    facts += [*LOSSES, *ACTIVATIONS, *OPTIMIZERS]  # which are known to the machine code by their numbers
    facts += [f"{name}: {record.fields}" for name, record in RECORDS.items()]
    digest = hashlib.sha256("\n".join(facts).encode())
    here = Path(__file__).parent
    for source in [*sorted(here.glob("kernels/*.py")), *(here / f"{name}.py" for name in _DECIDING)]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:24]


# Loading ----------------------------------------------------------------------------------------------


def load(content: bytes) -> Function:
    """The function of a file of machine code."""
    from llvmlite import binding as llvm

    engine = _linker()
    engine.add_object_file(llvm.ObjectFileRef.from_data(content))
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(None, *_WORDS)(engine.get_function_address(ENTRY))
    function.engine = engine  # type: ignore[attr-defined]  # the memory of the code is the linker's
    return function


def target_machine() -> Any:
    """The processor of this machine, as LLVM is to compile for it."""
    from llvmlite import binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def _linker() -> Any:
    from llvmlite import binding as llvm

    machine = target_machine()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
