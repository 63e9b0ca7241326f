"""What the ``lrcli`` command runs, and ``python -m lrcli``."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the current directory: a random.py that lies there is not Python's

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit; Ctrl-C ends it without a traceback, even while it is being imported."""
    try:
        from lrcli.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
