"""The functions that exist as machine code, and what each is given.

A block is what one call of a formula computes: as many members as a row has lanes, their data row each.
Arrays are contiguous, in C order; their shapes are in terms of blocks, of rows of P parameters in A + 1
arrays (the parameters and the optimizer's A arrays of state), of M members and W lanes in a row of a block.
"""

from collections.abc import Mapping

__all__ = ["CALLS", "Call", "scratch_size"]

Call = dict[str, str]

_NETWORK: Call = {
    "sizes": "integers",  # (depth + 1,) of the inputs and of each layer
    "depth": "integer",
    "activation": "integer",  # its number
    "loss": "integer",  # its number
    "delta": "number",  # of the Huber loss
}
_DATA: Call = {
    "inputs": "numbers",  # (S, epochs, N, F) in the order in which they are looked at
    "targets": "numbers",  # (S, epochs, N, O)
    "data_rows": "integers",  # (blocks, M) the row of data of each member
    "examples": "integer",  # N
    "features": "integer",  # F
    "outputs": "integer",  # O
    "epochs": "integer",  # how many epochs of examples there are: 1 where they are always the same
    "first_epoch": "integer",  # the first of these epochs
    "used": "integer",  # examples of an epoch
}
_BLOCKS: Call = {
    "state": "numbers",  # (blocks, A + 1, P, W)
    "count": "integer",  # P
    "arrays": "integer",  # A
    "scratch": "numbers",  # of one thread: see `scratch_size`
    "values": "integer",  # numbers of all layers for an example of one member
    "first_block": "integer",
    "last_block": "integer",  # the first that is not computed
    "tile": "integer",  # examples that are looked at together
}
_TRAIN: Call = {
    "active": "numbers",  # (blocks, M) 1 for a member that trains, 0 for one that does not
    "broken": "integers",  # (blocks, M) the step that would have broken a member, from 1; 0: none
    "accounts": "numbers",  # (blocks, 3, M) the epoch's running loss, a check, the last gradient's norm
    "batch": "integer",
    "steps": "integer",  # in an epoch
    "scale": "number",  # of the derivatives of a batch
    "weight": "number",  # of its terms in the loss of its epoch
    "last_scale": "number",  # likewise of the last batch, which may be smaller
    "last_weight": "number",
    "optimizer": "integer",  # its number
    "option_1": "integer",
    "option_2": "integer",
    "decay": "integer",  # which coefficient is about weight decay
    "undecayed": "number",  # what it is for rows that are not decayed
    "decay_edges": "integers",  # (E,) where decayed rows end, and others, by turns
    "num_decay_edges": "integer",  # E
    "coefficients": "numbers",  # (blocks, coefficient_rows, M)
    "coefficient_rows": "integer",
    "coefficient_places": "integers",  # (2, C) the row of each at first_step, and how it moves with a step
    "num_coefficients": "integer",  # C
    "moving": "integer",  # whether any of them moves
    "limits": "numbers",  # (blocks, M) of the gradient's norm
    "clips": "integer",  # whether any is finite
    "quadratic": "doubles",  # (blocks, P P + P + 1, M) the matrix, the minimum, the loss there
    "is_quadratic": "integer",  # whether gradients come from it, not from the examples
    "first_step": "integer",
    "last_step": "integer",  # the first that is not trained
    "exact_from": "integer",  # the step from which on the running loss is wanted
}
_EVALUATE: Call = {"totals": "doubles"}  # (blocks, 2, M) sums of losses and of hits
_SHUFFLE: Call = {
    "entropy": "integers",  # (S, words) of a seed sequence, without the epoch
    "lengths": "integers",  # (S,) how many of them count
    "words": "integer",
    "pool": "integers",  # (4,) to work with
    "order": "places",  # (N,) to work with
    "inputs": "numbers",  # (S, N, F)
    "targets": "numbers",  # (S, N, O)
    "shuffled_inputs": "numbers",  # (S, epochs, N, F), to be written
    "shuffled_targets": "numbers",  # (S, epochs, N, O), to be written
    "rows": "integer",  # S
    "examples": "integer",  # N
    "features": "integer",  # F
    "outputs": "integer",  # O
    "epochs": "integer",
    "first_epoch": "integer",  # from 0
}

CALLS: dict[str, Call] = {
    "train": _NETWORK | _DATA | _BLOCKS | _TRAIN,
    "evaluate": _NETWORK | _DATA | _BLOCKS | _EVALUATE,
    "shuffle": _SHUFFLE,
}


def scratch_size(call: Mapping[str, int], members: int, lanes: int) -> int:
    """The numbers that a thread needs for itself in a call, with so many members and lanes in a row."""
    parameters = call["count"] * (1 + 2 * (1 + call["arrays"]))
    example = 2 * call["values"] + call["features"] + call["outputs"]
    return parameters * lanes + (call["tile"] * example + call["num_coefficients"]) * members
