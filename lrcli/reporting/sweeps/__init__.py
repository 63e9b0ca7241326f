"""How a sweep is shown: its report, its progress, its pictures, TensorBoard."""
