"""Lets ``python -m lrcli`` do what the ``lrcli`` command does."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the current directory: a random.py that lies there is not Python's

from lrcli.cli import main

if __name__ == "__main__":
    main()
