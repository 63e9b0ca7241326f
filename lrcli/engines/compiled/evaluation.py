"""The metrics of whole splits, by machine code.

Each member of each snapshot is evaluated like a member of its own, so that the rows of lanes are full even
where one member alone is trained. A member has the same bits in any arrangement.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrcli.engines.compiled.arguments import Arguments
from lrcli.engines.compiled.calls import Kernel, Threads
from lrcli.engines.compiled.fixed_arguments import example_arguments, network_arguments, tile_size
from lrcli.engines.compiled.layout import Layout
from lrcli.engines.compiled.machine_code import Code, Function
from lrcli.engines.compiled.memory import aligned
from lrcli.engines.compiled.signatures import RECORDS
from lrcli.engines.compiled.snapshots import Snapshots
from lrcli.training.cores import cores
from lrcli.training.problem import Array, Problem

__all__ = ["Evaluator"]


class Evaluator:
    """Evaluates the members of snapshots.

    Attributes:
        code: the machine code that it needs.
    """

    def __init__(
        self, problem: Problem, layout: Layout, rows: NDArray[np.intp], lanes: tuple[int, int], dtype: str
    ) -> None:
        """Prepare; nothing is compiled.

        Args:
            problem: whose losses.
            layout: of the members that are trained.
            rows: (R,) the row of data of each of them.
            lanes: (members, units) in a row of lanes, of an evaluation.
            dtype: of training.
        """
        self.code = Code("evaluate", dtype, *lanes)
        self._problem, self._layout, self._rows, self._lanes = problem, layout, rows, lanes
        self._dtype = np.dtype(dtype)
        self._arranged: tuple[Array, _Members] | None = (
            None  # of which parameters, for one split after another
        )

    def load(self, function: Function) -> None:
        """Take the machine code."""
        arguments = Arguments(RECORDS["evaluate"], self._dtype, *self._lanes)
        self._kernel = Kernel(function, arguments, Threads(cores()))

    def __call__(self, snapshots: Snapshots, inputs: NDArray[Any], targets: NDArray[Any]) -> dict[str, Array]:
        """``loss``, summed in float64, and ``accuracy`` where targets are classes, (K, R) each.

        Args:
            snapshots: of the members.
            inputs: (S, N, F).
            targets: (S, N, O).
        """
        members = self._arrange(snapshots)
        shape = members.layout.blocks * members.copies, members.layout.members
        totals = {name: aligned(shape, np.float64) for name in ("total_loss", "total_hits")}
        examples = inputs.shape[1]
        self._kernel(
            network_arguments(self._problem, members.layout)
            | example_arguments(inputs[:, None], targets[:, None])
            | totals
            | {
                "blocks": shape[0],
                "row_index": np.repeat(members.layout.row_index, members.copies, axis=0),
                "state": members.state,
                "arrays": 0,
                "tile": tile_size(members.layout, examples, self._dtype),
                "used": examples,
                "first_epoch": 0,
            }
        )
        loss, hits = (members.gather(sums, len(snapshots)) for sums in totals.values())
        if self._problem.loss.reduction == "mean":
            loss = loss / (examples * self._problem.num_terms)
        classes = self._problem.num_classes is not None
        return {"loss": loss} | ({"accuracy": hits / examples} if classes else {})

    def _arrange(self, snapshots: Snapshots) -> "_Members":
        """The members of all snapshots in the lanes of an evaluation."""
        layout = self._layout
        if (layout.members, layout.units) == self._lanes:
            return _Members(layout, len(snapshots), snapshots.rows.reshape(-1, 1, *snapshots.rows.shape[2:]))
        parameters = snapshots.parameters
        if self._arranged is None or self._arranged[0] is not parameters:
            rows = np.tile(self._rows, len(snapshots))
            layout = Layout(self._problem.parameters, rows, *self._lanes)
            state = aligned((layout.blocks, 1, layout.count, layout.units, layout.members), self._dtype)
            layout.write_parameters(state, parameters.reshape(1, len(rows), -1))
            self._arranged = parameters, _Members(layout, 1, state)
        return self._arranged[1]


class _Members(NamedTuple):
    """Members in rows of lanes.

    Attributes:
        layout: of their parameters.
        copies: how many times a block of it is there.
        state: (blocks * copies, 1, count, units, M) their parameters.
    """

    layout: Layout
    copies: int
    state: NDArray[Any]

    def gather(self, sums: NDArray[np.float64], snapshots: int) -> Array:
        """(blocks * copies, M) to (K, R)."""
        blocks = np.swapaxes(sums.reshape(self.layout.blocks, self.copies, -1), 0, 1)
        return self.layout.gather(blocks).reshape(snapshots, -1)
