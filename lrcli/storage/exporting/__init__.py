"""Curves and results of runs and sweeps as one table, long or wide, for other programs."""
