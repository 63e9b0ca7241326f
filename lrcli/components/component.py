"""What every dataset, model, loss and optimizer answers about the code that it is made of."""

from typing import Any

from lrcli.config.base import Config

__all__ = ["Component"]


class Component(Config):
    """Base of the components that an experiment trains with.

    One whose code is the user's answers otherwise, see `lrcli.components.user_code.FromFile`; whoever must
    tell these apart asks here.
    """

    @property
    def code_path(self) -> str | None:
        """The Python file of the user's that it is in; None: it is lrcli's own, or a package's."""
        return None

    @property
    def needs_code(self) -> bool:
        """Whether that file has still to be run before it can be used."""
        return False

    @property
    def code(self) -> Any:
        """What that file has made of it; None where there is no such file.

        Raises:
            CodeError: the file has not been run.
        """
        return None
