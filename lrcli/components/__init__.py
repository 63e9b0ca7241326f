"""What an experiment is made of: datasets, models, losses, optimizers, schedules, initializers.

Each component is one class, its keys and its arithmetic, and one row in `lrcli.components.tables`.
Everything here is NumPy in float64, except the modules named ``torch_*``: they hold the torch forms of
models, losses and optimizers and are imported by the torch engine alone.
"""
