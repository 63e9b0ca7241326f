"""Words of the search for a learning rate, and of what is known of rates before training."""

from lrcli.explaining.glossary.term import Term

__all__ = ["TERMS"]

_SMITH = "Smith 2017, Cyclical learning rates for training neural networks, section 3.3"
_LRCLI = "lrcli: lrcli lr-find FILE"

TERMS = (
    Term(
        "lr-find",
        "The search for a learning rate: many rates are tried, each from the start and with several seeds. "
        "It says from where on training blows up, which rates are usable, and which one to take, or why "
        "none can be named.",
        _LRCLI,
        ("learning rate finder", "rate finder"),
    ),
    Term(
        "suggestion",
        "The learning rate that lr-find names: the middle, on a logarithmic scale, of the rates whose median "
        "score is as good as the best within 5% or what the seeds can tell. It names none where training "
        "blows up at every rate, where nothing is learned at any, or where no rate is told from another.",
        _LRCLI,
        ("suggested rate", "abstain"),
    ),
    Term(
        "blow-up rate",
        "The smallest learning rate with which training diverges, or its loss ends above where it began: the "
        "median over the seeds that did. It is observed over the epochs that were trained; the largest "
        "stable rate is computed, and holds for any number of them.",
        _LRCLI,
        ("blow-up", "blow up", "blow_up", "blowup"),
    ),
    Term(
        "stable band",
        "The learning rates with which no seed blows up: all below the blow-up rate. Not all of them are "
        "usable, since small ones do not get far.",
        _LRCLI,
        ("every seed stands", "stable"),
    ),
    Term(
        "ramp",
        "The classical test for a learning rate: one run whose rate grows with every step until the loss "
        "breaks off. It is quick, and it confounds the rate with how far training has come: at each rate the "
        "loss is that of parameters which all smaller rates have already trained.",
        _SMITH,
        ("range test", "learning rate range test", "lr range test"),
    ),
    Term(
        "steepest fall",
        "The rate of a ramp at which the smoothed loss falls fastest from step to step. To take it is a "
        "habit, not a result.",
        _SMITH,
        ("steepest",),
    ),
    Term(
        "smoothed",
        "A curve averaged over its recent values, each weighing less the older it is, so that the trend "
        "shows through the noise of single batches.",
        "Brown 1956, Exponential smoothing for predicting demand",
        ("smoothing", "exponential smoothing"),
    ),
    Term(
        "diagnostic",
        "A largest stable rate that is a sign, and no bound: it follows from the curvature where training "
        "begins, for all examples at once. On networks the curvature changes on the way, and small batches "
        "are less stable.",
        "Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability",
        ("where training begins",),
    ),
    Term(
        "quadratic",
        "A loss that is a parabola along every direction of the parameters, as squared errors are of a model "
        "that is linear in its parameters. Its curvature is the same everywhere, so limits of the rate and "
        "whole curves can be computed without training.",
        "Nocedal and Wright 2006, Numerical Optimization, section 3.3",
        ("linear in its parameters", "linear in the gradient"),
    ),
    Term(
        "way",
        "The distance from the parameters that training begins with to the reference, over all parameters "
        "that the data determine. Training that leaves 5% of the way has come to a twentieth of that "
        "distance.",
        "lrcli: lrcli explain RUN",
        ("of the way", "way left", "leave of the way"),
    ),
    Term(
        "order",
        "The order in which the examples come, drawn anew for every epoch. What holds on average over all "
        "orders need not hold of a single run, whose batches differ by chance.",
        "lrcli: section training of the experiment file, shuffle and batch_size",
        ("orders", "all orders of the examples"),
    ),
)
