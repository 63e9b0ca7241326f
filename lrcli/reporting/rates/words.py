"""What the search for a learning rate has found, in sentences and as data."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lrcli.explaining.numerals import short
from lrcli.sweeps.rate_finding import RateFinding
from lrcli.wording import counted

__all__ = ["as_data", "command_of", "sentences"]


def sentences(finding: RateFinding, command: str) -> Iterator[str]:
    """What was tried, where training blows up, what is usable, what is suggested and why.

    Args:
        finding: of the search.
        command: what trains with the suggested rate.
    """
    if swept := _swept(finding):
        yield f"left aside: the file's sweep over {' and '.join(swept)}; all but the rate is as a run has it"
    yield _tried(finding)
    yield _blow_up(finding)
    band = finding.band
    if band is not None:
        metric = finding.select.metric
        good = f"up to twice the best {metric}"
        if finding.select.direction == "max":
            good = f"{metric} at most 0.05 below the best"
        yield f"usable: {_range(band.low, band.high)} ({good})"
    yield _suggestion(finding)
    if finding.suggestion is not None:
        yield f"try: {command}"


def _swept(finding: RateFinding) -> list[str]:
    """The keys that a sweep of the file's own varies."""
    sweep = finding.experiment.sweep
    return list(dict.fromkeys(key for grid in sweep.grid for key in grid)) if sweep else []


def _tried(finding: RateFinding) -> str:
    rates, whole = finding.trials.rates, finding.experiment.training.epochs
    epochs = counted(whole, "epoch")
    if finding.epochs < whole:
        epochs = f"up to {finding.epochs:,} of {epochs} (there was no time for more; --seconds)"
    seeds = counted(len(finding.seeds), "seed")
    return (
        f"tried: {len(rates)} rates from {rates[0]:.3g} to {rates[-1]:.3g}, each from the start with "
        f"{seeds}, {epochs}, in {short(finding.seconds)} s"
    )


def _blow_up(finding: RateFinding) -> str:
    found = finding.blow_up
    if found is None:
        return f"blow-up: none up to {finding.trials.rates[-1]:.3g}"
    if found.low == 0:
        count = int(finding.trials.blown[:, 0].sum())
        seeds = f"{count} of {counted(len(finding.seeds), 'seed')}"
        return f"blow-up: at the lowest rate already, {finding.trials.rates[0]:.3g}, of {seeds}"
    few = f"; {found.seeds} of {len(finding.seeds)} seeds did" if found.seeds < len(finding.seeds) else ""
    return (
        f"blow-up: at {found.rate:.3g} (from {found.low:.3g}, which every seed stands, to {found.high:.3g}"
        f"{few}): from there on training diverges or its loss ends above where it began"
    )


def _suggestion(finding: RateFinding) -> str:
    chosen, metric = finding.chosen, finding.select.metric
    if finding.suggestion is None or chosen is None:
        return f"no rate is suggested: {finding.reason}"
    close = "5%" if finding.select.direction == "min" else "0.005"
    middle = f", the middle of {chosen.low:.3g} to {chosen.high:.3g}" if chosen.low < chosen.high else ""
    noisy = " (of neighbouring rates together, since single ones jump)" if chosen.noisy else ""
    return (
        f"suggestion: {chosen.rate:.3g}{middle}, where {metric}"
        f"{noisy} is as good as the best within {close} or what the seeds can tell: {chosen.score:.4g}"
        f"{_own(finding)}"
    )


def _range(low: float, high: float) -> str:
    return f"{low:.3g} to {high:.3g}" if low < high else f"{low:.3g} alone"


def _own(finding: RateFinding) -> str:
    """The file's own rate beside it, where it was trained as long."""
    own = finding.experiment.optimizer.lr
    found = np.flatnonzero(finding.decisive.rates == own)
    if not found.size:
        return ""
    score = float(finding.medians[found[0]])
    return f"; the file's {own:.3g} " + (f"has {score:.4g}" if np.isfinite(score) else "blows up")


def command_of(finding: RateFinding, file: str, overrides: Sequence[str]) -> str:
    """The very words that train with the suggested rate; empty where there is none."""
    if finding.suggestion is None:
        return ""
    words = [word for word in overrides if not word.startswith("optimizer.lr=")]
    return shlex.join(["lrcli", "train", file, *words, f"optimizer.lr={finding.suggestion:.4g}"])


def as_data(finding: RateFinding, command: str) -> dict[str, Any]:
    """What ``lrcli lr-find --json`` prints."""
    chosen, found, band, trials = finding.chosen, finding.blow_up, finding.band, finding.trials
    return {
        "schema": 1,
        "command": "lr-find",
        "name": finding.experiment.name,
        "metric": finding.select.metric,
        "mode": finding.select.direction,
        "left_aside": _swept(finding),
        "seeds": list(finding.seeds),
        "epochs": finding.experiment.training.epochs,
        "tried_epochs": finding.epochs,
        "suggestion": finding.suggestion,
        "low": None if finding.suggestion is None or chosen is None else chosen.low,
        "high": None if finding.suggestion is None or chosen is None else chosen.high,
        "score": None if finding.suggestion is None or chosen is None else chosen.score,
        "reason": finding.reason,
        "blow_up": found and {"rate": found.rate, "low": found.low, "high": found.high, "seeds": found.seeds},
        "usable": band and {"low": band.low, "high": band.high},
        "rates": [
            {
                "rate": float(trials.rates[k]),
                "epochs": int(trials.epochs[k]),
                "scores": trials.scores[:, k].tolist(),
                "blown_up": int(trials.blown[:, k].sum()),
            }
            for k in range(len(trials.rates))
        ],
        "try": command,
        "seconds": finding.seconds,
    }
