"""How one run is shown: its report, its progress, TensorBoard."""
