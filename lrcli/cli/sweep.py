"""`lrcli sweep` and `lrcli replay`."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lrcli.cli.completion import complete_device, complete_engine, complete_run
from lrcli.cli.gc_control import resume_collecting
from lrcli.cli.help import FILE, OVERRIDES, RUNS_DIR, examples
from lrcli.errors import UsageError
from lrcli.wording import counted

if TYPE_CHECKING:
    from lrcli.storage.sweep_result import SweepResult
    from lrcli.sweeps.files import SweepFiles
    from lrcli.sweeps.plan import SweepPlan
    from lrcli.sweeps.running import ShareFinished, SweepFinished

    _Ended = Callable[[SweepFinished | ShareFinished], AbstractContextManager[object]]

__all__ = [
    "CLUSTER",
    "REPLAY_EPILOG",
    "SWEEP_EPILOG",
    "TB_MEMBERS",
    "check_cluster",
    "exit_code_of",
    "print_notes",
    "replay",
    "reported_at_end",
    "sweep",
    "train_sweep",
]

_FIRST = "lrcli sweep experiments/linear.yaml --quiet"
SWEEP_EPILOG = examples(
    "lrcli sweep experiments/linear.yaml",
    "lrcli sweep experiments/linear.yaml --lr 1e-3:1:13 --seeds 10",
    "lrcli sweep experiments/xor_mlp.yaml --lr 0.01,0.1 --grid model.init.kind=default,zeros",
    "lrcli sweep experiments/linear.yaml --lr 1e-3:1:13 --dry-run",
    "lrcli sweep experiments/linear.yaml --lr 1e-3:1:13 --shard 2/7 --run-dir shares/2",
)
REPLAY_EPILOG = examples(
    _FIRST, "lrcli replay runs/linear/sweep-0001 7", "lrcli replay runs/linear/sweep-0001 best"
)

_MOST_MEMORY = 10**18  # bytes
_FAILED, _INTERRUPTED = 1, 130

QUIET = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
SWEEP = Annotated[
    str,
    typer.Argument(
        metavar="SWEEP",
        help="A sweep: its directory, NAME/sweep-0001, NAME for the newest of that name, or last.",
        autocompletion=complete_run,
    ),
]
CLUSTER = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Train on a Dask cluster: tcp://HOST:8786, local, local:N, or a class such as "
        "dask_jobqueue.SLURMCluster:N.",
        show_default=False,
    ),
]
TB_MEMBERS = Annotated[
    int, typer.Option("--tb-members", min=0, help="Event files for the first N members, too.")
]


def sweep(
    file: FILE,
    overrides: OVERRIDES = None,
    lr: Annotated[
        str | None,
        typer.Option(help="Learning rates: LO:HI:N in geometric steps, or A,B,C.", show_default=False),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=SPEC", help="Values of any key, as for --lr; repeatable.", show_default=False
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds.", show_default=False)] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Short for device=D.", show_default=False, autocompletion=complete_device),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="Short for engine=E.", show_default=False, autocompletion=complete_engine),
    ] = None,
    memory: Annotated[
        str, typer.Option(help="What a population may take; a larger one is trained in parts.")
    ] = "1GB",
    cluster: CLUSTER = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be trained.")] = False,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N",
            help="Train the K-th of N shares alone; lrcli merge puts them together.",
            show_default=False,
        ),
    ] = None,
    tb_members: TB_MEMBERS = 0,
    runs_dir: RUNS_DIR = Path("runs"),
    run_dir: Annotated[
        Path | None,
        typer.Option(help="Write it here instead; a sweep that is there goes on.", show_default=False),
    ] = None,
    as_json: JSON = False,
    quiet: QUIET = False,
) -> None:
    """Train a grid of learning rates, or of any keys, times seeds, as one population.

    The grid is that of the file's sweep block and of the options; where there is neither, a sensible one
    of learning rates.
    """
    from lrcli.running.location import OutputLocation
    from lrcli.sweeps.options import load_sweep
    from lrcli.sweeps.plan import plan_sweep
    from lrcli.sweeps.resuming import files_for
    from lrcli.sweeps.shares import parse_shard

    check_cluster(cluster)
    share = None if shard is None else parse_shard(shard)
    _refuse_members(tb_members if share else 0)
    words = list(overrides or [])
    words += [
        f"{key}={value}" for key, value in (("device", device), ("engine", engine)) if value is not None
    ]
    loaded = load_sweep(file, words, rates=lr, grids=grid, seeds=seeds)
    plan = plan_sweep(loaded, _bytes(memory), share.count if share else 1)
    if dry_run:
        from lrcli.reporting.sweeps.console import print_plan

        print_notes([*loaded.notes, *plan.notes], quiet=quiet)
        print_plan(plan, share)
        return
    files = files_for(plan, OutputLocation(runs_dir, run_dir, file.absolute().parent), share)
    notes = [*loaded.notes, *plan.notes]
    train_sweep(plan, files, notes, tb_members=tb_members, cluster=cluster, as_json=as_json, quiet=quiet)


def replay(
    word: SWEEP,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Its number in results.csv, or best.")],
    runs_dir: RUNS_DIR = Path("runs"),
    run_dir: Annotated[
        Path | None, typer.Option(help="Write the run here instead.", show_default=False)
    ] = None,
    as_json: JSON = False,
    quiet: QUIET = False,
) -> None:
    """Train one member of a sweep alone, as an ordinary run with all that it records."""
    from lrcli.cli.train import Shown, exit_code, train_and_report
    from lrcli.running.location import OutputLocation
    from lrcli.storage.finding import find_place
    from lrcli.sweeps.members import member_number
    from lrcli.sweeps.resuming import member_alone

    directory = find_place(word, runs_dir, "sweep")
    loaded = member_alone(directory, member_number(directory, member))
    location = OutputLocation(runs_dir, run_dir, directory.absolute())
    result = train_and_report(loaded, location, Shown(as_json, quiet))
    raise typer.Exit(exit_code(result))


def check_cluster(cluster: str | None) -> None:
    """Refuse a word that names no cluster, before anything else is looked at."""
    if cluster is not None:
        from lrcli.cluster.words import parse_word

        parse_word(cluster)


def _bytes(text: str) -> int:
    """A size such as 500MB or 2GB, in bytes."""
    match = re.fullmatch(r"([0-9]{0,30}\.?[0-9]{1,30}) ?([KMGT]?)(i)?B?", text, re.IGNORECASE | re.ASCII)
    size = float(match[1]) if match else 0.0
    if match and size:
        size *= (1024 if match[3] else 1000) ** " KMGT".index(match[2].upper() or " ")
    if not 0 < size < _MOST_MEMORY:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise UsageError(f"--memory {shown}: write a size such as 500MB or 2GB")
    return max(1, int(size))


def _refuse_members(tb_members: int) -> None:
    """Refuse event files of members for a share.

    Raises:
        UsageError: there are to be some.
    """
    if tb_members:
        raise UsageError(
            "--tb-members: a share has no event files; lrcli merge writes them, and takes this option"
        )


def print_notes(notes: Sequence[str], *, quiet: bool) -> None:
    """Show what the user should know, unless nothing but errors is to be shown."""
    from lrcli.reporting.messages import print_note

    for note in () if quiet else notes:
        print_note(note)


def train_sweep(
    plan: "SweepPlan",
    files: "SweepFiles",
    notes: Sequence[str],
    *,
    tb_members: int,
    cluster: str | None = None,
    as_json: bool,
    quiet: bool,
) -> NoReturn:
    """Train, draw and report; exits with the sweep's code."""
    from lrcli.reporting.runs.console import print_json
    from lrcli.sweeps.resuming import complete_result, damage

    _refuse_members(tb_members if files.shard else 0)
    earlier = complete_result(files)
    if earlier is not None:
        files.clear()
        print_notes([f"{files.directory}: is complete; nothing was trained"], quiet=quiet)
        if as_json:
            print_json(earlier)
        raise typer.Exit(exit_code_of(earlier))
    print_notes([*damage(files), *notes], quiet=quiet)
    try:
        reported = not as_json and not quiet
        result = _run(plan, files, tb_members, cluster, quiet=quiet, reported=reported)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        print_json(result)
    if exit_code_of(result) == _FAILED:
        from lrcli.reporting.messages import print_error, say_how_to_go_on

        if result.status == "failed":
            print_error(f"{files.directory}: {result.warnings[-1]}")
            say_how_to_go_on(files.directory)
        elif quiet:
            print_error(f"{plan.source.file}: all {counted(plan.size, 'member')} diverged")
    raise typer.Exit(exit_code_of(result))


def exit_code_of(result: "SweepResult") -> int:
    """The exit code of the command that has trained it."""
    if result.status == "interrupted":
        return _INTERRUPTED
    if result.shard is not None and result.status == "completed":  # which says little of the sweep
        return 0
    return _FAILED if result.status == "failed" or result.diverged == result.members else 0


def _run(
    plan: "SweepPlan",
    files: "SweepFiles",
    tb_members: int,
    cluster: str | None,
    *,
    quiet: bool,
    reported: bool,
) -> "SweepResult":
    """Train, showing on the screen how far that has come, and then what it has come to, while it is drawn."""
    from lrcli import api
    from lrcli.api.following import Following
    from lrcli.reporting.messages import say_how_to_go_on

    report = None
    if not quiet:
        from lrcli.reporting.sweeps.progress import SweepProgressReport

        report = SweepProgressReport(plan.select.metric)
    ended = reported_at_end(plan, files, trained_here=cluster is None) if reported else nullcontext
    with Following(report, begun=resume_collecting, ended=ended, stopped=say_how_to_go_on) as following:
        return api.sweep(plan, files, [following.observe], following.interruption, tb_members, cluster)


def reported_at_end(plan: "SweepPlan", files: "SweepFiles", *, trained_here: bool = False) -> "_Ended":
    """Prints what a sweep has come to when it has ended; a line stands there while it is drawn."""

    def advice_of(event: "SweepFinished") -> str:
        if not trained_here or event.result.timing is None:
            return ""
        from lrcli.sweeps.idle_cores import use_of_workers

        return use_of_workers(plan, event.result.timing.train_seconds)

    def ended(event: "SweepFinished | ShareFinished") -> AbstractContextManager[object]:
        from lrcli.reporting.progress import still_line
        from lrcli.reporting.sweeps.console import print_share_report, print_sweep_report
        from lrcli.sweeps.running import SweepFinished

        if not isinstance(event, SweepFinished):
            print_share_report(event.result, len(files.parts))
            return nullcontext()
        print_sweep_report(event.results, event.result, advice_of(event))
        drawn = plan.experiment.logging.figures and not event.result.missing
        return still_line("drawing the figures") if drawn else nullcontext()

    return ended
