"""`lrcli schema` and `lrcli init`."""

import contextlib
import os
from pathlib import Path
from typing import Annotated

import typer

from lrcli.cli.completion import complete_dataset
from lrcli.cli.help import examples

__all__ = ["INIT_EPILOG", "SCHEMA_EPILOG", "init", "schema"]

SCHEMA_EPILOG = examples("lrcli schema > lrcli.schema.json")
_LONGEST_NAME = 200  # bytes; file systems take 255, and a name beside it is used while it is written
INIT_EPILOG = examples("lrcli init first", "lrcli init wave --dataset sine")


def schema() -> None:
    """Print the JSON Schema of experiment files, with which editors complete and check them."""
    from lrcli.authoring.schema import schema_text
    from lrcli.reporting.streams import print_lines

    print_lines(schema_text().splitlines())


def init(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The file to write, without .yaml.", show_default=False)
    ],
    dataset: Annotated[
        str,
        typer.Option(
            metavar="KIND", help="What to learn; see lrcli list dataset.", autocompletion=complete_dataset
        ),
    ] = "linear",
) -> None:
    """Write a first experiment file with every key explained, and the schema for editors beside it.

    It trains as it is, where its data are no files of yours. A file that is there already is left alone.
    """
    from lrcli.authoring.descriptions import find
    from lrcli.authoring.minimal_files import needs_files
    from lrcli.authoring.schema import schema_text
    from lrcli.authoring.starter import SCHEMA_FILE, starter_text
    from lrcli.errors import UsageError
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.text import print_sentences
    from lrcli.storage.files import write_new

    find(f"dataset.{dataset}")
    file = Path(name.removesuffix(".yaml") + ".yaml")
    if file.stem in {"", ".yaml"}:
        raise UsageError(f"{name!r}: is no name for a file")
    if len(os.fsencode(file.name)) > _LONGEST_NAME:
        raise UsageError(f"{file}: is too long a name for a file")
    for folder in file.parents:
        if os.path.lexists(folder) and not os.path.isdir(folder):  # noqa: PTH112 - as its name may be too long
            raise UsageError(f"{file}: {folder} is no directory")
    write_new(file, starter_text(dataset, file.as_posix()).encode())
    beside, content = file.with_name(SCHEMA_FILE), schema_text().encode()
    with contextlib.suppress(UsageError):  # it is there, perhaps since a moment
        write_new(beside, content)
    if beside.read_bytes() != content:
        print_note(f"{beside}: is another than this version's; lrcli schema prints this version's")
    if needs_files(dataset):
        print_sentences([f"{file}: written; say in it where your data are, then lrcli check {file}"])
    else:
        print_sentences([f"{file}: written; train it with lrcli train {file}"])
