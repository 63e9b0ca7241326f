"""How long a sweep takes, within a factor of two: arithmetic, and one measured constant.

The constants are seconds on a server of 2023 (Zen 4) that does nothing else; how much slower this machine is
now is measured, in a millisecond. tests/benchmarks/estimates.py holds the estimates to measured times.
Starting, compiling machine code and drawing figures are left out: they take seconds, once.
"""

import time
from functools import cache, partial

import numpy as np

from lrcli.analysis.curvature import seconds_needed
from lrcli.experiment.experiment import Experiment, recorded_metrics, recovers
from lrcli.running.engine_choice import engine_of, maps_members, multiply_adds
from lrcli.running.resources import Sizes
from lrcli.training.cores import cores
from lrcli.training.quadratic import has_triangle, is_quadratic

__all__ = ["LANES", "seconds_of_training", "slowness"]

LANES = 32  # members in a row of lanes, in float32
_FEW_MEMBERS, _LANE_PARAMETERS = 3, 1024  # up to which, and above which, members are trained one by one
_QUADRATIC = 16  # parameters, up to which full batches are not looked at
_IN_LANES = 1.2e10  # multiply-adds of a core in a second, of members side by side
_ALONE = 1.7e9  # of one member with narrow layers
_WIDE, _OF_PARAMETER = 3e10, 2e-9  # of one with wide layers; and seconds for each parameter in a step
_STEP = 3e-8  # seconds of a step in machine code, whatever it does

_TORCH_STEP, _TORCH_LAYER = 2e-5, 3e-5  # seconds of a step by torch, and of each layer in it
_TORCH_PRODUCT = 1.1e-7  # seconds of a member's small products in each layer
_TORCH_NUMBER = 2.2e-9  # seconds of a number of a batch or of the parameters
_TORCH_MODULE = 6e-4  # seconds of a step of a module of the user's, all members mapped, or of each alone
_TORCH_RATE = 3e10  # multiply-adds in a second, of large products

_SHUFFLED = 4e-9  # seconds of an example brought into the order of an epoch
_DRAWN = 3e-8  # seconds of a number of the data, drawn and placed
_PROBE = 1.8e-4  # seconds of `_probe` on that server
_BEGUN = 0.07  # seconds of a population, whatever is trained
_ROW = 1e-4  # seconds of a row of data, whatever its size
_COEFFICIENTS = 3e-8  # seconds of a member and step whose rate or bias correction moves
_UPDATE = 6e-10  # seconds of a parameter whose optimizer divides by a root
_RECORD = 8e-4  # seconds of a record, whatever is recorded
_METRIC, _PARAMETER = 1.3e-7, 5e-8  # seconds of each metric and parameter of each member at a record
_TRIANGLE = 2e-9  # seconds of a number of a triangle
_MEMBER, _CELL = 3e-6, 4e-7  # seconds of a member in the end, and of each number of it that is written


def seconds_of_training(
    experiment: Experiment, sizes: Sizes, records: int, num_cores: int | None = None
) -> float:
    """The time from the drawing of the data to the tables.

    Args:
        experiment: what the members have in common.
        sizes: how many there are.
        records: of each member.
        num_cores: that work on it; None: those that this process may use.
    """
    num_cores = num_cores or cores()
    training, dataset = experiment.training, experiment.dataset
    steps = training.epochs * training.num_batches(dataset.sizes["train"])
    compiled = engine_of(experiment)[0] == "compiled"
    step = partial(_compiled_step, num_cores=num_cores) if compiled else _torch_step
    shuffled = training.epochs * sizes.rows * dataset.sizes["train"] * _SHUFFLED if training.shuffle else 0.0
    if training.num_batches(dataset.sizes["train"]) == 1:
        shuffled = 0.0
    return (
        _BEGUN
        + _of_data(experiment, sizes)
        + _beside(steps * step(experiment, sizes.members), shuffled, num_cores)
        + records * _of_record(experiment, sizes.members, num_cores if compiled else 0)
        + sizes.members * (_MEMBER + _CELL * _numbers(experiment))
        + (sizes.members * steps * _COEFFICIENTS if experiment.optimizer.moves else 0.0)
    )


@cache
def slowness() -> float:
    """How many times as long as that server this machine takes for arithmetic in NumPy."""
    return min(_probe() for _ in range(7)) / _PROBE


def _probe() -> float:
    started = time.perf_counter()
    numbers = np.arange(1000.0)
    for _ in range(50):
        numbers = np.sqrt(numbers * 1.01 + 0.5)
    return time.perf_counter() - started


def _beside(trained: float, shuffled: float, num_cores: int) -> float:
    """The time of both, the latter on a thread of its own."""
    return max(trained, shuffled, (trained + shuffled) / 2) if num_cores > 1 else trained + shuffled


def _of_data(experiment: Experiment, sizes: Sizes) -> float:
    """Examples drawn and placed, and their triangles made."""
    dataset = experiment.dataset
    seconds = sizes.rows * _ROW
    for count in dataset.sizes.values():
        seconds += sizes.rows * count * (dataset.num_features + 1) * _DRAWN
        if has_triangle(experiment, count):
            seconds += sizes.rows * count * _parameters(experiment) ** 2 * _TRIANGLE / 2
    return seconds


def _compiled_step(experiment: Experiment, members: int, num_cores: int) -> float:
    """A step of all members."""
    parameters = _parameters(experiment)
    work = multiply_adds(experiment)
    full = experiment.training.num_batches(experiment.dataset.sizes["train"]) == 1
    if full and parameters <= _QUADRATIC and is_quadratic(experiment):
        work = 3 * parameters * parameters
    update = parameters * _UPDATE if experiment.optimizer.adaptive else 0.0
    if members > _FEW_MEMBERS and parameters <= _LANE_PARAMETERS:
        blocks, block = -(-members // LANES), _STEP + LANES * (work / _IN_LANES + update)
    elif parameters <= _LANE_PARAMETERS // 8:
        blocks, block = members, _STEP + work / _ALONE
    else:
        blocks, block = members, _STEP + work / _WIDE + parameters * _OF_PARAMETER
    return block * -(-blocks // min(num_cores, blocks))


def _torch_step(experiment: Experiment, members: int) -> float:
    """A step of all members."""
    layers = sum(not parameter.is_bias for parameter in experiment.parameters)
    batch = experiment.training.first_batch(experiment.dataset.sizes["train"])
    values = batch * sum(sum(p.matrix) for p in experiment.parameters if not p.is_bias)
    numbers = values + 4 * _parameters(experiment)
    model = experiment.model
    products = layers * _TORCH_PRODUCT if model.dense and not model.linear_in_parameters else 0.0
    each = products + numbers * _TORCH_NUMBER + multiply_adds(experiment) / _TORCH_RATE
    own = 0.0
    if model.code_path is not None:
        own = _TORCH_MODULE * (1 if maps_members(experiment) else members)
    return _TORCH_STEP + own + layers * _TORCH_LAYER + members * each


def _of_record(experiment: Experiment, members: int, num_cores: int) -> float:
    """Metrics and parameters of all members, and the evaluation of two splits.

    Args:
        experiment: what the members have in common.
        members: how many there are.
        num_cores: that the compiled engine uses; 0: the torch engine trains.
    """
    dataset, parameters = experiment.dataset, _parameters(experiment)
    seconds = _RECORD + members * (_METRIC * len(recorded_metrics(experiment)) + _PARAMETER * parameters)
    if experiment.logging.curvature:
        seconds += members * seconds_needed(parameters, dataset.sizes["train"])
    for count in (dataset.sizes["train"] if experiment.logging.evaluate_train else 0, dataset.sizes["val"]):
        if has_triangle(experiment, count):
            seconds += members * parameters**2 * _TRIANGLE
        elif num_cores:
            seconds += members * count * parameters / (_IN_LANES * num_cores)
        else:
            widths = sum(sum(p.matrix) for p in experiment.parameters if not p.is_bias)
            seconds += members * count * widths * _TORCH_NUMBER
    return seconds


def _parameters(experiment: Experiment) -> int:
    return sum(parameter.size for parameter in experiment.parameters)


def _numbers(experiment: Experiment) -> int:
    """Columns of results.csv."""
    errors = _parameters(experiment) if recovers(experiment) else 0
    return 8 + len(recorded_metrics(experiment)) + errors
