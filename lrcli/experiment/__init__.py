"""What one experiment file says, read and checked: an `Experiment`."""
