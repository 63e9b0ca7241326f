"""The documentation as a folder of pages, which may take the place of an earlier one, and of nothing else."""

from collections.abc import Sequence
from pathlib import Path

from lrcli.authoring.docs.content import Topic
from lrcli.errors import UsageError
from lrcli.reporting.docs.html import INDEX, site
from lrcli.reporting.pages.files import is_ours
from lrcli.storage.files import reporting_errors, write_whole

__all__ = ["write_site"]


def write_site(folder: Path, topics: Sequence[Topic]) -> Path:
    """Write a page for each topic, and those above them; the page to begin with.

    Raises:
        UsageError: the folder holds something else than pages of ours, or is none.
        WriteError: it could not be written.
    """
    with reporting_errors(folder):
        _check_place(folder)
    pages = site(topics)
    with reporting_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, html in pages.items():
        write_whole(folder / name, html.encode())
    return folder / INDEX


def _check_place(folder: Path) -> None:
    if folder.is_symlink() and not folder.exists():
        raise UsageError(f"{folder}: is a link that leads nowhere; name a new directory")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name a new directory")
    others = sorted(path.name for path in folder.iterdir() if not (path.is_file() and is_ours(path)))
    if others:
        raise UsageError(
            f"{folder}: holds other things than pages of lrcli, such as {others[0]}; name a new directory"
        )
