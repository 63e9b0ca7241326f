"""A sweep asked for on the command line: ``--lr``, ``--grid``, ``--seeds``, or nothing at all."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lrcli.config.blocks import Sweep
from lrcli.config.document import Document
from lrcli.config.overrides import put
from lrcli.config.source import parse
from lrcli.errors import ExperimentError, UsageError
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import Loaded, at_point, load, one_experiment, one_point
from lrcli.experiment.user_code import opened
from lrcli.running.resources import Sizes, memory_for_training, refuse_too_much
from lrcli.running.stability import stability
from lrcli.wording import counted

__all__ = ["load_sweep"]

_LR, _KIND = "optimizer.lr", "optimizer.kind"
_RANGE = re.compile(r"([^:,{}\[\]]+):([^:,{}\[\]]+):([^:,{}\[\]]+)")
_POINTS = 13


def load_sweep(
    written: Path | Mapping[str, Any],
    overrides: list[str],
    *,
    rates: str | None = None,
    grids: list[str] | None = None,
    seeds: int | Sequence[int] | None = None,
) -> Loaded:
    """An experiment with the sweep that its file, the options or the defaults give it.

    Args:
        written: its file, or a mapping as a file would have it.
        overrides: ``KEY=VALUE`` words.
        rates: of ``--lr``: ``LO:HI:N`` in geometric steps, ends included, or ``A,B,C``.
        grids: of ``--grid``: ``KEY=SPEC``, the specification as for ``--lr`` or as in a file.
        seeds: of ``--seeds``: how many, or which.

    Raises:
        ExperimentError: with every mistake and where it is.
        UsageError: an option that cannot be read.
    """
    words = [f"--lr {rates}"] if rates is not None else []
    words += [f"--grid {grid}" for grid in grids or ()]
    keys = [_key(word) for word in words]
    for key in keys:
        if keys.count(key) > 1:
            raise UsageError(f"{key} is swept twice on the command line; give all its values at once")

    def edit(document: Document) -> str:
        sweep = document.data.get("sweep")
        given = words or (sweep is not None and not isinstance(sweep, dict)) or "grid" in (sweep or {})
        if seeds is not None:
            put(
                document,
                ("sweep", "seeds"),
                f"--seeds {seeds}",
                seeds if isinstance(seeds, int) else list(seeds),
            )
        for word in words:
            _put_grid(document, word)
        if not given:
            return _put_default(document)
        return _put_rates_of_kinds(document, words) if _KIND in keys and _LR not in keys else ""

    loaded = load(written, overrides, edit=edit)
    if loaded.experiment.expect:
        loaded.notes.append("expectations are for single runs; a sweep checks none")
    return loaded


def _put_grid(document: Document, word: str) -> None:
    """Take the values of one key from an option; they replace those of the file."""
    key = _key(word)
    spec = word.partition(" ")[2].removeprefix(f"{key}=")
    sweep = document.data.get("sweep")
    if isinstance(sweep, dict) and isinstance(sweep.get("grid"), list):
        raise UsageError(f"{word}: the file's sweep.grid is a list of grids; change it there")
    put(document, ("sweep", "grid", key), word, _specification(word, spec.strip()))


def _key(word: str) -> str:
    """The key that an option sweeps."""
    option, _, text = word.partition(" ")
    key, equals, _ = (_LR, "=", text) if option == "--lr" else text.partition("=")
    if not equals or not all(key.split(".")):
        raise UsageError(f"{word}: write {option} KEY=SPEC, such as --grid optimizer.momentum=0,0.9")
    return key


def _specification(word: str, text: str) -> Any:
    """``LO:HI:N``, ``A,B,C`` or a mapping as it is in a file."""
    ends = _RANGE.fullmatch(text)
    if ends:
        return {"log_range": [_value(word, part) for part in ends.groups()]}
    values = _value(word, f"[{text}]") if text.startswith("{") else []
    if len(values) == 1 and isinstance(values[0], dict) and "kind" not in values[0]:
        return values[0]
    if ":" in text and not any(bracket in text for bracket in "[]{}\"'"):
        raise UsageError(f"{word}: write LO:HI:N, such as 1e-4:1:13, or A,B,C")
    return {"values": _value(word, f"[{text}]")}


def _value(word: str, text: str) -> Any:
    try:
        return parse(text, word).data
    except ExperimentError as error:
        reason = error.mistakes[0].splitlines()[0].removeprefix(f"{word}:")
        raise UsageError(f"{word}: {reason}") from None


def _put_default(document: Document) -> str:
    """A grid of learning rates where nothing else was asked for, and the sentence that says so."""
    experiment = opened(one_experiment(document))
    low, high, why = _sensible_rates(experiment)
    put(document, ("sweep", "grid", _LR), "the default grid", {"log_range": [low, high, _POINTS]})
    seeds = (document.data["sweep"].get("seeds")) or Sweep.model_fields["seeds"].default
    count = len(seeds) if isinstance(seeds, list) else seeds
    rates = f"{_POINTS} learning rates from {low:g} to {high:g}, {why}"
    return f"no grid was asked for: {rates}; {counted(count, 'seed')}"


def _put_rates_of_kinds(document: Document, words: list[str]) -> str:
    """Rates of its own for each optimizer that an option asks for, and the sentence that says so.

    At one rate each, a comparison would say more about the rates than about the optimizers.
    """
    grid = document.data["sweep"]["grid"]
    kinds = grid.get(_KIND, {}).get("values") or []
    if _LR in grid or not kinds:
        return ""
    try:
        experiments = [at_point(one_point(document), {_KIND: kind}) for kind in kinds]
    except UsageError:  # whoever checks the document says what is wrong
        return ""
    grids, said = [], []
    for kind, experiment in zip(kinds, experiments, strict=True):
        own = document.data["optimizer"].get("kind") == kind
        low, high, why = _sensible_rates(experiment, "the file's" if own else "its default")
        rates = {_KIND: {"values": [kind]}, _LR: {"log_range": [low, high, _POINTS]}}
        grids.append(rates | {key: spec for key, spec in grid.items() if key != _KIND})
        said.append(f"{kind} {low:g} to {high:g}, {why}")
    put(document, ("sweep", "grid"), next(word for word in words if _key(word) == _KIND), grids)
    return f"each optimizer gets {_POINTS} learning rates of its own: {'; '.join(said)}"


def _sensible_rates(experiment: Experiment, whose: str = "the file's") -> tuple[float, float, str]:
    """The ends of the grid, and why these; the rate that the experiment has is `whose`."""
    refuse_too_much(experiment, memory_for_training(experiment, Sizes()))
    known = stability(experiment)
    if known.limit and not known.diagnostic:
        sense = f" {known.sense}" if known.sense else ""
        why = f"around the largest stable one{sense}, {known.limit:.3g}"
        return _round(known.limit / 1000), _round(2 * known.limit), why
    optimizer = experiment.optimizer
    # Adaptive steps are about as long as the rate, whatever the gradient: up to 1 it may be of use.
    high = max(optimizer.lr * 100, 1.0) if optimizer.adaptive else optimizer.lr * 100
    return _round(optimizer.lr / 100), _round(high), f"around {whose} {optimizer.lr:g}"


def _round(rate: float) -> float:
    return float(f"{rate:.2g}")
