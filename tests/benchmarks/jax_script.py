"""The peer of `lrcli train experiments/linear.yaml` in JAX: the same work, each epoch compiled."""

import jax
import jax.numpy as jnp

SIZE = 32  # of a batch


def synthetic_data(key, w, b, count):
    """y = X w + b + noise."""
    of_features, of_noise = jax.random.split(key)
    features = jax.random.normal(of_features, (count, len(w)))
    labels = features @ w.reshape(-1, 1) + b
    return features, labels + 0.01 * jax.random.normal(of_noise, labels.shape)


@jax.jit
def loss(parameters, x, y):
    """Half the mean squared error."""
    w, b = parameters
    return jnp.mean((x @ w + b - y) ** 2) / 2


def step(parameters, batch):
    """One update of SGD."""
    gradients = jax.grad(loss)(parameters, *batch)
    return jax.tree.map(lambda p, g: p - 0.03 * g, parameters, gradients), None


@jax.jit
def train_epoch(parameters, key, features, labels):
    """All examples in a new order; the last batch is smaller."""
    order = jax.random.permutation(key, len(features))
    features, labels = features[order], labels[order]
    whole = len(features) // SIZE
    batches = (array[: whole * SIZE].reshape(whole, SIZE, -1) for array in (features, labels))
    parameters, _ = jax.lax.scan(step, parameters, tuple(batches))
    return step(parameters, (features[whole * SIZE :], labels[whole * SIZE :]))[0]


key, of_data, of_val, of_start = jax.random.split(jax.random.key(0), 4)
true_w, true_b = jnp.array([2.0, -3.4]), 4.2
features, labels = synthetic_data(of_data, true_w, true_b, 1000)
val_features, val_labels = synthetic_data(of_val, true_w, true_b, 1000)
parameters = (0.01 * jax.random.normal(of_start, (2, 1)), jnp.zeros(1))

for epoch in range(1, 4):
    key, of_order = jax.random.split(key)
    parameters = train_epoch(parameters, of_order, features, labels)
    train_loss = loss(parameters, features, labels)
    val_loss = loss(parameters, val_features, val_labels)
    print(f"epoch {epoch}, train loss {train_loss:f}, val loss {val_loss:f}")

w, b = parameters
print(f"error in estimating w: {(true_w - w.reshape(true_w.shape)).tolist()}")
print(f"error in estimating b: {(true_b - b).tolist()}")
