"""A file whose data or whose model are code: nothing is foreseen of it, since explaining runs no code."""

from lrcli.experiment.experiment import Experiment
from lrcli.explaining.commands import Origin
from lrcli.explaining.finding import Finding

__all__ = ["not_run"]


def not_run(experiment: Experiment, origin: Origin) -> Finding:
    """Which blocks are code."""
    blocks = [name for name, component in experiment.components.items() if component.needs_code]
    text = (
        f"Nothing can be foreseen: the {' and the '.join(blocks)} of this file "
        f"{'is' if len(blocks) == 1 else 'are'} code of its own, which lrcli runs only to train."
    )
    return Finding("code", text, {"blocks": ", ".join(blocks)}, commands=(origin.command("train"),))
