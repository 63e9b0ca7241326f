"""How good the rates are that `lrcli lr-find` suggests, over random linear and polynomial problems.

    python tests/benchmarks/rates.py [--first 0] [--problems 50] [--verbose]

Full batches, squared errors. Of each problem: how far the blow-up is from two over the largest curvature, and
how much larger than the best of a fine sweep (150 rates, three decades, with the same seeds) the loss is at
the suggestion. The best is taken twice: of the medians over seeds as they are, where up to half of the seeds
may have diverged, and of the rates that every seed stands. Losses below 1e-12 of where training began are
rounding of float32, and count as that.
"""

import argparse
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lrcli.analysis.rate_finding import medians
from lrcli.analysis.theory import largest_curvature
from lrcli.experiment.experiment import Experiment
from lrcli.experiment.loading import load
from lrcli.sweeps.rate_finding import RateFinding, found_rate
from lrcli.sweeps.rate_trials import try_rates
from lrcli.training.problem import build_problem

ROUNDING = 1e-12
FINE = np.geomspace(1e-3, 1.2, 150)  # times two over the largest curvature

Value = TypeVar("Value")


@dataclass(frozen=True)
class Judged:
    """What a suggestion is worth.

    Attributes:
        finding: with the suggestion.
        blow_up: over two by the largest curvature, that of the median seed; NaN where none was found.
        of_medians: the loss at the suggestion over the best median of the fine sweep; infinite where there is
            no suggestion.
        of_sound: likewise over the best of the rates that every seed stands.
    """

    finding: RateFinding
    blow_up: float
    of_medians: float
    of_sound: float


def random_problem(number: int) -> dict[str, Any]:
    """An experiment: a line through up to seven features of unlike scales, or a polynomial through a sine."""
    rng = np.random.default_rng(number)
    data: dict[str, Any] = {"num_train": int(rng.integers(20, 400)), "num_val": int(rng.choice([0, 200]))}
    data["noise"] = float(rng.choice([0.0, 0.01, 0.3]))
    if rng.random() < 0.6:
        size, spread = int(rng.integers(1, 8)), rng.choice([0.3, 1.0])
        weights = np.round(3 * rng.normal(size=size), 3).tolist()
        scales = np.round(10 ** rng.uniform(-spread, spread, size), 4).tolist()
        data |= {"kind": "linear", "w": weights, "b": 2.0, "feature_std": scales}
        model: dict[str, Any] = {"kind": "linear"}
    else:
        data |= {"kind": "sine"} | ({"spacing": "uniform"} if rng.random() < 0.5 else {})
        model = {"kind": "polynomial", "degree": int(rng.integers(1, 6))}
    loss = {"kind": str(rng.choice(["mse", "half_mse"])), "reduction": str(rng.choice(["mean", "sum"]))}
    return {
        "dataset": data,
        "model": model,
        "loss": loss,
        "optimizer": {"kind": "sgd", "lr": float(10 ** rng.uniform(-6, 0))},
        "training": {"epochs": int(10 ** rng.uniform(1.5, 3.3)), "batch_size": "full"},
    }


def judge(experiment: Experiment) -> Judged:
    """Find a rate, and hold it to theory and to a fine sweep."""
    finding = found_rate(experiment)
    model, loss, seeds = experiment.model, experiment.loss, finding.seeds
    inputs = build_problem(experiment.dataset, model, loss, seeds).splits["train"].features
    limit = 2 / float(np.median([largest_curvature(model, loss, x) for x in inputs]))
    epochs, select = experiment.training.epochs, finding.select
    rates = np.append(limit * FINE, finding.suggestion or limit)
    order = np.argsort(rates)
    trials = ended(try_rates(experiment, rates[order], seeds, epochs, select)).trials
    losses = np.maximum(medians(trials, "min"), ROUNDING * finding.began)
    sound = ~trials.blown.any(axis=0)
    own = losses[np.flatnonzero(order == len(FINE))[0]] if finding.suggestion else np.inf
    blow_up = finding.blow_up.rate / limit if finding.blow_up else np.nan
    return Judged(finding, blow_up, float(own / losses.min()), float(own / losses[sound].min()))


def ended(events: Generator[object, None, Value]) -> Value:
    """What a generator returns."""
    while True:
        try:
            next(events)
        except StopIteration as stopped:
            value: Value = stopped.value
            return value


def main() -> None:
    """Judge problems and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--problems", type=int, default=50)
    parser.add_argument("--verbose", action="store_true")
    words = parser.parse_args()
    numbers = range(words.first, words.first + words.problems)
    found = [judge(load(random_problem(number)).experiment) for number in numbers]
    if words.verbose:
        for number, each in zip(numbers, found, strict=True):
            print(
                f"{number}: {each.finding.suggestion} {each.finding.reason} blow-up {each.blow_up:.3f}, "
                f"loss {each.of_medians:.3f}, {each.of_sound:.3f}, {each.finding.seconds:.2f} s"
            )
    print(
        "| problems | blow-up within 1.3 | within 10% of a fine sweep | of its rates that every seed stands |"
    )
    print("|---|--:|--:|--:|")
    counts = [
        sum(1 / 1.3 < each.blow_up < 1.3 for each in found),
        sum(each.of_medians < 1.1 for each in found),
        sum(each.of_sound < 1.1 for each in found),
    ]
    print(f"| {numbers[0]} to {numbers[-1]} | " + " | ".join(map(str, counts)) + " |")


if __name__ == "__main__":
    main()
