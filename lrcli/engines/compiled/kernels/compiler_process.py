"""The process of the compiler, in which no file that lies about is taken for a module.

    python -P -S compiler_process.py FUNCTION DTYPE MEMBERS UNITS [FOLDER...] > object file

Started so, Python finds nothing but its own modules. What else it needs lies in the folders, which come after
them; lrcli itself is the one that this file is a part of.
"""

import sys
from importlib import util
from pathlib import Path

__all__ = ["load_lrcli"]


def load_lrcli() -> None:
    """Import the package from where it is, without the other modules that lie beside it."""
    spec = util.spec_from_file_location("lrcli", Path(__file__).parents[3] / "__init__.py")
    assert spec is not None  # noqa: S101  for mypy: a file of Python has one
    assert spec.loader is not None  # noqa: S101
    package = util.module_from_spec(spec)
    sys.modules["lrcli"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    name, dtype, members, units, *folders = sys.argv[1:]
    sys.path += folders
    load_lrcli()
    from lrcli.engines.compiled.kernels.compiler import object_file

    sys.stdout.buffer.write(object_file(name, dtype, int(members), int(units)))
