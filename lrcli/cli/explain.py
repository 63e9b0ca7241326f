"""`lrcli explain`."""

from pathlib import Path
from typing import Annotated

import typer

from lrcli.cli.completion import complete_explained
from lrcli.cli.help import RUNS_DIR, examples

__all__ = ["EPILOG", "explain"]

EPILOG = examples(
    "lrcli train experiments/linear.yaml --quiet",
    "lrcli explain last",
    "lrcli explain experiments/linear.yaml optimizer.lr=3",
    "lrcli explain coverage",
    "lrcli explain",
)


def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WHAT|KEY=VALUE",
            help="A run, a sweep, an experiment file with keys to change, or a word of the reports; without "
            "it the words are listed.",
            show_default=False,
            autocompletion=complete_explained,
        ),
    ] = None,
    term: Annotated[
        bool, typer.Option("--term", help="Take it for a word, even where a run is called so.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every number in full.")] = False,
    runs_dir: RUNS_DIR = Path("runs"),
) -> None:
    """Say why a run or a sweep came out as it did, what a file is going to do, or what a word means.

    Of a run: what training still owes, what the data cannot tell, what went wrong, and what to try. Of a
    file, without training it: how large a learning rate is stable, and what to expect. Estimates are marked
    with the word about; all else was computed.
    """
    from lrcli.api.explaining import explained
    from lrcli.explaining.finding import Explanation
    from lrcli.explaining.terms import all_terms
    from lrcli.reporting.explanation import print_data, print_explanation, print_term, print_terms
    from lrcli.reporting.messages import print_note

    if not words:
        if as_json:
            print_data([each.as_data() for each in all_terms()])
        else:
            print_terms(all_terms())
        return
    overrides = [word for word in words[1:] if "=" in word]
    what = " ".join(word for word in words if word not in overrides)  # a word may be two, as in noise floor
    found, notes = explained(what, overrides, runs_dir, as_term=term)
    for note in notes:
        print_note(note)
    if as_json:
        print_data(found.as_data())
    elif isinstance(found, Explanation):
        print_explanation(found)
    else:
        print_term(found)
