"""What stands between an experiment and its training: its engine, its memory, one run, its files."""
