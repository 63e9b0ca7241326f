"""Showing a run: on the console, in TensorBoard. Each takes the events of a run and makes them visible."""
