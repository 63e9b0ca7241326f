"""What the learned parameters mean: recovery of the true ones, the fitted curve. NumPy, float64."""
