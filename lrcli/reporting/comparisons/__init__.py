"""Showing comparisons of runs and of sweeps: on the console, as CSV, as Markdown."""
