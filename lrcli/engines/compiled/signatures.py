"""The kernels, and the record that each is given.

A block is what one call of a formula computes: as many members as a row has lanes, each with its data row.
A row of lanes holds ``units`` numbers of each of its ``members``. To give a kernel one more argument, add a
line here; the engine then has to set it, and the kernel finds it under its name.
"""

from lrcli.engines.compiled.records import Field, Record, array, flag, integer, number, scratch

__all__ = ["RECORDS"]

_NETWORK: dict[str, Field] = {
    "sizes": array("int64", "depth + 1"),  # of the inputs and of each layer
    "depth": integer,
    "num_values": integer,  # numbers of all layers for an example of one member
    "activation": integer,  # its number in the registry
    "loss": integer,  # likewise
    "delta": number,  # of the Huber loss
}
_EXAMPLES: dict[str, Field] = {
    "inputs": array("number", "data_rows", "epochs", "examples", "features"),  # in the order of training
    "targets": array("number", "data_rows", "epochs", "examples", "outputs"),
    "row_index": array("int64", "blocks", "members"),  # of each member
    "data_rows": integer,
    "epochs": integer,  # how many epochs of examples there are: 1 where they are always the same
    "first_epoch": integer,  # the first of these epochs
    "examples": integer,
    "features": integer,
    "outputs": integer,
    "used": integer,  # examples of an epoch
    "tile": integer,  # examples that are looked at together
    "lane_inputs": scratch("number", "tile", "features", "members"),  # a tile, brought to the lanes
    "lane_targets": scratch("number", "tile", "outputs", "members"),
}
_PARAMETERS: dict[str, Field] = {
    "state": array("number", "blocks", "arrays + 1", "count", "units", "members", written=True),
    "blocks": integer,
    "arrays": integer,  # of the optimizer's state, which follow the parameters
    "count": integer,  # rows of parameters
    "values": scratch("number", "tile", "num_values", "members"),  # of every layer
}
_TRAINING: dict[str, Field] = {
    "first_step": integer,
    "last_step": integer,  # the first that is not trained
    "snapshots": integer,
    "first_snapshot": integer,  # the first that is not taken yet
    "snapshot_steps": array("int64", "snapshots"),  # steps trained at each, ends of epochs, ascending
    "batch": integer,
    "steps": integer,  # in an epoch
    "scale": number,  # of the derivatives of a batch
    "weight": number,  # of its terms in the loss of its epoch
    "last_scale": number,  # likewise of the last batch, which may be smaller
    "last_weight": number,
    "optimizer": integer,  # its number in the registry
    "option_1": flag,
    "option_2": flag,
    "decay": integer,  # which coefficient is about weight decay
    "undecayed": number,  # what it is for rows that are not decayed
    "decay_edges": array("int64", "num_decay_edges"),  # where decayed rows end, and others, by turns
    "num_decay_edges": integer,
    "coefficient_starts": array("int64", "num_coefficients"),  # the row of each at first_step,
    "coefficient_strides": array("int64", "num_coefficients"),  # and how it moves with a step
    "num_coefficients": integer,
    "coefficient_rows": integer,
    "moving": flag,  # whether any coefficient moves
    "clips": flag,  # whether any limit of a gradient's norm is finite
    "is_quadratic": flag,  # whether gradients come from the quadratic form, not from the examples
    "quadratic_count": integer,  # rows of the quadratic form; 0 where there is none
}
_MEMBERS: dict[str, Field] = {
    "active": array("number", "blocks", "members", written=True),  # 1 for a member that trains, else 0
    "broken": array(
        "int64", "blocks", "members", written=True
    ),  # the step, from 1, that would break it; or 0
    "running_loss": array("number", "blocks", "members", written=True),  # of the epoch so far
    "snapshot_parameters": array("number", "blocks", "snapshots", "count", "units", "members", written=True),
    "snapshot_losses": array("number", "blocks", "snapshots", "members", written=True),  # of whole epochs
    "snapshot_norms": array("number", "blocks", "snapshots", "members", written=True),  # of last gradients
    "limits": array("number", "blocks", "members"),  # of the gradient's norm
    "coefficients": array("number", "blocks", "coefficient_rows", "members"),
    "matrix": array("float64", "blocks", "quadratic_count", "quadratic_count", "members"),
    "minimum": array("float64", "blocks", "quadratic_count", "members"),  # of the quadratic form
    "least": array("float64", "blocks", "members"),  # the loss there
    "gradient": scratch("number", "count", "units", "members"),
    "kept": scratch("number", "arrays + 1", "count", "units", "members"),  # the state before a chunk of steps
    "before": scratch("number", "arrays + 1", "count", "units", "members"),  # the state before a step
    "slopes": scratch("number", "tile", "num_values", "members"),  # derivatives of the loss by the values
    "current": scratch("number", "num_coefficients", "members"),  # the coefficients of a step
    "check": scratch("number", "members"),  # finite only where every loss of a chunk is
    "norm": scratch("number", "members"),  # of the last gradient before a snapshot
}
_TOTALS: dict[str, Field] = {
    "total_loss": array("float64", "blocks", "members", written=True),
    "total_hits": array("float64", "blocks", "members", written=True),
}
_SHUFFLING: dict[str, Field] = {
    "data_rows": integer,
    "entropy": array("int64", "data_rows", "words"),  # of a seed sequence, without the epoch
    "length": array("int64", "data_rows"),  # how many of these words count
    "words": integer,
    "inputs": array("number", "data_rows", "examples", "features"),
    "targets": array("number", "data_rows", "examples", "outputs"),
    "shuffled_inputs": array("number", "data_rows", "epochs", "examples", "features", written=True),
    "shuffled_targets": array("number", "data_rows", "epochs", "examples", "outputs", written=True),
    "examples": integer,
    "features": integer,
    "outputs": integer,
    "epochs": integer,
    "first_epoch": integer,  # from 0
    "pool": scratch("int64", "4"),  # of a seed sequence
    "order": scratch("int32", "examples"),
}

RECORDS = {
    "train": Record(
        "blocks", network=_NETWORK, examples=_EXAMPLES, training=_TRAINING, block=_PARAMETERS | _MEMBERS
    ),
    "evaluate": Record("blocks", network=_NETWORK, examples=_EXAMPLES, block=_PARAMETERS | _TOTALS),
    "shuffle": Record("data_rows", shuffling=_SHUFFLING),
}
