"""Small trainings that show whether a component of the user's gives the same numbers whenever it must."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrcli.components.datasets import LinearDataset
from lrcli.components.losses import HalfMSE
from lrcli.components.models import MLP
from lrcli.components.optimizers import SGD, PythonOptimizer
from lrcli.config.blocks import Training
from lrcli.errors import LrcliError
from lrcli.experiment.user_code import with_its_code
from lrcli.training.population import Population, build_population
from lrcli.training.problem import Draw, Problem, draw_problem

__all__ = ["EXAMPLES", "Check", "Trial", "near", "resumed", "training_checks", "trial_of", "tried"]

Array = NDArray[np.float64]
EXAMPLES = 12
_BATCH, _EPOCHS = 4, 3
_CLOSE = 1e-10  # of what should be equal but for rounding, beside the largest number


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


def tried(name: str, run: Callable[[], object]) -> Check:
    """A check that fails with what it raises, or with the reason that it gives."""
    try:
        why = run()
    except LrcliError as error:
        return Check(name, str(error))
    return Check(name, why if isinstance(why, str) else "")


@dataclass(frozen=True)
class Trial:
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


def trial_of(
    *,
    rates: list[float],
    model: Any = None,
    optimizer: Any = None,
    features: int = 2,
    outputs: int = 1,
) -> Trial:
    """Members of seeds 0, 1, ..., each with its rate.

    Args:
        rates: of the members.
        model: it, or None for a small network.
        optimizer: it, or None for gradient descent.
        features: D.
        outputs: O.
    """
    dataset = LinearDataset(
        kind="linear", w=[1.0] * features, b=0.5, noise=0.1, num_train=EXAMPLES, num_val=2
    )
    used = model or MLP(kind="mlp", hidden=[3], activation="tanh")
    rule = optimizer or SGD(kind="sgd")
    draws = [Draw(seed, dataset, used) for seed in range(len(rates))]
    training = Training(epochs=_EPOCHS, batch_size=_BATCH)
    population = build_population(rule, training, range(len(rates)), {"lr": rates})
    loss: Any = _Several(kind="half_mse", count=outputs)
    return Trial(draw_problem(draws, loss), population)


class _Several(HalfMSE):
    """The squared error of one output or several, each held to the one target."""

    count: int

    def num_outputs(self, num_classes: int | None) -> int:
        """As many as the model has."""
        return self.count


def training_checks(trial: Callable[[list[float]], Trial]) -> Iterator[Check]:
    """The same numbers again, and the same numbers in company."""
    rates = [0.01, 0.02, 0.005]
    again = tried("the same numbers again", lambda: _again(trial(rates)))
    yield again
    if again.passed:
        yield tried("the same numbers alone and in company", lambda: _company(trial, rates))


def _again(trial: Trial) -> str:
    first, second = trial.trained(), trial.trained()
    same = np.array_equal(first, second, equal_nan=True)
    return (
        "" if same else "two trainings of the same seed differ; something is kept, or drawn outside forward"
    )


def _company(trial: Callable[[list[float]], Trial], rates: list[float]) -> str:
    together, alone = trial(rates).trained(), trial(rates[:1]).trained()
    if near(together[:1], alone):
        return ""
    return f"among {len(rates)} members the numbers differ by {np.abs(together[:1] - alone).max():.2g}"


def near(one: Array, other: Array) -> bool:
    """Whether two arrays are equal but for rounding."""
    scale = max(1.0, float(np.abs(other).max()))
    return bool(np.allclose(one, other, rtol=0, atol=_CLOSE * scale, equal_nan=True))


def resumed(optimizer: PythonOptimizer) -> str:
    """Hand the state over to another of its kind, as to another process."""
    other = with_its_code("optimizer", optimizer)
    trial = trial_of(optimizer=optimizer, rates=[0.01])
    first, second = trial.engine(), trial_of(optimizer=other, rates=[0.01]).engine()
    _advance(first, 1, 1)
    second.restore(first.state())
    _advance(second, 2, _EPOCHS)
    same = np.array_equal(_flat(second), trial.trained(), equal_nan=True)
    return "" if same else "what it keeps beside its state is lost when training goes on"
