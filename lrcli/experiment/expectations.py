"""Expectations: what a file says its result must be, compared after training.

expect:
val/loss: "<= 0.25"          # a metric of the result
recovery/max_abs_error: "< 0.01"
recovery/w[0]: "> -0.01"     # the error of one parameter, true minus learned
"""

import math
import operator
import re
from collections.abc import Mapping, Sequence

from lrcli.config.metrics import error_name
from lrcli.storage.run_result import ExpectationRow, RecoveryRow

__all__ = ["PATTERN", "compare", "parse"]

_OPERATORS = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
PATTERN = re.compile(r"\s*(<=|>=|==|<|>)\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*")


def parse(text: str) -> tuple[str, str]:
    """The sign and the number of a comparison such as ``<= 0.25``, the number as it is written.

    Raises:
        ValueError: it is no such comparison.
    """
    match = PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f'must be a comparison such as "<= 0.25", not {text[:40]!r}')
    return match[1], match[2]


def compare(
    expected: Mapping[str, str], metrics: Mapping[str, float], recovery: Sequence[RecoveryRow]
) -> tuple[ExpectationRow, ...]:
    """Hold a result against its expectations.

    Args:
        expected: from name to comparison.
        metrics: of the result.
        recovery: the rows of the result's recovery.
    """
    values = {error_name(row.name): row.error for row in recovery if row.told} | dict(metrics)
    rows = []
    for name, text in expected.items():
        sign, number = parse(text)
        value = values.get(name)
        value = None if value is None or math.isnan(value) else value
        passed = value is not None and bool(_OPERATORS[sign](value, float(number)))
        rows.append(ExpectationRow(name, f"{sign} {number}", value, passed))
    return tuple(rows)
