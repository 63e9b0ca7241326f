"""What a record costs: the loss from a triangle and from the examples, over the number of features.

    python tests/benchmarks/quadratic.py [--examples 1000] [--members 1 100]

Prints the time of one evaluation by each way, and of making the triangle, which is done once. The examples
are looked at by the compiled engine where there is one.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from measuring import print_table
from populations import default_engine, make_engine, make_population
from tasks import experiment

from lrcli.training import quadratic
from lrcli.training.engine import Engine
from lrcli.training.quadratic import QuadraticLoss

FEATURES = [1, 2, 4, 8, 16, 32, 62, 100, 200, 500, 1000, 4000]
MOST = 10**9  # features^2 x (members + examples), beyond which a triangle is left out


def seconds(call: Callable[[], object]) -> float:
    """The shortest of a few repetitions."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
        if sum(times) > 2:
            break
    return min(times)


def engine_of(features: int, examples: int, members: int, kind: str) -> tuple[Engine, object]:
    """An engine for linear regression, and its problem; a Huber loss is never a triangle."""
    task = experiment(
        dataset={"kind": "linear", "w": [0.5] * features, "b": 1.0, "num_train": examples},
        model={"kind": "linear"},
        loss={"kind": kind},
        optimizer={"kind": "sgd", "lr": 1e-4},
        training={"batch_size": 100},
    )
    problem, population = make_population(task, 1, members)
    return make_engine(problem, population, default_engine()), problem


def row(features: int, examples: int, members: int) -> list[str]:
    """A row of the table."""
    direct, _ = engine_of(features, examples, members, "huber")
    looked = seconds(lambda: direct.evaluate("train"))
    cells = [str(features), str(examples), f"{members:,}", f"{looked * 1e6:,.0f}"]
    if features * features * (members + examples) > MOST:
        return [*cells, "", "", ""]
    _, problem = engine_of(features, examples, members, "half_mse")
    making = seconds(lambda: QuadraticLoss(problem, "train", "float32"))
    loss = QuadraticLoss(problem, "train", "float32")
    parameters = {name: values[-1] for name, values in direct.parameters().items()}
    rows = np.zeros(members, dtype=np.intp)
    reduced = seconds(lambda: loss.of(parameters, rows))
    return [*cells, f"{reduced * 1e6:,.0f}", f"{reduced / looked:.2f}", f"{making * 1e6:,.0f}"]


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description="The loss from a triangle, and from the examples.")
    parser.add_argument("--examples", type=int, nargs="+", default=[1000], help="of the training set")
    parser.add_argument("--members", type=int, nargs="+", default=[1, 100], help="of the population")
    options = parser.parse_args()
    print(f"Triangles are taken up to {quadratic._MOST_COLUMNS} columns: features, ones, targets.\n")
    rows = (
        row(features, examples, members)
        for examples in options.examples
        for members in options.members
        for features in FEATURES
    )
    head = ["features", "examples", "members", "examples, us", "triangle, us", "/ examples", "making it, us"]
    print_table(head, rows)


if __name__ == "__main__":
    main()
