"""A search for a learning rate on standard output."""

import json
from collections.abc import Mapping
from typing import Any

from lrcli.reporting.rates.words import as_data, sentences
from lrcli.reporting.streams import console, standard_output
from lrcli.reporting.text import print_text
from lrcli.storage.files import replace_nonfinite
from lrcli.sweeps.rate_finding import RateFinding
from lrcli.wording import one_line

__all__ = ["print_data", "print_finding", "print_finding_as_json"]


def print_finding(finding: RateFinding, command: str) -> None:
    """Print what was found, a sentence each.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        out = console()
        for sentence in sentences(finding, command):
            print_text(out, one_line(sentence))


def print_finding_as_json(finding: RateFinding, command: str) -> None:
    """Print it as a line of JSON; see `print_data`."""
    print_data(as_data(finding, command))


def print_data(data: Mapping[str, Any]) -> None:
    """Print a line of JSON; numbers that are none are null.

    Raises:
        WriteError: standard output could not be written.
    """
    with standard_output():
        print(json.dumps(replace_nonfinite(data), allow_nan=False))  # noqa: T201
