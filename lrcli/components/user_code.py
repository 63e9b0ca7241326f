"""Components whose code is the user's: a name in a Python file, and what it is made with.

Reading such a component runs nothing. `lrcli.experiment.user_code` opens it where something is trained: from
then on it has its code, and can answer what only the code knows.
"""

from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any, Self

from pydantic import Field, PrivateAttr

from lrcli.components.component import Component
from lrcli.components.python_file import PythonFile, open_file, running
from lrcli.config.paths import CodePath
from lrcli.errors import CodeError

__all__ = ["FromFile", "NamedCode"]


class FromFile(Component):
    """What a component of the user's says beside the keys of its family."""

    path: CodePath = Field(
        examples=["my_code.py"], description="the Python file, relative to the file that says it"
    )
    name: str = Field(min_length=1, examples=["Mine"], description="what it is called in that file")
    args: dict[str, object] = Field(
        default_factory=dict, examples=[{}], description="the keyword arguments that it is made with"
    )
    _code: Any = PrivateAttr(default=None)

    @property
    def code_path(self) -> str:
        return self.path

    @property
    def needs_code(self) -> bool:
        return self._code is None

    @property
    def code(self) -> Any:
        if self._code is None:
            raise CodeError(f"{self.path}: has not been run; only what trains or tests runs code")
        return self._code

    def with_code(self, code: Any) -> Self:
        """The same component with its code."""
        opened = self.model_copy()
        opened._code = code  # noqa: SLF001 - of its own class
        return opened

    @classmethod
    def key_order(cls) -> list[str]:
        """The code first, then as of any component."""
        return sorted(
            super().key_order(), key=lambda name: (name != "kind", name not in FromFile.model_fields)
        )


class NamedCode:
    """A name in a file, and what may be made of it.

    Attributes:
        file: the file, executed.
        whose: begins messages.
        named: what the name stands for.
        args: to make it with.
    """

    def __init__(self, component: FromFile, block: str) -> None:
        """Run the file.

        Args:
            component: which has not been opened.
            block: of the experiment file.

        Raises:
            CodeError: the file cannot be run, or has no such name.
        """
        self.file: PythonFile = open_file(component.path)
        self.whose = f"{block}: {component.name} in {component.path}"
        self.named = self.file.named(component.name)
        self.args = component.args

    @property
    def path(self) -> Path:
        """Of the file."""
        return self.file.path

    def running(self, failed: str, *, trains: bool = False) -> Any:
        """A context in which its code runs; see `lrcli.components.python_file.running`."""
        return running(self.whose, self.path, failed, trains=trains)

    def refuse(self, why: str) -> CodeError:
        """An error about it."""
        return CodeError(f"{self.whose}: {why}")

    @property
    def is_function(self) -> bool:
        """Whether the name stands for a function."""
        return isinstance(self.named, FunctionType | BuiltinFunctionType)

    def made(self) -> Any:
        """A class called with its arguments; anything else as it is.

        Raises:
            CodeError: it fails, or it takes no arguments and has some.
        """
        if isinstance(self.named, type):
            with self.running("could not be made"):
                return self.named(**self.args)
        if self.args:
            raise self.refuse("takes no args: it is not a class")
        return self.named
