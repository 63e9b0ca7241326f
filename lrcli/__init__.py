"""lrcli: run small supervised-learning experiments whose answer is known."""

__all__ = ["__version__"]

__version__ = "0.1.0"
