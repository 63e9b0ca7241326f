"""What became of members of one to three records; the words are defined in `lrcli.analysis.outcomes`."""

import numpy as np
from numpy.typing import NDArray

from lrcli.analysis.loss_levels import FALL, FLOAT32, LARGE, RISE, Curves

__all__ = ["judge_few"]


def judge_few(curves: Curves) -> NDArray[np.str_]:
    """The outcomes of members of one to three records, (M,)."""
    has_start = np.isfinite(curves.start)
    answer = np.full(len(has_start), "unknown", dtype="U11")
    for with_start in (True, False):
        members = has_start == with_start
        if members.any():
            answer[members] = _judge(curves.of(members), with_start=with_start)
    return answer


def _judge(curves: Curves, *, with_start: bool) -> NDArray[np.str_]:
    """The outcomes of members that all have a loss before training, or none of which has."""
    points = np.concatenate([curves.start[:, None], curves.loss], axis=1) if with_start else curves.loss
    last, records = curves.loss[:, -1], curves.loss.shape[1]
    y = curves.logarithms(points)
    falls = -np.diff(y, axis=1)
    several = np.full(len(y), y.shape[1] > 1)
    own = falls[:, -records + 1 :] if records > 1 else falls[:, :0]  # between records

    far_up = y[:, -1] - y[:, 0] >= LARGE
    far_up |= (records == 3) & (y[:, -1] - y[:, -records] >= LARGE) & ~curves.near(last)
    steps = own if records == 3 else falls
    rises = several & (steps <= -RISE).all(axis=1) & far_up & ~curves.in_noise(last)
    climbs = several & (np.max(y - np.minimum.accumulate(y, axis=1), axis=1) > LARGE)
    in_noise = curves.in_noise(curves.loss.max(axis=1))
    level = several & (np.abs(falls[:, -1:]) <= LARGE).all(axis=1) & np.isfinite(curves.constant)
    at_constant = np.abs(last - curves.constant) <= 0.01 * curves.constant
    rules = [
        (curves.at_best(last) | (in_noise & (records == 1)), "converged"),
        (rises, "rising"),
        (several & (falls >= FALL).all(axis=1), "improving"),
        (climbs & in_noise, "converged"),
        (climbs, "oscillating"),
        (level & curves.near(last), "converged"),
        (several & (falls >= FLOAT32).all(axis=1) & ~at_constant, "improving"),
        (level, "stuck"),
        (several & ((falls >= FLOAT32).all(axis=1) | (falls[:, -1:] > LARGE).all(axis=1)), "improving"),
    ]
    return np.select([rule for rule, _ in rules], [name for _, name in rules], default="unknown")
