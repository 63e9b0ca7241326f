"""What an experiment is made of: datasets, models, losses, optimizers, schedules, initializers.

Each component is one class and one row in `lrcli.components.registry`: its keys, and what it says of itself,
such as a model's equation. Everything here is NumPy in float64. The arithmetic of training is in the engines,
in files of the same names: `lrcli.engines.torch` and `lrcli.engines.compiled.kernels`.
"""
