"""Lets ``python -m lrcli`` do what the ``lrcli`` command does."""

from lrcli.cli import main

if __name__ == "__main__":
    main()
