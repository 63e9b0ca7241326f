"""Pages as files. One of ours may take the place of an earlier one of ours, and of nothing else."""

import contextlib
import datetime
import warnings
from collections.abc import Iterator
from pathlib import Path

from lrcli.errors import UsageError, WriteError
from lrcli.reporting.pages.content import Page
from lrcli.reporting.pages.html import GENERATOR, page_html
from lrcli.storage.files import reporting_errors, write_whole

__all__ = ["check_place", "is_ours", "only_warning", "write_page"]

_MARK = f'<meta name="generator" content="{GENERATOR} '.encode()
_HEAD = 500  # bytes of a page, among which the mark is


def check_place(path: Path) -> None:
    """Make sure that a page may be written.

    Raises:
        UsageError: something is there that is no page of ours.
        WriteError: it cannot be looked at.
    """
    with reporting_errors(path):
        is_there = path.exists() or path.is_symlink()
        if path.is_dir():
            raise UsageError(f"{path}: is a directory; name a file, such as {path / 'report.html'}")
        if is_there and not (path.is_file() and is_ours(path)):
            raise UsageError(f"{path}: is there already and is no report of lrcli; name another file")


def is_ours(path: Path) -> bool:
    """Whether a file is a page that lrcli has written."""
    with path.open("rb") as file:
        return _MARK in file.read(_HEAD)


def write_page(path: Path, page: Page) -> None:
    """Write a page that appears whole, and the directories above it.

    Raises:
        UsageError: something is there that is no page of ours.
        WriteError: it could not be written.
    """
    check_place(path)
    with reporting_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page_html(page, datetime.datetime.now().astimezone().date()).encode())


@contextlib.contextmanager
def only_warning(path: Path) -> Iterator[None]:
    """Around the writing of a page that comes with results: what it was to show is not lost without it.

    Args:
        path: of the page.

    Raises:
        WriteError: it could not be written, and so, it may be, could nothing else.
    """
    try:
        yield
    except WriteError:
        raise
    except Exception as error:
        said = error if isinstance(error, UsageError) else repr(error)
        warnings.warn(f"{path}: was not written: {said}", stacklevel=3)
