"""The two parts of the errors of a run: what training owes, and what the data cannot tell."""

import math
from collections.abc import Iterator

import numpy as np

from lrcli.explaining.finding import Finding
from lrcli.explaining.numerals import percent, short
from lrcli.explaining.runs.facts import RunFacts
from lrcli.explaining.runs.further_training import falling_rate, further_training
from lrcli.running.forecast import Unforeseen
from lrcli.storage.run_result import RecoveryRow
from lrcli.wording import counted, one_line

__all__ = [
    "decay_bias",
    "finished",
    "is_unfinished",
    "most_owed",
    "other_minimum",
    "owes",
    "undetermined",
    "unfinished",
    "without_spread",
]

_NOISELESS = 1e-9  # of a value of size 1: a standard error that is rounding of float64
_ROUNDING = 1e-6  # of a value of size 1: what float32 leaves
_LITTLE = 0.01  # of the way from where training began
_FAR = 2.0  # standard errors
_SMALL = 0.1  # of a standard error: training owes next to nothing


def unfinished(facts: RunFacts) -> Iterator[Finding]:
    """Training owes more than the data leave open: of the parameter of which it owes most."""
    row = most_owed(facts)
    if row is None or not is_unfinished(facts):
        return
    left, data = _way_left(facts), _of_data(facts, row)
    text = f"{_off(facts, row)}. {f'{data}; the rest is' if data else 'That is'} {_rest(facts, left)}."
    numbers: dict[str, float | str | None] = {
        "parameter": row.name,
        "error": row.error,
        "optimization_error": row.optimization_error,
        "sampling_error": row.sampling_error,
        "standard_error": row.standard_error,
        "way_left": left,
    }
    if left is not None and left < _LITTLE and isinstance(facts.forecast, Unforeseen):
        more, commands = falling_rate(facts)  # near the end steps of one length may be the trouble
    else:
        more, commands = further_training(facts, _told_to(row), left)
    yield Finding("unfinished", text + more, numbers, estimate=bool(more), commands=commands)


def other_minimum(facts: RunFacts) -> Iterator[Finding]:
    """Of a model with many minima: training stays at one that is not the lowest, which it does not leave."""
    row = most_owed(facts)
    stuck = facts.experiment.model.many_valleys and facts.result.outcome == "stuck"
    if row is None or not stuck or not is_unfinished(facts):
        return
    text = (
        f"{_off(facts, row)}. Training has come to another minimum of the loss, or to a plateau: train/loss "
        f"stays at {short(facts.final_loss or 0)}, and more epochs do not help. Begin nearer to the best, by "
        "model.init of kind values."
    )
    yield Finding("other_minimum", text, {"parameter": row.name, "loss": facts.final_loss})


def is_unfinished(facts: RunFacts) -> bool:
    """Whether training owes more of any parameter than the data leave open."""
    row, left = most_owed(facts), _way_left(facts)
    if not facts.foresees and left is not None and left < _LITTLE:
        return False  # or it may be the noise of the batches
    return row is not None and owes(facts, row)


def _rest(facts: RunFacts, left: float | None) -> str:
    """What training has left to do."""
    done = f"{counted(facts.result.steps, 'step')} at {short(facts.rate)}"
    if left and left >= 1:
        return f"unfinished training: {done} have led no nearer to it"
    return f"unfinished training: {done} leave {percent(left)} of the way" if left else "unfinished training"


def _off(facts: RunFacts, row: RecoveryRow) -> str:
    """How far a parameter is from the true value, or from the best possible one where none is true."""
    if row.against == "true" and not facts.decay:
        return f"{one_line(row.name)} is off by {short(abs(row.error))}"
    end = "where perfect training with this weight decay ends" if facts.decay else "its best possible value"
    return f"{one_line(row.name)} is {short(abs(row.optimization_error or 0.0))} from {end}"


def _of_data(facts: RunFacts, row: RecoveryRow) -> str:
    """How well the data could tell it."""
    told = _told_to(row)
    if told is not None:
        return f"The data could tell it to {short(told)}"
    if facts.decay:
        return ""  # how much of it is the decay is said apart
    if row.sampling_error is not None and abs(row.sampling_error) > _ROUNDING * max(1.0, abs(row.true)):
        return f"Of that, {short(abs(row.sampling_error))} is what these data cannot tell"
    return ""


def finished(facts: RunFacts) -> Iterator[Finding]:
    """Training owes less than the data leave open: the rest is theirs."""
    rows = [row for row in facts.determined if row.optimization_error is not None]
    apart = facts.decay and facts.experiment.optimizer.decoupled  # so the reference is not where it ends
    if not rows or apart or facts.result.status == "diverged" or any(owes(facts, row) for row in rows):
        return
    judged = [row for row in rows if _told_to(row) is not None]
    if not judged:
        worst = max(rows, key=lambda row: abs(row.optimization_error or 0.0))
        text = f"Training is finished, or nearly so: {_off(facts, worst)}, and no other parameter owes more."
        yield Finding("finished", text, {"optimization_error": worst.optimization_error})
        return
    owed = max(abs(row.optimization_error or 0.0) / (row.standard_error or 1.0) for row in judged)
    said = "under a tenth" if owed < _SMALL else f"at most {short(owed)}"
    every = (
        "every parameter"
        if len(judged) == len(facts.result.recovery)
        else "every one that the data determine"
    )
    text = f"Training is finished: it owes {said} of a standard error in {every}."
    numbers: dict[str, float | str | None] = {"owed": owed}
    known = [row for row in judged if row.z is not None and math.isfinite(row.z)]
    if known:
        worst = max(known, key=lambda row: abs(row.z or 0.0))
        text += (
            f" What is left is what the data cannot tell: {one_line(worst.name)} is off by "
            f"{short(abs(worst.error))}, {short(abs(worst.z or 0.0))} standard errors, the most of any. Only "
            "more data make it smaller."
        )
        numbers |= {"parameter": worst.name, "error": worst.error, "z": worst.z}
    yield Finding("finished", text, numbers)


def decay_bias(facts: RunFacts) -> Iterator[Finding]:
    """Weight decay moves the end of training away from least squares by more than the data leave open."""
    plain = _least_squares(facts) if facts.decay and facts.result.status != "diverged" else {}
    apart = facts.experiment.optimizer.decoupled  # where that ends is not worked out
    ends = {row.name: row.learned if apart else row.reference for row in facts.determined}
    rows = [row for row in facts.determined if ends[row.name] is not None and row.name in plain]
    if not rows:
        return
    worst = max(rows, key=lambda row: abs(plain[row.name] - (ends[row.name] or 0.0)))
    before, after = plain[worst.name], ends[worst.name] or 0.0
    if abs(before - after) < max(_FAR * (_told_to(worst) or 0.0), _LITTLE * abs(before)):
        return
    name = one_line(worst.name)
    if apart:
        text = f"{name} is {short(after)}, where least squares without weight decay has {short(before)}. "
        kind = facts.experiment.optimizer.kind
        text += (
            f"{kind} shrinks all parameters at every step, by the learning rate times {short(facts.decay)}"
        )
        text += ", so they settle where that and the gradient balance, or have not got there yet."
    else:
        text = f"Weight decay of {short(facts.decay)} keeps {name} at {short(after)}, where least squares "
        text += f"without it has {short(before)}: that is where even perfect training ends. A smaller decay "
        text += "brings them together, more training does not."
    numbers = {"decay": facts.decay, "least_squares": before, "learned" if apart else "reference": after}
    yield Finding("decay_bias", text, numbers, apart, (facts.train(optimizer__weight_decay=0),))


def _least_squares(facts: RunFacts) -> dict[str, float]:
    """Those without the decay, by the names of the numbers; none where the loss is no quadratic."""
    model = facts.experiment.model
    if (
        facts.experiment.loss.quadratic_factor is None
        or not model.linear_in_parameters
        or not facts.quick_to_fit
    ):
        return {}
    best = model.best_fit(facts.inputs, facts.targets) or {}
    if not best:
        return {}
    values = np.concatenate([best[p.name].reshape(-1) for p in facts.problem.parameters])
    return dict(zip(facts.experiment.elements, values.tolist(), strict=True))


def undetermined(facts: RunFacts) -> Iterator[Finding]:
    """Parameters that the data leave open."""
    reference = facts.result.reference
    if reference is not None and reference.why:
        names = ", ".join(reference.undetermined)
        yield Finding("undetermined", f"{reference.why.rstrip('.')}.", {"parameters": names})


def without_spread(facts: RunFacts) -> Iterator[Finding]:
    """Why it is not known what the data leave open, or what training owes.

    That a model is not the rule behind the data is no finding: the file has it so.
    """
    reference = facts.result.reference
    known = reference is not None and reference.against != "true" and facts.experiment.dataset.truth_known
    if reference is not None and reference.missing and not known:
        yield Finding("without_spread", reference.missing, {})


def _told_to(row: RecoveryRow) -> float | None:
    """What the data leave open of it; None where that is not known, or no more than rounding."""
    error = row.standard_error
    return error if error is not None and error > _NOISELESS * max(1.0, abs(row.learned)) else None


def owes(facts: RunFacts, row: RecoveryRow) -> bool:
    """Whether training owes more than the data leave open, and more than rounding.

    Where it is not known what the data leave open, a hundredth of the way, or of the value, counts.
    """
    owed = abs(row.optimization_error or 0.0)
    told = _told_to(row)
    if told is not None:
        return owed > max(told, _ROUNDING * max(1.0, abs(row.learned)))
    left = _way_left(facts)
    if left is not None:
        return left > _LITTLE
    return owed > _LITTLE * max(abs(row.learned), abs(row.learned + (row.optimization_error or 0.0)))


def most_owed(facts: RunFacts) -> RecoveryRow | None:
    """The parameter of which training owes most; None where that is known of none, or it diverged."""
    rows = [row for row in facts.determined if row.optimization_error is not None]
    if facts.result.status == "diverged" or (facts.decay and facts.experiment.optimizer.decoupled):
        return None
    return max(rows, key=lambda row: abs(row.optimization_error or 0.0), default=None)


def _way_left(facts: RunFacts) -> float | None:
    """The distance to the reference at the end over that at the start, over all determined parameters."""
    rows = facts.result.recovery
    start = np.concatenate([facts.start[p.name].reshape(-1) for p in facts.problem.parameters])
    if len(start) != len(rows) or not facts.experiment.model.linear_in_parameters:
        return None
    kept = [
        (row.optimization_error, row.learned + row.optimization_error - begun)
        for row, begun in zip(rows, start.tolist(), strict=True)
        if row.determined and row.optimization_error is not None
    ]
    first = math.hypot(*(before for _, before in kept))
    return math.hypot(*(after for after, _ in kept)) / first if first > 0 else None
