"""What became of a run, in the word that a member of a sweep would have."""

import numpy as np

from lrcli.analysis.loss_levels import Curves
from lrcli.analysis.outcomes import judge_curves
from lrcli.config.metrics import training_loss_of
from lrcli.running.levels import Levels
from lrcli.storage.history import History
from lrcli.storage.run_result import RunStatus

__all__ = ["outcome_of_run"]


def outcome_of_run(history: History, status: RunStatus, levels: Levels) -> str:
    """The outcome, as `lrcli.analysis.outcomes` defines it; nobody else has trained beside it.

    Args:
        history: its records.
        status: how it ended.
        levels: of its training loss, for one member.
    """
    if status not in {"completed", "stopped_early"}:
        return status if status in {"diverged", "interrupted"} else "unknown"
    metric = training_loss_of(history.metrics)
    trained = history.epoch > 0
    if metric is None or not trained.any():
        return "unknown"
    loss = history.metrics[metric]
    start = loss[:, 0] if history.epoch[0] == 0 else np.full(1, np.nan)
    own = loss[:, trained]
    curves = Curves(own, start, levels.least, own[:, -1], np.full(1, np.nan), levels.constant)
    return str(judge_curves(curves)[0])
