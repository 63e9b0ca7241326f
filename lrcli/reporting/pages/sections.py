"""The sections that every page has: figures, settings, how to repeat it."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lrcli.config.document import KeyPath
from lrcli.config.dumping import annotated_yaml, yaml_text
from lrcli.experiment.experiment import Experiment, chosen, resolved
from lrcli.reporting.pages.content import Block, Column, Listing, Paragraph, Section, Table
from lrcli.storage.result_fields import FileDigest, SourceFiles
from lrcli.storage.run_result import RunResult
from lrcli.storage.sweep_result import SweepResult

__all__ = ["figures_section", "repeat_section", "settings_section"]

_SAME = (
    "The same settings give the same numbers, to the last bit, on the same machine with the same versions. "
    "All that is random follows from the seed, so elsewhere no more than the rounding differs."
)


def figures_section(figures: Sequence[Block]) -> Section:
    """The figures."""
    return Section("Figures", figures)


def settings_section(experiment: Experiment) -> Section:
    """What was asked for: what differs from the defaults first, then every key."""
    own, every = chosen(experiment), resolved(experiment)
    return Section(
        "Settings",
        [
            Paragraph("What is not at its default; as an experiment file it says all there is to say:"),
            Listing(yaml_text(own), "what is not at its default"),
            Paragraph("Every key:"),
            Listing(annotated_yaml(every, dict(_defaults(every, own, ()))), "every key"),
        ],
    )


def _defaults(
    every: Mapping[str, Any], own: Mapping[str, Any], path: KeyPath
) -> Iterator[tuple[KeyPath, str]]:
    """The keys at their defaults; a mapping whose keys all are is named alone."""
    for key, value in every.items():
        here = (*path, key)
        if key not in own:
            yield here, "default"
        elif isinstance(value, Mapping) and isinstance(own[key], Mapping):
            yield from _defaults(value, own[key], here)


def repeat_section(result: RunResult | SweepResult, more: Sequence[str] = ()) -> Section:
    """How to repeat it: commands, what it was read from, and what the numbers depend on.

    Args:
        result: of the run or the sweep.
        more: further commands, to be given below.
    """
    directory = shlex.quote(result.run_dir)
    command = f"lrcli {result.command}"
    blocks: list[Block] = [
        Paragraph("With the settings above in a file experiment.yaml:"),
        Listing(f"{command} experiment.yaml", "command for a file of the settings"),
        Paragraph("Where the directory of these results is at hand, it has that file:"),
        Listing("\n".join([f"{command} {directory}/experiment.yaml", *more]), "commands for the directory"),
    ]
    if result.source is not None:
        blocks += _from_source(command, result.source)
    return Section("How to repeat it", [*blocks, Paragraph(_SAME), _facts(result)])


def _from_source(command: str, source: SourceFiles) -> Iterator[Block]:
    lesson = [word for file in source.lesson[:1] for word in ("--expect", file.file)]
    yield Paragraph("It was read from the files below, by:")
    words = [source.file, *source.overrides, *lesson]
    yield Listing(f"{command} {shlex.join(words)}", "command for the original file")
    files: list[tuple[str, FileDigest]] = [("experiment", source)]
    files += [("extended by it", file) for file in source.extends]
    files += [("expectations", file) for file in source.lesson]
    yield Table(
        "Files that were read",
        [
            Column("file", [file.file for _, file in files]),
            Column("what it is", [what for what, _ in files]),
            Column("SHA-256 of its content", [file.sha256 for _, file in files]),
        ],
    )


def _facts(result: RunResult | SweepResult) -> Table:
    """What the numbers depend on: the seed, versions, device, engine, commit."""
    seeds = (result.seed,) if isinstance(result, RunResult) else result.seeds
    known = {"seed" if len(seeds) == 1 else "seeds": _listed(seeds), **result.environment}
    facts = {name: value for name, value in known.items() if value is not None}
    values = [str(value).lower() if isinstance(value, bool) else str(value) for value in facts.values()]
    return Table("What the numbers depend on", [Column("fact", list(facts)), Column("value", values)])


def _listed(seeds: Sequence[int]) -> str:
    """Seeds, those in a row by the first and the last."""
    in_a_row = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]} to {seeds[-1]}" if in_a_row else ", ".join(map(str, seeds))
