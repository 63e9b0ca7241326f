"""What a component of the user's must do, tried out: a check for each thing, which passes or says why not.

    for check in conformance(group, component, features=2, outputs=1): ...

Everything is small and in float64: a few examples, a few steps, a population of three.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.authoring.trials import EXAMPLES, Check, Trial, near, resumed, training_checks, trial_of, tried
from lrcli.components.datasets.base import SPLITS
from lrcli.components.datasets.python import PythonDataset
from lrcli.components.losses import PythonLoss
from lrcli.components.models import Module
from lrcli.components.optimizers import PythonOptimizer
from lrcli.components.user_code import FromFile
from lrcli.errors import LrcliError
from lrcli.experiment.user_code import with_its_code

__all__ = ["Check", "conformance"]

Array = NDArray[np.float64]
_GRADIENT = 1e-4  # of a difference quotient
_MOST_FEATURES = 8  # that are guessed


def conformance(
    group: str, component: FromFile, features: int | None, outputs: int | None
) -> Iterator[Check]:
    """Try a component; what cannot be tried after a failure is left out.

    Args:
        group: that it belongs to, such as ``model``.
        component: which has not been opened.
        features: D; None: to be guessed.
        outputs: O; None: to be guessed.
    """
    opened: list[Any] = []
    made = tried("can be made", lambda: opened.append(with_its_code(group, component)))
    yield made
    if not made.passed:
        return
    checks: dict[str, Callable[[Any], Iterator[Check]]] = {
        "dataset": _of_dataset,
        "model": lambda model: _of_model(model, features, outputs),
        "loss": _of_loss,
        "optimizer": _of_optimizer,
    }
    yield from checks[group](opened[0])


# Models -----------------------------------------------------------------------------------------------


def _of_model(model: Module, features: int | None, outputs: int | None) -> Iterator[Check]:
    found: list[tuple[int, int]] = []
    shaped = tried("shapes", lambda: found.append(_shape(model, features, outputs)))
    yield shaped
    if not shaped.passed:
        return
    (num_features, num_outputs) = found[0]
    run = partial(_trial_of_model, model, num_features, num_outputs)
    trainable = tried("can be trained", lambda: run([0.01]).engine())
    yield trainable
    if not trainable.passed:
        return
    yield tried(
        "initial values from the seed alone", lambda: _repeated_start(model, num_features, num_outputs)
    )
    yield tried("inputs left as they are", lambda: _changed(model, num_features))
    yield tried("gradients", lambda: _gradients(model, num_features, num_outputs))
    yield from training_checks(run)


def _shape(model: Module, features: int | None, outputs: int | None) -> tuple[int, int]:
    """D and O, tried in turn where they are not given."""
    first = [p.fan_in for p in model.code.parameters if len(p.shape) > 1][:1]
    tried = [features] if features else [*first, *range(1, _MOST_FEATURES + 1)]
    for number, count in enumerate(tried):
        try:
            shape = np.shape(model.code.outputs(model.code.initial(0), _inputs(count)))
        except LrcliError:
            if number + 1 < len(tried):
                continue
            raise
        if len(shape) != 2 or shape[0] != EXAMPLES or (outputs and shape[1] != outputs):
            wanted = (EXAMPLES, outputs or "O")
            raise model.code.code.refuse(
                f"forward gives {shape} for inputs {(EXAMPLES, count)}; not {wanted}"
            )
        return count, shape[1]
    raise AssertionError("one shape at least is tried")


def _inputs(features: int) -> Array:
    return np.random.default_rng(0).standard_normal((EXAMPLES, features))


def _repeated_start(model: Module, features: int, outputs: int) -> str:
    first, again = (model.initial(features, outputs, 3) for _ in range(2))
    wrong = [name for name in first if not np.array_equal(first[name], again[name], equal_nan=True)]
    return f"{', '.join(wrong)} differ when the same seed is used again" if wrong else ""


def _changed(model: Module, features: int) -> str:
    changes = model.code.changes(_inputs(features))
    return "forward changes its inputs in place; write x = x + 1, not x += 1" if changes else ""


def _gradients(model: Module, features: int, outputs: int) -> str:
    from lrcli.engines.torch.finite_differences import gradient_error

    error = gradient_error(model, model.code.initial(0), _inputs(features), outputs)
    return _too_far(error, "is not the derivative of forward; look at backward, detach and item()")


def _too_far(error: float, what: str) -> str:
    return (
        "" if error <= _GRADIENT else f"{what}: it differs by {error:.2g} of the largest difference quotient"
    )


def _trial_of_model(model: Module, features: int, outputs: int, rates: list[float]) -> "Trial":
    return trial_of(model=model, rates=rates, features=features, outputs=outputs)


# Losses, optimizers and datasets ----------------------------------------------------------------------


def _of_loss(loss: PythonLoss) -> Iterator[Check]:
    outputs = np.random.default_rng(1).uniform(0.2, 0.8, (3, EXAMPLES, loss.outputs))
    classes = np.broadcast_to(np.arange(EXAMPLES) % max(loss.outputs, 2), outputs.shape[:2])
    targets = classes[:, :, None].astype(np.float64) if loss.outputs == 1 else np.eye(loss.outputs)[classes]
    shaped = tried("shapes", lambda: loss.code.computed(outputs, targets) and None)
    yield shaped
    if not shaped.passed:
        return
    yield tried("a term of each example alone", lambda: _separate(loss, outputs, targets))
    yield tried("slope", lambda: _slope(loss, outputs[0], targets[0]))
    yield tried("the same numbers again", lambda: _computed_again(loss, outputs, targets))
    yield tried("the same numbers alone and in company", lambda: _computed_alone(loss, outputs, targets))


def _separate(loss: PythonLoss, outputs: Array, targets: Array) -> str:
    whole = loss.code.computed(outputs, targets)[0][0]
    each = [loss.code.computed(outputs[:1, [i]], targets[:1, [i]])[0][0, 0] for i in range(EXAMPLES)]
    return "" if near(whole, np.array(each)) else "a term depends on the other examples of its batch"


def _slope(loss: PythonLoss, outputs: Array, targets: Array) -> str:
    from lrcli.engines.torch.finite_differences import slope_error

    return _too_far(slope_error(loss, outputs, targets), "is not the derivative of the terms")


def _computed_again(loss: PythonLoss, outputs: Array, targets: Array) -> str:
    first, second = (loss.code.computed(outputs, targets) for _ in range(2))
    same = all(map(np.array_equal, first, second))
    return "" if same else "the terms differ when they are computed again; something is kept, or drawn"


def _computed_alone(loss: PythonLoss, outputs: Array, targets: Array) -> str:
    whole, alone = loss.code.computed(outputs, targets), loss.code.computed(outputs[:1], targets[:1])
    same = all(near(of_all[:1], own) for of_all, own in zip(whole, alone, strict=True))
    return "" if same else "the terms of a member differ among others"


def _of_optimizer(optimizer: PythonOptimizer) -> Iterator[Check]:
    yield from training_checks(lambda rates: trial_of(optimizer=optimizer, rates=rates))
    yield tried("goes on as if never stopped", lambda: resumed(optimizer))


def _of_dataset(dataset: PythonDataset) -> Iterator[Check]:
    small = dataset.model_copy(update={"num_train": EXAMPLES, "num_val": 5, "num_test": 1})
    shaped = tried("shapes and numbers", lambda: _drawn(small))
    yield shaped
    if not shaped.passed:
        return
    yield tried("examples from the seed alone", lambda: _repeated_draw(small))
    yield tried("rule", lambda: small.rule(small.draw(0, "val")[0]) is None or None)


def _drawn(dataset: PythonDataset) -> None:
    """Draw every split, which refuses what is of another shape, or no finite real number."""
    for split in SPLITS:
        dataset.draw(0, split)


def _repeated_draw(dataset: PythonDataset) -> str:
    same = all(map(np.array_equal, dataset.draw(4, "train"), dataset.draw(4, "train")))
    return "" if same else "they differ when the same seed is used again; draw from rng alone"
