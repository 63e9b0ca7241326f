"""Results of made-up sweeps."""

from typing import Any

import numpy as np

from lrcli.analysis.sweep_results import SweepResults


def made_results(
    scores: Any = ((0.4, 0.2, 0.1, 0.3), (0.5, 0.3, 0.1, 0.2), (0.6, 0.2, 0.2, 0.3)), **fields: Any
) -> SweepResults:
    """A sweep of ``optimizer.lr`` from 1e-3 to 1 with these final ``val/loss``, (S, C), and other fields.

    A score that is not finite is a member that diverged at step 1. With ``curves`` there is one record per
    epoch of ten steps.
    """
    scores = np.asarray(scores, dtype=np.float64)
    seeds, count = scores.shape
    rates = np.geomspace(1e-3, 1, count).tolist()
    curves = {name: np.asarray(values, dtype=np.float64) for name, values in fields.pop("curves", {}).items()}
    records = next(iter(curves.values())).shape[2] if curves else 1
    epoch = np.tile(np.arange(1, records + 1), (count, 1))
    diverged = ~np.isfinite(scores)
    metric = fields.get("metric", "val/loss")
    made = {
        "keys": ("optimizer.lr",),
        "configurations": [{"optimizer.lr": rate} for rate in rates],
        "seeds": tuple(range(seeds)),
        "metric": metric,
        "mode": "min",
        "status": np.where(diverged, "diverged", "completed"),
        "diverged_step": diverged.astype(np.int64),
        "epochs": np.where(diverged, 0, records),
        "final": {metric: scores},
        "best": scores,
        "errors": {},
        "epoch": epoch,
        "step": 10 * epoch,
        "curves": curves or {metric: scores[:, :, None]},
        "undetermined": {},
        "least": np.full(scores.shape, np.nan),
        "constant": np.full(scores.shape, np.nan),
        "problems": np.zeros(count, dtype=np.intp),
    }
    return SweepResults(**{**made, **fields})
