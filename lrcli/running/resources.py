"""The memory that an experiment takes, by arithmetic: known, and refused, before anything is drawn.

Examples and parameters lie in memory several times: as drawn, in float64; as an engine holds them; in the
orders of the epochs ahead. What is added up here are the arrays of the moment when there are most of them;
tests/running/test_resources.py holds it to measured memory. What every process takes is left out.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from lrcli.analysis.logistic import within_reach
from lrcli.components.datasets.base import SplitName
from lrcli.config.keys import value_at
from lrcli.engines.compiled.examples import epochs_of_chunk
from lrcli.errors import UsageError
from lrcli.experiment.experiment import Experiment, parts_errors, recorded_metrics, recovers, resolved
from lrcli.running.engine_choice import engine_of
from lrcli.running.machine import memory_of_machine
from lrcli.training.quadratic import bytes_of_triangle

__all__ = [
    "Needs",
    "Sizes",
    "bytes_of_members",
    "bytes_of_results",
    "bytes_text",
    "memory_for_data",
    "memory_for_training",
    "refuse_too_much",
    "refuse_uncountable",
    "room",
]

Needs = Counter[str]  # from the key to change to the bytes that come of its value

_MOST = 2**46  # bytes: more than any machine has, should one not say
_PROCESS = {"compiled": 100 * 10**6, "torch": 300 * 10**6}  # bytes, before there is any experiment
_VECTORS = 380  # bytes of a member in training for what has a number for each: status, metrics, rates
_ENDED = 90  # bytes of a member of a part for how it has ended
_KEPT, _WRITTEN = 25, 140  # bytes of a member of a sweep while others train, and while tables are written
_AT_RECORD = 4  # arrays of parameters in float64 while a record is taken: before, now, the best
_WORK = 2  # arrays of a step by torch, beside the states before it
_TEXT = 180  # bytes of a parameter of a single run while result.json is written
_TABLE = 20 * 2**21  # bytes of a table of coefficients that move from step to step
_OF_CURVE = 20  # numbers of an example in a step and in an evaluation, by autograd
_GIVEN_BACK = 2**25  # bytes: smaller arrays stay with the process when they are freed (glibc)
_EVALUATED = 2**22  # numbers of one tensor in an evaluation by torch


class Sizes(NamedTuple):
    """What is trained together.

    Attributes:
        members: R.
        rows: S, rows of data.
        draws: sets of initial parameters.
    """

    members: int = 1
    rows: int = 1
    draws: int = 1


class _Shape(NamedTuple):
    """The numbers that make up an experiment.

    Attributes:
        number: bytes of a number in training.
        drawn: numbers of an example as it is drawn, in float64.
        held: numbers of an example in an engine: features and targets.
        targets: numbers of its target.
        inputs: D.
        layers: outputs of all layers together.
        widest: the most numbers of an example in one layer.
        parameters: P.
        engine: ``compiled`` or ``torch``.
    """

    number: int
    drawn: int
    held: int
    targets: int
    inputs: int
    layers: int
    widest: int
    parameters: int
    engine: str


def _shape(experiment: Experiment) -> _Shape:
    dataset, model, parameters = experiment.dataset, experiment.model, experiment.parameters
    inputs = dataset.num_features
    features = int(model.features(np.zeros((1, inputs))).shape[-1])
    targets = experiment.loss.num_outputs(dataset.num_classes)
    engine = engine_of(experiment)[0]
    own = features if model.one_feature and model.dense else 0
    constant = int(engine == "compiled" and bool(own))  # which the compiled engine takes for a bias
    return _Shape(
        number=8 if experiment.dtype == "float64" else 4,
        drawn=inputs + own + targets,
        held=features - constant + targets,
        targets=targets,
        inputs=inputs,
        layers=sum(p.matrix[1] for p in parameters if not p.is_bias),
        widest=max(max(p.matrix) for p in parameters),
        parameters=sum(p.size for p in parameters),
        engine=engine,
    )


def memory_for_data(experiment: Experiment, rows: int = 1) -> Needs:
    """What the examples take while they are drawn."""
    key, most = _drawing(experiment, rows)
    of_example = rows * _shape(experiment).drawn + experiment.dataset.held_numbers
    return _held(experiment, 8 * of_example) + Needs({key: most})


def _counts(experiment: Experiment) -> dict[str, int]:
    """The examples of each split, by the key that says it; those of a file have one key for all."""
    counts: Needs = Counter()
    for split, count in experiment.dataset.sizes.items():
        counts[_key_of(experiment, split)] += count
    return counts


def _key_of(experiment: Experiment, split: SplitName = "train") -> str:
    """The key that says how many examples a split has."""
    return f"dataset.{experiment.dataset.size_keys[split]}"


def _held(experiment: Experiment, of_example: int) -> Needs:
    """What takes so many bytes for each example of any split."""
    return Needs({key: count * of_example for key, count in _counts(experiment).items()})


def _drawing(experiment: Experiment, rows: int) -> tuple[str, int]:
    """What a row of the largest split takes while it is drawn, beside what stays of it."""
    dataset = experiment.dataset
    numbers = dataset.drawing_numbers + (dataset.num_features + 1 if rows > 1 else 0)
    key, count = max(_counts(experiment).items(), key=lambda item: item[1])
    return key, 8 * count * numbers


def memory_for_training(experiment: Experiment, sizes: Sizes) -> Needs:
    """What training takes, with the examples, until the results are written.

    Args:
        experiment: what the members have in common.
        sizes: how many there are.
    """
    shape = _shape(experiment)
    copied = shape.number * shape.held if shape.number < 8 or shape.held < shape.drawn - shape.inputs else 0
    needs = _held(experiment, sizes.rows * copied)
    ahead = _bytes_of_epochs(experiment, shape, sizes)
    needs[_key_of(experiment)] += ahead if shape.engine == "compiled" else 0
    # What takes memory for a while: only the largest of these counts.
    drawn_in, drawing = _drawing(experiment, sizes.rows)
    peaks = [(drawn_in, drawing - needs.total())]
    peaks += [(key, _bytes_of_look(experiment, shape, sizes, n)) for key, n in _counts(experiment).items()]
    # References are found before training, where there are no epochs ahead yet.
    early = _bytes_of_reference(experiment, shape) - (ahead if shape.engine == "compiled" else 0)
    peaks.append((_key_of(experiment), early))
    if shape.engine == "torch":
        peaks.append((_key_of(experiment), ahead))
        peaks.append(("training.batch_size", _bytes_of_batch(experiment, shape, sizes)))
    key, most = max(peaks, key=lambda peak: peak[1])
    needs[key] += most
    of_example = sizes.rows * shape.drawn + experiment.dataset.held_numbers
    return needs + _held(experiment, 8 * of_example) + _of_members(experiment, shape, sizes)


def _bytes_of_epochs(experiment: Experiment, shape: _Shape, sizes: Sizes) -> int:
    """The examples in the orders of the epochs ahead."""
    training, count, rows = experiment.training, experiment.dataset.sizes["train"], sizes.rows
    steps = training.num_batches(count)
    noisy, shuffled = experiment.model.noise_of_inputs > 0, training.shuffle and steps > 1
    numbers = rows * count * shape.held
    if noisy:
        return 3 * 8 * rows * count * shape.inputs + 2 * shape.number * numbers
    if not shuffled:
        return 0
    if shape.engine == "torch":
        return shape.number * numbers + 2 * 8 * rows * count
    ahead = epochs_of_chunk(numbers, training.epochs)
    chunks = min(2, -(-training.epochs // ahead))
    return chunks * ahead * shape.number * numbers + 4 * count


def _bytes_of_look(experiment: Experiment, shape: _Shape, sizes: Sizes, count: int) -> int:
    """What an evaluation of so many examples takes."""
    triangle = bytes_of_triangle(experiment, count, sizes.rows)
    if triangle or shape.engine == "compiled" or count == 0:
        return triangle
    together = min(sizes.members, max(2, _EVALUATED // (count * shape.widest)))
    numbers = shape.held + max(2 * shape.layers, 0 if experiment.model.dense else _OF_CURVE // 4)
    return together * count * (shape.number * numbers + 16 * shape.targets)


def _bytes_of_reference(experiment: Experiment, shape: _Shape) -> int:
    """What it takes to find the best parameters of one set of data, and whether the data determine them."""
    model, dataset = experiment.model, experiment.dataset
    if not model.linear_in_parameters or not recovers(experiment):
        return 0
    if experiment.loss.of_logits and not within_reach(dataset.sizes["train"], shape.parameters):
        return 0
    matrix = 8 * dataset.sizes["train"] * (shape.parameters // shape.targets)
    if dataset.num_classes is not None:  # several copies, and as many logits and chances
        return 4 * matrix + 5 * 8 * dataset.sizes["train"] * shape.targets
    return 2 * matrix


def _bytes_of_batch(experiment: Experiment, shape: _Shape, sizes: Sizes) -> int:
    """What a step by torch takes for its examples: values and slopes of all layers."""
    numbers = 3 * shape.layers if experiment.model.dense else max(_OF_CURVE, 4 * shape.layers)
    spread = shape.held if sizes.rows > 1 else 0
    batch = experiment.training.first_batch(experiment.dataset.sizes["train"])
    of_number = shape.number * sizes.members * batch
    kept = 2 if of_number * shape.widest < _GIVEN_BACK else 1
    return of_number * (kept * numbers + spread)


def _of_members(experiment: Experiment, shape: _Shape, sizes: Sizes) -> Needs:
    """Parameters and states, and what has a number for each member or step."""
    optimizer, training, members = experiment.optimizer, experiment.training, sizes.members
    steps = training.num_batches(experiment.dataset.sizes["train"])
    states = 1 + optimizer.most_states
    arrays = states + (_WORK + states if shape.engine == "torch" else 0)
    of_member = shape.number * arrays + 8 * _AT_RECORD
    of_run = _TEXT if members == 1 else 0
    table = min(_TABLE, 160 * members * steps * training.epochs)  # 8 coefficients of 20 bytes
    return Needs(
        {
            _key_of_size(experiment): shape.parameters * (members * of_member + 8 * sizes.draws + of_run),
            "training.batch_size": 2 * 8 * steps,  # the sizes of all batches
            "members": members * (_VECTORS if members > 1 else 0) + (table if optimizer.moves else 0),
        }
    )


def _key_of_size(experiment: Experiment) -> str:
    """The key that makes the parameters many."""
    model, dataset = experiment.model, experiment.dataset
    if model.size_key is not None:
        return f"model.{model.size_key}"
    return "model.kind" if dataset.width_key is None else f"dataset.{dataset.width_key}"


def bytes_of_results(experiment: Experiment, members: int, records: int) -> Needs:
    """What is found of some members of a sweep, in memory until it lies on the disk."""
    metrics = len(recorded_metrics(experiment)) + 2 * recovers(experiment) + 2 * parts_errors(experiment)
    errors = sum(p.size for p in experiment.parameters) if recovers(experiment) else 0
    of_data = 1 + 3 * errors if parts_errors(experiment) else 0  # truth, sampling and standard errors
    last = _ENDED + 8 * (metrics + errors + of_data)
    return Needs({"members": members * last, "logging.every": 8 * members * metrics * records})


def bytes_of_members(members: int, *, written: bool = False) -> Needs:
    """What a sweep has in memory of each of its members, wherever the rest lies.

    Args:
        members: how many there are.
        written: while its tables are written; else while they are trained.
    """
    return Needs({"members": members * (_WRITTEN if written else _KEPT)})


def room() -> int:
    """The bytes that there are for an experiment."""
    return memory_of_machine() or _MOST


def refuse_too_much(experiment: Experiment, needs: Needs, what: str = "the experiment") -> None:
    """Refuse what does not fit into the machine.

    Raises:
        UsageError: with what takes most, and how much memory there is.
    """
    there = room()
    need = needs.total() + _PROCESS[engine_of(experiment)[0]]
    if need <= there:
        return
    whole = resolved(experiment)
    parts = []
    for key, size in needs.most_common(3):
        value = value_at(whole, key)
        said = "" if value is None or isinstance(value, dict) else f" {value}"
        if isinstance(value, list) and len(said) > 40:
            said = f" of {len(value):,} numbers"
        if size >= need / 10:
            parts.append(f"{bytes_text(size)} for {key}{said}")
    raise UsageError(
        f"{what} does not fit in memory: it would take {bytes_text(need)}, and this machine has "
        f"{bytes_text(there)} for it; {', '.join(parts)}"
    )


def refuse_uncountable(experiment: Experiment) -> None:
    """Refuse more steps than whole numbers of 64 bits count.

    Raises:
        UsageError: with what would have to be less.
    """
    training = experiment.training
    steps = training.epochs * training.num_batches(experiment.dataset.sizes["train"])
    if steps >= 2**63:
        raise UsageError(
            f"training: {steps:.3g} steps are more than can be counted; choose fewer than "
            f"{training.epochs:,} epochs, or a larger batch_size"
        )


def bytes_text(size: int) -> str:
    """A size for people, with three digits."""
    for unit, base in (("EB", 10**18), ("PB", 10**15), ("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= base:
            return f"{size / base:.3g} {unit}" if size < 1000 * base else f"{size // base:,} {unit}"
    return f"{size / 1000:.3g} KB"
