"""The command line. Commands import what they need when they run, so that ``--help`` needs nothing."""

from lrcli.cli.app import main

__all__ = ["main"]
