"""Sweeps: a grid of configurations times seeds, trained as populations, from file to finished directory."""
