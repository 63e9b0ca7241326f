"""The peer in JAX: a whole training as one `lax.scan`, compiled, with `vmap` over the members."""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import textbook
from tasks import Data, Task

__all__ = ["ensemble"]

LOSSES = {
    "mean half_mse": lambda outputs, y: jnp.mean((outputs - y) ** 2) / 2,
    "sum mse": lambda outputs, y: jnp.sum((outputs - y) ** 2),
    "mean bce": lambda outputs, y: jnp.mean(jax.nn.softplus(outputs) - y * outputs),
    "mean cross_entropy": lambda outputs, y: -jnp.mean(jnp.sum(y * jax.nn.log_softmax(outputs), axis=-1)),
}

Parameters = list[tuple[jax.Array, jax.Array]]


def initialize(key: jax.Array, layers: tuple[int, ...]) -> Parameters:
    """A weight and a bias for each layer, drawn as `torch.nn.Linear` draws them."""
    parameters = []
    for rows, columns in itertools.pairwise(layers):
        key, of_weight, of_bias = jax.random.split(key, 3)
        draw = partial(jax.random.uniform, minval=-(rows**-0.5), maxval=rows**-0.5)
        parameters.append((draw(of_weight, (rows, columns)), draw(of_bias, (columns,))))
    return parameters


def network(parameters: Parameters, x: jax.Array) -> jax.Array:
    """Dense layers with ReLU between them."""
    for weight, bias in parameters[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = parameters[-1]
    return x @ weight + bias


def train(
    parameters: Parameters,
    lr: jax.Array,
    keys: jax.Array,
    x: jax.Array,
    y: jax.Array,
    *,
    task: Task,
    evaluated: Sequence[tuple[jax.Array, jax.Array]] = (),
) -> tuple[Parameters, list[jax.Array]]:
    """Train one member for as many epochs as there are keys; each key gives an epoch its order.

    After each epoch the loss, and where there are classes the accuracy, of each evaluated set is taken.
    """
    size, steps = task.batch_size, task.steps_per_epoch

    def loss(parameters: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
        return LOSSES[task.loss](network(parameters, x), y)

    def step(parameters: Parameters, batch: tuple[jax.Array, jax.Array]) -> tuple[Parameters, None]:
        gradients = jax.grad(loss)(parameters, *batch)
        return jax.tree.map(lambda p, g: p - lr * g, parameters, gradients), None

    def metrics(parameters: Parameters) -> list[jax.Array]:
        outputs = [(network(parameters, inputs), targets) for inputs, targets in evaluated]
        values = [LOSSES[task.loss](*pair) for pair in outputs]
        if "bce" in task.loss:
            values += [jnp.mean((answers > 0) == (targets > 0.5)) for answers, targets in outputs]
        return values

    def epoch(parameters: Parameters, key: jax.Array) -> tuple[Parameters, list[jax.Array]]:
        if steps == 1:
            parameters, _ = step(parameters, (x, y))
        else:
            order = jax.random.permutation(key, len(x))
            batches = (array[order].reshape(steps, size, -1) for array in (x, y))
            parameters, _ = jax.lax.scan(step, parameters, tuple(batches))
        return parameters, metrics(parameters)

    return jax.lax.scan(epoch, parameters, keys)


def ensemble(task: Task, data: Data, members: int, evaluated: Sequence[Data] = ()) -> textbook.Train:
    """Members with a rate and a start each, and the data and their order in common; one is not stacked.

    Args:
        task: what is trained.
        data: on what.
        members: how many.
        evaluated: the sets that are evaluated after each epoch.
    """
    x, y = jnp.asarray(data.features), jnp.asarray(data.targets)
    sets = [(jnp.asarray(each.features), jnp.asarray(each.targets)) for each in evaluated]
    draw, run = partial(initialize, layers=task.layers), partial(train, task=task, evaluated=sets)
    start, rates = jax.random.key(0), jnp.float32(task.lr)
    if members > 1:
        draw, run = jax.vmap(draw), jax.vmap(run, in_axes=(0, 0, None, None, None))
        start = jax.random.split(start, members)
        rates = jnp.asarray(np.geomspace(task.lr / 100, task.lr, members), jnp.float32)
    compiled = jax.jit(run)
    state: dict[str, Any] = {"parameters": draw(start), "key": jax.random.key(1)}

    def advance(epochs: int) -> None:
        state["key"], key = jax.random.split(state["key"])
        keys = jax.random.split(key, epochs)
        state["parameters"], metrics = jax.block_until_ready(compiled(state["parameters"], rates, keys, x, y))
        state["metrics"] = [np.asarray(values) for values in metrics]

    return advance
