"""`lrcli runs`."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrcli.cli.completion import complete_run, complete_sort, complete_status
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.errors import UsageError

if TYPE_CHECKING:
    from lrcli.storage.listing import Row

__all__ = ["EPILOG", "runs"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli runs",
    "lrcli runs linear --sort val/loss",
    "lrcli runs 'linear/train-*' --since 2d --json",
    "lrcli runs -q --status completed",
)

_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(s|min|m|h|d|w|y)", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


def runs(
    pattern: Annotated[
        str | None,
        typer.Argument(
            metavar="PATTERN",
            help="Of an experiment's name, or of NAME/train-0001, with * and ?. Default: all.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="A metric, or an error such as recovery/w[0], the best first; or age or name. Default: age, "
            "the newest last.",
            show_default=False,
            autocompletion=complete_sort,
        ),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            help="Only those that are running, completed, stopped_early, diverged, interrupted, failed or "
            "damaged; may be repeated.",
            show_default=False,
            autocompletion=complete_status,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="AGE",
            help="Those begun in the last 2d, 12h, 30min; or since 2026-01-31.",
            show_default=False,
        ),
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Those begun before that.", show_default=False)
    ] = None,
    names: Annotated[bool, typer.Option("--names", "-q", help="Print paths only, one a line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every number in full.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values, likewise.")] = False,
    runs_dir: RUNS_DIR = Path("runs"),
) -> None:
    """List runs and sweeps, with what they have come to and what was changed against the experiment file.

    The newest is the last. One that was killed is listed as failed, one whose result cannot be read as
    damaged. With -q the list is one for other commands: lrcli delete --yes $(lrcli runs -q --status failed
    --older-than 30d) removes what failed a month ago and earlier.
    """
    if names + as_json + as_csv > 1:
        raise UsageError("choose one of --names, --json and --csv")
    ages = _seconds("--since", since), _seconds("--older-than", older_than)
    _check_statuses(status or ())
    from lrcli.reporting import listing

    found = _found(pattern or "*", runs_dir, status or (), ages)
    metric = sort if sort not in (None, "age", "name") else ""
    found = _sorted(found, sort or "age")
    if names:
        listing.print_names(found)
    elif as_json:
        listing.print_json(found)
    elif as_csv:
        listing.print_csv(found)
    else:
        listing.print_rows(found, metric or "")


def _found(
    pattern: str, runs_dir: Path, statuses: Sequence[str], ages: tuple[float | None, float | None]
) -> "list[Row]":
    """The runs that are asked for; what is odd about them is told once."""
    from lrcli.reporting.messages import print_note, print_warning
    from lrcli.storage.listing import rows, within

    every = rows(pattern.rstrip("/"), runs_dir)
    found = within(every, since=ages[0], older_than=ages[1])
    found = [row for row in found if not statuses or row.status in statuses]
    for row in found:
        if row.status == "damaged":
            print_warning(f"{row.directory}: {row.why}")
    if not found:
        what = (
            "are none of these"
            if every
            else "is no run of that name"
            if pattern != "*"
            else "are no runs yet"
        )
        print_note(f"there {what} in {runs_dir}")
    return found


def _sorted(found: "list[Row]", key: str) -> "list[Row]":
    """In the order that is asked for.

    Raises:
        UsageError: none of them has such a metric.
    """
    if key == "age" or not found:
        return found
    if key == "name":
        return sorted(found, key=lambda row: row.word)
    from lrcli.storage.listing import sorted_by

    names = list(dict.fromkeys(name for row in found for name in row.metrics))
    if key not in names:
        from lrcli.config.hints import nearest

        takes = f"; they have {', '.join(names)}" if names else ""
        near = nearest(key, [*names, "age", "name"])
        raise UsageError(f"--sort {key}: none of these runs has that{near or takes}")
    return sorted_by(found, key)


def _check_statuses(statuses: Sequence[str]) -> None:
    """Refuse a status that there is not."""
    from lrcli.storage.listing import STATUSES

    for status in statuses:
        if status not in STATUSES:
            from lrcli.config.hints import nearest

            near = nearest(status, list(STATUSES)) or f"; there are {', '.join(STATUSES)}"
            raise UsageError(f"--status {status}: is none{near}")


def _seconds(option: str, text: str | None) -> float | None:
    """An age in seconds.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    match = _AGE.fullmatch(text.strip())
    if match:
        return float(match[1]) * _SECONDS[match[2]]
    try:
        then = datetime.fromisoformat(text.strip())
        return datetime.now().astimezone().timestamp() - then.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{option} {text[:40]}: write an age such as 30min, 12h, 2d, 4w or a date such as 2026-01-31"
        ) from None
