"""The torch engine: every experiment, on every device. Only this package imports torch."""
