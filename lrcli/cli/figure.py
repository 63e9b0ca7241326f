"""`lrcli figure`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrcli.cli.completion import complete_run
from lrcli.cli.help import RUNS_DIR, examples
from lrcli.errors import RunDirectoryError, RunError, UsageError

if TYPE_CHECKING:
    from lrcli.reporting.drawing import Drawing
    from lrcli.reporting.figure_style import Look

__all__ = ["EPILOG", "check_out", "figure", "write_figure"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml",
    "lrcli train experiments/linear.yaml optimizer.lr=0.1",
    "lrcli figure last",
    "lrcli figure linear/train-0001 linear/train-0002 loss --out losses.png",
    "lrcli figure last path --out path.pdf --size 8cm,6cm --style paper",
)

_SIZE = re.compile(r"(\d+\.?\d*|\.\d+) *(in|cm|mm)?", re.ASCII)
_UNITS = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
_SMALLEST, _LARGEST = 2.0, 60.0  # inches


def figure(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN... [KIND]",
            help="Runs or sweeps: a directory, NAME/train-0001, NAME for its newest, or last.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="A .svg, .png or .pdf of KIND, or of the first figure. Default: those of the run itself.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="W,H", help="Inches, or such as 8cm,6cm.", show_default=False)
    ] = None,
    style: Annotated[str, typer.Option(help="screen, or paper: small, fonts in the file.")] = "screen",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    runs_dir: RUNS_DIR = Path("runs"),
) -> None:
    """Draw the figures of a run or a sweep again, or one of them, also of several runs in one picture.

    Of a run: loss, fit, regions, predictions, path, recovery, histograms. Of a sweep: final_metric,
    best_curves, training_loss, recovery_error, metric_map. Each has those that make sense for it.
    """
    from lrcli import api
    from lrcli.reporting.streams import print_lines

    kind = words[-1] if len(words) > 1 and words[-1] in _kinds() else None
    names = words[:-1] if kind else words
    inches, look = _size(size), _look(style)
    directories = _directories(names, runs_dir)
    _check_out(out, force=force, several=len(names) > 1, plain=size is None and style == "screen")
    found = api.chosen_figures(api.figures(directories), kind, ", ".join(names))
    if out is None:
        from lrcli.reporting.figure_files import FILES_BESIDE, save_figures

        written = save_figures(found, directories[0] / "figures")
        if not written:
            raise RunError(f"{', '.join(names)}: no figure could be drawn")
        print_lines(
            str(directories[0] / "figures" / f"{name}.{end}") for name in written for end in FILES_BESIDE
        )
    else:
        write_figure(next(iter(found.values())), out, inches, look)
        print_lines([str(out)])


def _directories(words: Sequence[str], runs_dir: Path) -> list[Path]:
    """The directories of runs.

    Raises:
        RunDirectoryError: a word is none, nor a figure.
        UsageError: there is a figure, but no run; or a run is named twice.
    """
    from lrcli.config.hints import nearest
    from lrcli.storage.finding import find_run, refuse_twice

    directories = []
    for number, word in enumerate(words):
        try:
            directories.append(find_run(word, runs_dir))
        except RunDirectoryError:
            if number == 0 and word in _kinds():
                raise UsageError(f"{word}: name the run first, as in lrcli figure last {word}") from None
            if number == 0 or number + 1 < len(words) or not word.isidentifier():
                raise
            kinds = f"the figures are {', '.join(_kinds())}"
            raise RunDirectoryError(
                f"{word}: is neither a run nor a figure{nearest(word, _kinds())}", [kinds]
            ) from None
    refuse_twice(directories)
    return directories


def _kinds() -> list[str]:
    """All figures that there are, of runs first."""
    from lrcli.reporting.runs.figures import KINDS as OF_RUNS
    from lrcli.reporting.sweeps.figures import KINDS as OF_SWEEPS

    return [*OF_RUNS, *OF_SWEEPS]


def write_figure(drawing: "Drawing", out: Path, size: tuple[float, float] | None, look: "Look") -> None:
    """Draw a figure into a file.

    Raises:
        RunError: it could not be drawn.
        WriteError: the file could not be written.
    """
    from lrcli.reporting.figure_files import figure_bytes, figure_of
    from lrcli.storage.files import reporting_errors, write_whole

    try:
        content = figure_bytes(figure_of(drawing, look, size), out.suffix[1:].lower(), look, drawing)
    except Exception as error:  # as beside a run, where the other figures are still drawn
        raise RunError(f"{out}: could not be drawn: {error!r}") from None
    with reporting_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, content)


def _check_out(out: Path | None, *, force: bool, several: bool, plain: bool) -> None:
    """Whether a figure may be written there.

    Raises:
        UsageError: it may not.
    """
    if out is None:
        if several or not plain:
            why = "is of several runs" if several else "has a size or a style of its own"
            raise UsageError(f"a picture that {why} is no run's own; name a file with --out")
        return
    check_out("--out", out, force=force)


def check_out(option: str, out: Path, *, force: bool) -> None:
    """Whether a picture may be written to a file that an option names.

    Raises:
        UsageError: it may not.
    """
    from lrcli.reporting.figure_files import FILE_TYPES

    if out.suffix[1:].lower() not in FILE_TYPES:
        raise UsageError(f"{option} {out}: must end in .{', .'.join(FILE_TYPES[:-1])} or .{FILE_TYPES[-1]}")
    if out.is_dir():
        raise UsageError(f"{option} {out}: is a directory; name a file")
    if out.exists() and not force:
        raise UsageError(f"{option} {out}: is there already; add --force to replace it")


def _size(text: str | None) -> tuple[float, float] | None:
    """Width and height in inches.

    Raises:
        UsageError: they are no lengths, or no figure could be seen or held.
    """
    if text is None:
        return None
    parts = [_SIZE.fullmatch(part.strip()) for part in text.split(",")]
    if len(parts) != 2 or None in parts:
        raise UsageError(f"--size {text[:40]}: write width and height, such as 6.3,3.9 or 16cm,10cm")
    width, height = (float(part[1]) * _UNITS[part[2] or "in"] for part in parts if part)
    if not (_SMALLEST <= width <= _LARGEST and _SMALLEST <= height <= _LARGEST):
        raise UsageError(f"--size {text[:40]}: each from {_SMALLEST:g} to {_LARGEST:g} inches")
    return width, height


def _look(text: str) -> "Look":
    from lrcli.reporting.figure_style import LOOKS

    for look in LOOKS:
        if look == text:
            return look
    raise UsageError(f"--style {text[:40]}: must be {' or '.join(LOOKS)}")
