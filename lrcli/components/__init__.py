"""What an experiment is made of: datasets, models, losses, optimizers, schedules, initializers.

Each component is one class, its keys and its arithmetic, and its name in the union of its family, from which
`lrcli.components.registry` has it.
Everything here is NumPy in float64. The arithmetic of training is in the engines, in files of the same
names: `lrcli.engines.torch` and `lrcli.engines.compiled.kernels`.
"""
