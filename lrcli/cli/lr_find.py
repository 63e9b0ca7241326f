"""`lrcli lr-find`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrcli.cli.help import FILE, OVERRIDES, examples

if TYPE_CHECKING:
    from lrcli.experiment.loading import Loaded
    from lrcli.sweeps.rate_finding import RateFinding

__all__ = ["EPILOG", "lr_find"]

EPILOG = examples(
    "lrcli lr-find experiments/linear.yaml",
    "lrcli lr-find experiments/linear.yaml --ramp --figure ramp.png",
    "lrcli lr-find experiments/xor_mlp.yaml optimizer.kind=adam --seeds 10 --figure rates.svg",
)
_MOST_SEEDS = 1000
_MOST_SECONDS = 86400  # a day


def lr_find(
    file: FILE,
    overrides: OVERRIDES = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=_MOST_SEEDS, help="How many seeds to try each rate with.")
    ] = 5,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=_MOST_SECONDS,
            help="How long to train, about. Default: at most 10, or 60 where five runs take as long.",
            show_default=False,
        ),
    ] = None,
    by_ramp: Annotated[
        bool, typer.Option("--ramp", help="The classical test instead: one run, a rate that grows.")
    ] = False,
    figure: Annotated[
        Path | None, typer.Option(help="Write the picture, a .svg, .png or .pdf.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a picture that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find a learning rate: try many from the start, over several seeds, and say which to take and why.

    All that a run does is kept but its rate; a schedule is that of the whole run. Where all epochs take too
    long, many rates are tried for the first of them and ever fewer for more. Nothing is written but the
    picture that is asked for.
    """
    from lrcli.experiment.loading import load
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.rates.console import print_finding, print_finding_as_json
    from lrcli.reporting.rates.words import command_of

    if figure is not None:
        from lrcli.cli.figure import check_out

        check_out("--figure", figure, force=force)
    words = list(overrides or [])
    loaded = load(file, words)
    for note in loaded.notes:
        print_note(note)
    if by_ramp:
        _ramp(loaded, figure, as_json=as_json)
        return
    from lrcli.reporting.rates.progress import watched
    from lrcli.sweeps.rate_finding import find_rate

    finding = watched(find_rate(loaded.experiment, seeds, seconds))
    command = command_of(finding, str(file), words)
    (print_finding_as_json if as_json else print_finding)(finding, command)
    if figure is not None:
        _draw(finding, figure)


def _draw(finding: "RateFinding", path: Path) -> None:
    from lrcli.cli.figure import write_figure
    from lrcli.reporting.rates.figure import rates_figure

    write_figure(rates_figure(finding), path, None, "screen")


def _ramp(loaded: "Loaded", figure: Path | None, *, as_json: bool) -> None:
    """The classical test, for teaching."""
    from dataclasses import asdict

    from lrcli.reporting.rates.console import print_data
    from lrcli.reporting.rates.ramp import ramp_figure, ramp_sentences
    from lrcli.reporting.text import print_sentences
    from lrcli.sweeps.rate_ramp import ramp

    ramped = ramp(loaded.experiment)
    if as_json:
        data = {
            key: value.tolist() if hasattr(value, "tolist") else value
            for key, value in asdict(ramped).items()
        }
        print_data({"schema": 1, "command": "lr-find --ramp", **data})
    else:
        print_sentences(ramp_sentences(ramped))
    if figure is not None and len(ramped.rates):
        from lrcli.cli.figure import write_figure

        write_figure(ramp_figure(ramped), figure, None, "screen")
