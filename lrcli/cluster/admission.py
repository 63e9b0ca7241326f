"""Whether this worker process can train what the client would: its facts, its data, code of the user's.

Runs on workers whose lrcli is of the client's version, see `lrcli.cluster.gate`.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lrcli.cluster.facts import Wanted, data_reasons, facts_here, file_digest, reasons_against
from lrcli.cluster.sent_code import SentFile
from lrcli.errors import ClusterError

__all__ = ["admit", "place_code"]

Admitted = tuple[list[str], dict[str, Any], dict[str, str], Callable[[], None] | None]


def admit(wanted: Wanted, directory: str) -> Admitted:
    """Check this process.

    Args:
        wanted: by the client.
        directory: of the worker, for code that it lacks.

    Returns:
        The reasons against it; its facts; for each path of code where it is here; what removes code.
    """
    facts = facts_here()
    reasons = reasons_against(wanted, facts) + data_reasons(wanted.data)
    if reasons:
        return reasons, facts, {}, None
    try:
        paths, remove = place_code(wanted.code, Path(directory))
    except (OSError, ClusterError) as error:
        return [f"code of yours could not be put there: {error}"], facts, {}, None
    return [], facts, paths, remove


def place_code(
    code: Mapping[str, SentFile], directory: Path
) -> tuple[dict[str, str], Callable[[], None] | None]:
    """Have the code of the user's on this machine.

    Where every file lies at its own path with the same content, those are used; else all are written, in
    their places relative to one another, so that none is mixed with another version beside it.

    Args:
        code: from each path to its file.
        directory: in which a directory for it is made.

    Returns:
        From each path to that on this machine, and what removes the directory; None: there is none.

    Raises:
        ClusterError: a file is not what its digest says, or has no place in the directory.
        OSError: one could not be written.
    """
    if all(file_digest(path) == file.sha256 for path, file in code.items()):
        return {path: path for path in code}, None
    made = Path(tempfile.mkdtemp(prefix="lrcli-code-", dir=directory))
    try:
        paths = {path: str(_written(file, made)) for path, file in code.items()}
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return paths, lambda: shutil.rmtree(made, ignore_errors=True)


def _written(file: SentFile, directory: Path) -> Path:
    content = file.checked()
    path = directory.joinpath(*file.checked_place())
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as opened:
        opened.write(content)
    return path
