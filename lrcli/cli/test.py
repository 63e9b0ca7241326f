"""`lrcli test`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lrcli.cli.help import examples

__all__ = ["EPILOG", "try_out"]

EPILOG = examples(
    "lrcli test experiments/mlp_module.py",
    "lrcli test experiments/noisy_linear.py NoisyLinear --args '{inputs: 2, outputs: 1}'",
)


def try_out(
    file: Annotated[
        Path,
        typer.Argument(metavar="PY_FILE", help="A Python file with components of yours.", show_default=False),
    ],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this one.", show_default=False)
    ] = None,
    args: Annotated[str, typer.Option(help="What it is made with, a mapping as in a file.")] = "{}",
    features: Annotated[
        int | None, typer.Option(min=1, help="D, where it cannot be guessed.", show_default=False)
    ] = None,
    outputs: Annotated[
        int | None,
        typer.Option(min=1, help="O, of a model or a loss; default: guessed, or 1.", show_default=False),
    ] = None,
) -> None:
    """Try out components of a Python file of yours: shapes, gradients, the same numbers again and in company.

    The file is run. There is a line for each thing that is tried. Exit code 1 where one fails, 2 where the
    file cannot be run.
    """
    from lrcli.authoring.conformance import conformance
    from lrcli.authoring.finding import components_of, left_out
    from lrcli.components.python_file import open_file
    from lrcli.reporting.messages import print_note
    from lrcli.reporting.text import print_sentences

    path = str(file.absolute())
    given = _mapping(args)
    components = list(components_of(path, name, given, outputs))
    failed = False
    for group, component in components:
        print_sentences([f"{component.name} ({group})"])
        for check in conformance(group, component, features, outputs):
            failed |= not check.passed
            first, *more = check.why.splitlines() or [""]
            said = f"  FAILED  {check.name}: {first}" if check.why else f"  passed  {check.name}"
            print_sentences([said, *(f"          {line}" for line in more)])
    for other, needs in left_out(open_file(path)).items() if name is None else ():
        print_note(
            f"{other} needs {', '.join(needs)}: lrcli test {file} {other} --args '{{{needs[0]}: ...}}'"
        )
    raise typer.Exit(1 if failed else 0)


def _mapping(text: str) -> dict[str, Any]:
    from lrcli.config.source import parse
    from lrcli.errors import UsageError

    data = parse(text, "--args").data
    if not isinstance(data, dict):
        raise UsageError(f"--args {text}: must be a mapping, such as '{{width: 8}}'")
    return data
