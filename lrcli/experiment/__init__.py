"""The composition root: an experiment file becomes an `Experiment`, and an `Experiment` becomes a run."""
