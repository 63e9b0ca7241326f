"""What a component of the user's must do, tried out: a check for each thing, which passes or says why not.

    for check in conformance(component, features=2, outputs=1): ...

Everything is small and in float64: a few examples, a few steps, a population of three.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets import LinearDataset
from lrcli.components.datasets.python import PythonDataset
from lrcli.components.losses import HalfMSE, PythonLoss
from lrcli.components.models import MLP, Module
from lrcli.components.optimizers import SGD, PythonOptimizer
from lrcli.components.user_code import FromFile
from lrcli.config.blocks import Training
from lrcli.errors import LrcliError
from lrcli.experiment.user_code import code_of
from lrcli.training.population import Population, build_population
from lrcli.training.problem import Draw, Problem, draw_problem

__all__ = ["Check", "conformance"]

Array = NDArray[np.float64]
_EXAMPLES, _BATCH, _EPOCHS = 12, 4, 3
_CLOSE = 1e-10  # of what should be equal but for rounding, beside the largest number
_GRADIENT = 1e-4  # of a difference quotient
_MOST_FEATURES = 8  # that are guessed


@dataclass(frozen=True)
class Check:
    """One thing that has been tried.

    Attributes:
        name: what, in a few words.
        why: why it failed; empty where it passed.
    """

    name: str
    why: str = ""

    @property
    def passed(self) -> bool:
        """Whether it did what it must."""
        return not self.why


def conformance(component: FromFile, features: int | None, outputs: int | None) -> Iterator[Check]:
    """Try a component; what cannot be tried after a failure is left out.

    Args:
        component: which has not been opened.
        features: D; None: to be guessed.
        outputs: O; None: to be guessed.
    """
    opened: list[FromFile] = []
    made = _tried("can be made", lambda: opened.append(component.with_code(code_of(component))))
    yield made
    if made.passed:
        yield from _of(opened[0], features, outputs)


def _tried(name: str, run: Callable[[], object]) -> Check:
    """A check that fails with what it raises, or with the reason that it gives."""
    try:
        why = run()
    except LrcliError as error:
        return Check(name, str(error))
    return Check(name, why if isinstance(why, str) else "")


def _of(component: FromFile, features: int | None, outputs: int | None) -> Iterator[Check]:
    if isinstance(component, PythonDataset):
        yield from _of_dataset(component)
    elif isinstance(component, Module):
        yield from _of_model(component, features, outputs)
    elif isinstance(component, PythonLoss):
        yield from _of_loss(component)
    elif isinstance(component, PythonOptimizer):
        yield from _of_training(lambda rates: _trial(optimizer=component, rates=rates))
        yield _tried("goes on as if never stopped", lambda: _resumed(component))


# Models -----------------------------------------------------------------------------------------------


def _of_model(model: Module, features: int | None, outputs: int | None) -> Iterator[Check]:
    found: list[tuple[int, int]] = []
    shaped = _tried("shapes", lambda: found.append(_shape(model, features, outputs)))
    yield shaped
    if not shaped.passed:
        return
    (num_features, num_outputs) = found[0]
    run = partial(_trial_of_model, model, num_features, num_outputs)
    trainable = _tried("can be trained", lambda: run([0.01]))
    yield trainable
    if not trainable.passed:
        return
    yield _tried(
        "initial values from the seed alone", lambda: _repeated_start(model, num_features, num_outputs)
    )
    yield _tried("inputs left as they are", lambda: _changed(model, num_features))
    yield _tried("gradients", lambda: _gradients(model, num_features, num_outputs))
    yield from _of_training(run)


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
        if len(shape) != 2 or shape[0] != _EXAMPLES or (outputs and shape[1] != outputs):
            wanted = (_EXAMPLES, outputs or "O")
            raise model.code.code.refuse(
                f"forward gives {shape} for inputs {(_EXAMPLES, count)}; not {wanted}"
            )
        return count, shape[1]
    raise AssertionError("one shape at least is tried")


def _inputs(features: int) -> Array:
    return np.random.default_rng(0).standard_normal((_EXAMPLES, features))


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


def _trial_of_model(model: Module, features: int, outputs: int, rates: list[float]) -> "_Trial":
    return _trial(model=model, rates=rates, features=features, outputs=outputs)


# Losses and datasets ----------------------------------------------------------------------------------


def _of_loss(loss: PythonLoss) -> Iterator[Check]:
    outputs = np.random.default_rng(1).uniform(0.2, 0.8, (3, _EXAMPLES, loss.outputs))
    classes = np.broadcast_to(np.arange(_EXAMPLES) % max(loss.outputs, 2), outputs.shape[:2])
    targets = classes[:, :, None].astype(np.float64) if loss.outputs == 1 else np.eye(loss.outputs)[classes]
    shaped = _tried("shapes", lambda: loss.code.computed(outputs, targets) and None)
    yield shaped
    if not shaped.passed:
        return
    yield _tried("a term of each example alone", lambda: _separate(loss, outputs, targets))
    yield _tried("slope", lambda: _slope(loss, outputs[0], targets[0]))
    yield _tried("the same numbers again", lambda: _computed_again(loss, outputs, targets))
    yield _tried("the same numbers alone and in company", lambda: _computed_alone(loss, outputs, targets))


def _separate(loss: PythonLoss, outputs: Array, targets: Array) -> str:
    whole = loss.code.computed(outputs, targets)[0][0]
    each = [loss.code.computed(outputs[:1, [i]], targets[:1, [i]])[0][0, 0] for i in range(_EXAMPLES)]
    return "" if _near(whole, np.array(each)) else "a term depends on the other examples of its batch"


def _slope(loss: PythonLoss, outputs: Array, targets: Array) -> str:
    from lrcli.engines.torch.finite_differences import slope_error

    return _too_far(slope_error(loss, outputs, targets), "is not the derivative of the terms")


def _computed_again(loss: PythonLoss, outputs: Array, targets: Array) -> str:
    first, second = (loss.code.computed(outputs, targets) for _ in range(2))
    same = all(map(np.array_equal, first, second))
    return "" if same else "the terms differ when they are computed again; something is kept, or drawn"


def _computed_alone(loss: PythonLoss, outputs: Array, targets: Array) -> str:
    whole, alone = loss.code.computed(outputs, targets), loss.code.computed(outputs[:1], targets[:1])
    same = all(_near(of_all[:1], own) for of_all, own in zip(whole, alone, strict=True))
    return "" if same else "the terms of a member differ among others"


def _of_dataset(dataset: PythonDataset) -> Iterator[Check]:
    small = dataset.model_copy(update={"num_train": _EXAMPLES, "num_val": 5, "num_test": 1})
    shaped = _tried("shapes", lambda: [small.draw(0, split) for split in ("train", "val", "test")] and None)
    yield shaped
    if not shaped.passed:
        return
    yield _tried("numbers that are finite", lambda: _finite(small))
    yield _tried("examples from the seed alone", lambda: _repeated_draw(small))
    yield _tried("rule", lambda: small.rule(small.draw(0, "val")[0]) is None or None)


def _finite(dataset: PythonDataset) -> str:
    return "" if all(np.isfinite(part).all() for part in dataset.draw(0, "train")) else "some are not"


def _repeated_draw(dataset: PythonDataset) -> str:
    same = all(map(np.array_equal, dataset.draw(4, "train"), dataset.draw(4, "train")))
    return "" if same else "they differ when the same seed is used again; draw from rng alone"


# Training ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Trial:
    """Something small to train."""

    problem: Problem
    population: Population

    def engine(self) -> Any:
        """A fresh engine that holds it."""
        from lrcli.engines.torch.engine import TorchEngine

        return TorchEngine(self.problem, self.population, "cpu", "float64")

    def trained(self) -> Array:
        """The parameters in the end, (R, P)."""
        engine = self.engine()
        _advance(engine, 1, _EPOCHS)
        return _flat(engine)


def _advance(engine: Any, first: int, last: int) -> None:
    for _ in engine.advance(first, [last]):
        pass


def _flat(engine: Any) -> Array:
    return np.concatenate(
        [values[-1].reshape(len(values[-1]), -1) for values in engine.parameters().values()], 1
    )


def _trial(
    *,
    rates: list[float],
    model: Any = None,
    optimizer: Any = None,
    features: int = 2,
    outputs: int = 1,
) -> _Trial:
    """Members of seeds 0, 1, ..., each with its rate.

    Args:
        rates: of the members.
        model: it, or None for a small network.
        optimizer: it, or None for gradient descent.
        features: D.
        outputs: O.
    """
    dataset = LinearDataset(
        kind="linear", w=[1.0] * features, b=0.5, noise=0.1, num_train=_EXAMPLES, num_val=2
    )
    used = model or MLP(kind="mlp", hidden=[3], activation="tanh")
    rule = optimizer or SGD(kind="sgd")
    draws = [Draw(seed, dataset, used) for seed in range(len(rates))]
    training = Training(epochs=_EPOCHS, batch_size=_BATCH)
    population = build_population(rule, training, range(len(rates)), {"lr": rates})
    loss: Any = _Several(kind="half_mse", count=outputs)
    return _Trial(draw_problem(draws, loss), population)


class _Several(HalfMSE):
    """The squared error of one output or several, each held to the one target."""

    count: int

    def num_outputs(self, num_classes: int | None) -> int:
        """As many as the model has."""
        return self.count


def _of_training(trial: Callable[[list[float]], _Trial]) -> Iterator[Check]:
    """The same numbers again, and the same numbers in company."""
    rates = [0.01, 0.02, 0.005]
    again = _tried("the same numbers again", lambda: _again(trial(rates)))
    yield again
    if again.passed:
        yield _tried("the same numbers alone and in company", lambda: _company(trial, rates))


def _again(trial: _Trial) -> str:
    first, second = trial.trained(), trial.trained()
    same = np.array_equal(first, second, equal_nan=True)
    return (
        "" if same else "two trainings of the same seed differ; something is kept, or drawn outside forward"
    )


def _company(trial: Callable[[list[float]], _Trial], rates: list[float]) -> str:
    together, alone = trial(rates).trained(), trial(rates[:1]).trained()
    if _near(together[:1], alone):
        return ""
    return f"among {len(rates)} members the numbers differ by {np.abs(together[:1] - alone).max():.2g}"


def _near(one: Array, other: Array) -> bool:
    scale = max(1.0, float(np.abs(other).max()))
    return bool(np.allclose(one, other, rtol=0, atol=_CLOSE * scale, equal_nan=True))


def _resumed(optimizer: PythonOptimizer) -> str:
    """Hand the state over to another of its kind, as to another process."""
    other = optimizer.with_code(code_of(optimizer))
    trial = _trial(optimizer=optimizer, rates=[0.01])
    first, second = trial.engine(), _trial(optimizer=other, rates=[0.01]).engine()
    _advance(first, 1, 1)
    second.restore(first.state())
    _advance(second, 2, _EPOCHS)
    same = np.array_equal(_flat(second), trial.trained(), equal_nan=True)
    return "" if same else "what it keeps beside its state is lost when training goes on"
