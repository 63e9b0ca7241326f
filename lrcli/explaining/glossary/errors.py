"""Words about learned parameters and how far they are off."""

from lrcli.explaining.glossary.term import Term

__all__ = ["TERMS"]

_BOOK = "Seber and Lee 2003, Linear Regression Analysis"
_STUDIES = "Morris, White and Crowther 2019, Using simulation studies to evaluate statistical methods"

TERMS = (
    Term(
        "recovery",
        "How near training came to the parameters behind the data. Where the data were made by a known rule "
        "and the model can be that rule, learned parameters are held against the true ones; elsewhere "
        "against the best possible ones, the reference. Parameters that are not identifiable have no "
        "recovery: other values give the same function.",
        "lrcli: names below recovery/ in metrics.csv; the section recovery of result.json",
    ),
    Term(
        "parameter",
        "One number that training changes, such as a weight or a bias. w[0] is the first one within w.",
        "lrcli: parameters in result.json",
        ("parameters",),
    ),
    Term(
        "error",
        "The true value of a parameter minus the learned one, as the textbooks print it; where no true value "
        "is known, the reference minus the learned one. It is the sum of two parts with different cures: the "
        "sampling error, which only other or more data change, and the optimization error, which only more "
        "or better training changes.",
        "Dive into Deep Learning, section 3.4, prints it; Bottou and Bousquet 2008 split it",
    ),
    Term(
        "sampling error",
        "The true value of a parameter minus the reference: what these data cannot tell, however long "
        "training goes on. It shrinks with the number of training examples, like one over its square root. "
        "How large it may be is told by the standard error.",
        "Bottou and Bousquet 2008, The tradeoffs of large scale learning, who call it estimation error",
        ("sampling_error", "estimation error", "recovery/sampling_error"),
    ),
    Term(
        "optimization error",
        "The reference minus the learned value of a parameter: what training still owes. More epochs or "
        "another learning rate make it small; more data do not. At a constant rate with small batches it "
        "ends at the noise floor, not at zero.",
        "Bottou and Bousquet 2008, The tradeoffs of large scale learning",
        ("optimization_error", "optimisation error", "recovery/optimization_error"),
    ),
    Term(
        "reference",
        "The parameters that make smallest what was trained: the same loss with the same weight decay, over "
        "the whole training set, computed in float64 without training. Perfect training would end there, so "
        "the distance to it is what training still owes. Its own distance to the truth is what the data "
        "cannot tell.",
        f"lrcli; for squared errors it is least squares or ridge: {_BOOK}",
        ("best possible", "optimum"),
    ),
    Term(
        "true",
        "The value of a parameter in the rule that made the data, known because lrcli drew them. The column "
        "says best possible instead where the data were observed or the model is not the rule: then it is "
        "the reference.",
        "lrcli: the keys of the dataset in the experiment file",
        ("truth",),
    ),
    Term(
        "learned",
        "The value of a parameter when training ended, at the last epoch. That of the best record, which may "
        "be an earlier one, is in checkpoint/best.npz.",
        "lrcli: parameters in result.json",
        ("fitted",),
    ),
    Term(
        "standard error",
        "How far the reference would scatter around the truth if the data were drawn again and again: its "
        "standard deviation, estimated from these data alone. An error of one or two standard errors is "
        "what any method has on such data. For squared errors it is the root of the diagonal of "
        "s^2 (X'X)^-1, where s^2 is the sum of squared errors over examples minus parameters.",
        f"{_BOOK}, section 3.2",
        ("standard_error", "std. error", "se"),
    ),
    Term(
        "z",
        "The learned value minus the true one, in standard errors. Between -2 and 2 the error is as large as "
        "chance in the data makes it, and no training can be blamed. Far beyond, training has not finished, "
        "or the model is wrong.",
        f"{_BOOK}, section 4.3",
        ("z score", "z-score"),
    ),
    Term(
        "least squares",
        "The parameters with the smallest sum of squared errors on the training set, computed by linear "
        "algebra without training. For a squared loss without weight decay this is what training aims at. "
        "Single examples far off pull it strongly.",
        "Legendre 1805; Gauss 1809",
        ("least_squares", "ols"),
    ),
    Term(
        "ridge",
        "Least squares with a penalty on large parameters: the sum of squared errors plus a multiple of the "
        "squared parameters. Weight decay with a squared loss aims at it. It is pulled towards zero, which "
        "is called its bias, and scatters less in return.",
        "Hoerl and Kennard 1970, Ridge regression",
        ("ridge regression",),
    ),
    Term(
        "weight decay",
        "Each step also shrinks the parameters a little towards zero. SGD, RMSprop and Adam add it to the "
        "gradient, so that training makes the loss plus half the decay times the squared parameters small; "
        "AdamW shrinks apart from the gradient. The parameters that it leads to differ from the true ones "
        "even with perfect training.",
        "Krogh and Hertz 1992, A simple weight decay can improve generalization",
        ("weight_decay", "decay"),
    ),
    Term(
        "identifiable",
        "Parameters are identifiable where no other values give the same function. Those of a network are "
        "not: exchanging two hidden units changes the parameters and no output. Such a model is judged by "
        "its losses and accuracies, not by its parameters.",
        "Lehmann and Casella 1998, Theory of Point Estimation, chapter 1",
        ("identifiability", "not identifiable"),
    ),
    Term(
        "not determined",
        "The training data leave such a parameter open: other values fit them just as well. That is so with "
        "fewer examples than parameters, or where a column of the data is constant or follows from others. "
        "What is learned of it depends on where training began, so its error says nothing.",
        f"{_BOOK}, section 3.9",
        ("undetermined", "determined", "determined by the data", "collinear"),
    ),
    Term(
        "minimum norm",
        "Of all parameters that fit equally well, those with the smallest sum of squares. Gradient descent "
        "from zero ends there when the data leave parameters open.",
        "Penrose 1956, On best approximate solutions of linear matrix equations",
        ("minimum-norm",),
    ),
    Term(
        "bias",
        "How far off a learned parameter is on average over the seeds: the mean of learned minus true. It is "
        "told with its Monte Carlo standard error, beyond twice of which it is not chance. A bias that does "
        "not shrink with more seeds is of the method: training that has not finished, or weight decay. The "
        "b of a linear model is called its bias, too, which is another thing.",
        f"{_STUDIES}, table 6",
        ("mean error",),
    ),
    Term(
        "empirical standard error",
        "The standard deviation of a learned parameter over the seeds: how much it scatters when data, start "
        "and order are drawn again.",
        f"{_STUDIES}, table 6",
        ("empirical_se", "empirical se", "spread"),
    ),
    Term(
        "RMSE",
        "Root mean squared error: the root of the mean, over the seeds, of the squared difference between "
        "learned and true. It counts bias and scatter together: its square is the squared bias plus nearly "
        "the squared empirical standard error.",
        f"{_STUDIES}, table 6",
        ("root mean squared error",),
    ),
    Term(
        "coverage",
        "The share of trainings whose 95% interval around the learned value holds the true one. It should be "
        "95%. Less means that the learned values are off by more than the data alone explain, mostly because "
        "training has not finished.",
        f"{_STUDIES}, table 6",
    ),
    Term(
        "Monte Carlo standard error",
        "How uncertain a number is that was averaged over seeds, because there were only so many of them. "
        "With four times as many seeds it is half as large.",
        f"{_STUDIES}, section 5.2",
        ("mcse", "monte carlo error"),
    ),
    Term(
        "95% interval",
        "A range, computed from the data, that holds the true value in 95 of 100 repetitions. Around a "
        "learned parameter it is about two standard errors to each side; around a median over seeds it is "
        "found by the bootstrap.",
        "Neyman 1937; Efron 1979 for the bootstrap",
        ("interval", "confidence interval", "low", "high"),
    ),
    Term(
        "degrees of freedom",
        "Training examples minus parameters: how many independent errors are left to estimate the noise "
        "from. Where there are none, standard errors cannot be computed.",
        f"{_BOOK}, section 3.3",
        ("freedom",),
    ),
    Term(
        "outlier",
        "An example whose target lies far from all that the others suggest. Squared errors let a single one "
        "move all parameters; the l1 and huber losses limit its pull.",
        "Huber 1964, Robust estimation of a location parameter",
        ("outliers",),
    ),
    Term(
        "robust loss",
        "A loss that grows no faster than the error itself where errors are large, so that single examples "
        "far off cannot rule it: l1 is the absolute error, huber is squared up to delta and straight "
        "beyond.",
        "Huber 1964, Robust estimation of a location parameter",
        ("huber", "l1", "absolute error"),
    ),
    Term(
        "leverage",
        "How strongly one example pulls its own prediction, from 0 to 1, because its inputs are unusual. The "
        "mean over the examples is parameters over examples.",
        f"{_BOOK}, section 10.1",
    ),
)
