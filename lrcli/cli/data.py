"""`lrcli data`."""

from pathlib import Path
from typing import Annotated

import typer

from lrcli.cli.help import FILE, OVERRIDES, examples

__all__ = ["EPILOG", "data"]

EPILOG = examples(
    "lrcli data experiments/linear.yaml --out data/linear",
    "lrcli data experiments/linear.yaml seed=3 dataset.noise=0.1 --out data/noisy",
)


def data(
    file: FILE,
    out: Annotated[Path, typer.Option(help="Where to write: a new or empty directory.", show_default=False)],
    overrides: OVERRIDES = None,
) -> None:
    """Write the data that training would use: train.csv, val.csv, test.csv and truth.json.

    The columns are x0, x1, ..., y, or those of the table that the data are from. Each number reads back to
    the same bits.
    """
    from lrcli.experiment.loading import load
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.streams import print_lines
    from lrcli.running.data_export import write_data

    loaded = load(file, overrides or [])
    for note in loaded.notes:
        print_note(note)
    print_lines(str(path) for path in write_data(loaded.experiment, out))
    if loaded.experiment.dataset.scaling(loaded.experiment.seed) is not None:
        print_note("the features are written as they are trained on: standardised, each over its own scale")
