"""Words about training: epochs, batches, losses, rates, curvature."""

from lrcli.explaining.glossary.term import Term

__all__ = ["TERMS"]

_BOTTOU = "Bottou, Curtis and Nocedal 2018, Optimization methods for large-scale machine learning"
_D2L = "Zhang et al. 2023, Dive into Deep Learning"
_COHEN = "Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability"

TERMS = (
    Term(
        "epoch",
        "One pass over the training set. With 1,000 examples and batches of 32 it takes 32 steps. Epoch 0 in "
        "tables and curves is the state before training.",
        f"{_D2L}, section 3.4",
        ("epochs",),
    ),
    Term(
        "step",
        "One update of all parameters by the optimizer, from the gradient of one batch.",
        f"{_BOTTOU}, section 3",
        ("steps", "update", "optimizer step"),
    ),
    Term(
        "batch",
        "The examples that one step sees. Small batches make many cheap steps along noisy gradients; the "
        "full batch makes one exact step an epoch.",
        f"{_BOTTOU}, section 3",
        ("batches", "minibatch", "batch_size", "batch size", "full batch"),
    ),
    Term(
        "shuffle",
        "A new order of the examples in every epoch, so that each batch is like the whole. Sorted data "
        "without shuffling pull the parameters to and fro as an epoch goes on, and training ends displaced.",
        f"{_BOTTOU}, section 5",
        ("shuffling",),
    ),
    Term(
        "seed",
        "The number that all randomness follows from: data, initial parameters, order and noise. The same "
        "seed gives the same numbers again. Another seed is another replicate, never a setting to be tuned.",
        "lrcli: section seed of the experiment file",
        ("seeds",),
    ),
    Term(
        "train/running_loss",
        "The mean of the losses of an epoch's batches, weighted by size, each taken before its update, as a "
        "training loop prints it. It lags: it mixes the parameters of the whole epoch. The loss of the whole "
        "set at the end of the epoch is train/loss.",
        f"{_D2L}, section 3.6",
        ("running loss", "running_loss"),
    ),
    Term(
        "train/loss",
        "The loss over the whole training set with the parameters at the end of the epoch. This is what "
        "training makes small, without weight decay. It falls even where the model merely learns the "
        "training examples by heart.",
        "Goodfellow, Bengio and Courville 2016, Deep Learning, section 5.2",
        ("loss", "training loss"),
    ),
    Term(
        "val/loss",
        "The loss over the validation set, examples that no step has seen, at the end of the epoch. "
        "Configurations are chosen by it. Where it rises while train/loss falls, the model is overfitting.",
        "Goodfellow, Bengio and Courville 2016, Deep Learning, section 5.3",
        ("validation loss", "validation"),
    ),
    Term(
        "test/loss",
        "The loss over the test set, taken once when training has ended. Nothing is chosen by it, so it is "
        "an honest estimate for new data.",
        "Goodfellow, Bengio and Courville 2016, Deep Learning, section 5.3",
        ("test loss", "best/test/loss"),
    ),
    Term(
        "train/accuracy",
        "The share of training examples whose predicted class is the right one. It can stand still while the "
        "loss still falls: the loss counts how sure the answers are as well.",
        "scikit-learn, accuracy_score",
        ("accuracy", "training accuracy"),
    ),
    Term(
        "val/accuracy",
        "The share of validation examples whose predicted class is the right one. Its standard error is the "
        "root of a (1 - a) / n for accuracy a and n examples: with 100 examples, differences of a few "
        "hundredths are chance.",
        "scikit-learn, accuracy_score",
        ("validation accuracy",),
    ),
    Term(
        "test/accuracy",
        "The share of test examples whose predicted class is the right one, taken once when training has "
        "ended.",
        "scikit-learn, accuracy_score",
        ("test accuracy", "best/test/accuracy"),
    ),
    Term(
        "grad_norm",
        "Gradient norm: the length of the gradient of the epoch's last batch, before clipping. At a "
        "minimum of the whole loss it is zero for the full batch; with small batches it stays at the noise "
        "of the batches.",
        f"{_BOTTOU}, section 4",
        ("gradient norm", "gradient_norm"),
    ),
    Term(
        "lr",
        "The learning rate of the epoch's last step: by how much of the gradient a step moves the "
        "parameters. Too large and training diverges, too small and it does not finish. A schedule changes "
        "it over the steps.",
        "Robbins and Monro 1951, A stochastic approximation method",
        ("learning rate", "rate", "optimizer.lr"),
    ),
    Term(
        "schedule",
        "How the learning rate changes over the steps. A rate that falls to zero lets training settle below "
        "the noise floor, but what has not been learned by then never is.",
        "Robbins and Monro 1951; Loshchilov and Hutter 2017 for cosine",
    ),
    Term(
        "momentum",
        "Each step keeps a share of the step before, so that steps in one direction add up and steps to and "
        "fro cancel. With momentum b the steps are in the long run 1 / (1 - b) times as long.",
        "Polyak 1964, Some methods of speeding up the convergence of iteration methods",
        ("heavy ball", "nesterov"),
    ),
    Term(
        "recovery/max_abs_error",
        "The largest error of any parameter, without its sign.",
        "lrcli: metrics.csv",
        ("max_abs_error", "largest error"),
    ),
    Term(
        "recovery/error_norm",
        "The Euclidean norm of the errors of all parameters: the root of the sum of their squares.",
        "lrcli: metrics.csv",
        ("error_norm",),
    ),
    Term(
        "curvature",
        "How fast the slope of the loss changes along a direction: an eigenvalue of the Hessian, the matrix "
        "of second derivatives. The largest one limits the learning rate; along the smallest one training is "
        "slowest.",
        f"{_BOTTOU}, section 6; Nocedal and Wright 2006, Numerical Optimization",
        ("hessian", "curvature/largest", "curvature/smallest", "eigenvalue"),
    ),
    Term(
        "sharpness",
        "The largest curvature of the loss at the present parameters. Gradient descent at rate r is unstable "
        "where it exceeds 2 / r; on networks it often rises until it gets there.",
        _COHEN,
    ),
    Term(
        "preconditioned sharpness",
        "The largest curvature as Adam or RMSprop meets it: after each direction has been divided by the "
        "size of its gradients so far. For Adam it tends to settle near (2 + 2 b1) / ((1 - b1) r), 38 / r "
        "for the usual b1 = 0.9. That is an observation, not a limit.",
        "Cohen et al. 2022, Adaptive gradient methods at the edge of stability",
        ("curvature/preconditioned", "edge_of_stability", "edge of stability"),
    ),
    Term(
        "condition number",
        "The largest curvature of the loss divided by the smallest. It says how unequal the directions are: "
        "the rate must suit the steepest, so the flattest takes about as many steps as the condition number "
        "(its root, with the best momentum) to come e times nearer. Scaling the features makes it small.",
        "Nocedal and Wright 2006, Numerical Optimization, section 3.3",
        ("condition",),
    ),
    Term(
        "largest stable rate",
        "The learning rate above which training on a quadratic loss diverges: 2 over the largest curvature "
        "for gradient descent, 2 (1 + b) over it with momentum b. For small random batches it is lower, and "
        "stable then means that the mean over many runs stays bounded.",
        "Polyak 1964; lrcli computes the one for batches from the second moments of the data",
        ("largest stable learning rate", "stability", "limit"),
    ),
    Term(
        "in mean square",
        "A rate is stable in mean square where the expected squared distance to the minimum stays bounded, "
        "averaged over all orders of the examples. A single run may do well somewhat above such a limit, or "
        "badly just below.",
        "Kushner and Yin 2003, Stochastic Approximation",
        ("mean square",),
    ),
    Term(
        "noise floor",
        "The loss above the least one at which training with small batches at a constant rate ends: each "
        "step follows one batch, and batches differ. It is about proportional to the rate over the batch "
        "size. A smaller rate, larger batches or a schedule that falls to zero lower it.",
        "Mandt, Hoffman and Blei 2017, Stochastic gradient descent as approximate Bayesian inference",
        ("floor",),
    ),
    Term(
        "forecast",
        "What training is going to do, worked out without it. For squared errors of a model that is linear "
        "in its parameters, a step of SGD is a linear map, so the whole curve can be computed; for small "
        "batches its mean.",
        "lrcli: lrcli explain FILE",
        ("expected",),
    ),
    Term(
        "overfit",
        "The model learns the training examples by heart: train/loss goes on falling while val/loss rises. "
        "Fewer epochs, more data, weight decay or a smaller model help.",
        "Goodfellow, Bengio and Courville 2016, Deep Learning, section 5.2",
        ("overfitting",),
    ),
    Term(
        "hidden unit",
        "One number within a network: a weighted sum of the layer before, bent by an activation such as relu "
        "(negative sums become 0), tanh or sigmoid (sums far from 0 are squeezed to the ends of a range). "
        "Without the bend a network could do no more than a line.",
        "Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.3",
        ("unit", "hidden units", "activation", "relu", "tanh", "sigmoid", "layer"),
    ),
    Term(
        "dead unit",
        "A hidden unit with the relu activation whose output is 0 for every training example. Its gradient "
        "is 0 as well, so no training brings it back.",
        "Lu et al. 2020, Dying ReLU and initialization",
        ("dead units", "dead relu", "dying relu"),
    ),
    Term(
        "saturated unit",
        "A hidden unit with the tanh or sigmoid activation that is at its upper or lower end for nearly "
        "every example. There its slope is almost 0, and it hardly learns.",
        "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks",
        ("saturated", "saturation", "saturated units"),
    ),
    Term(
        "symmetric units",
        "Hidden units that begin with the same weights get the same gradients and stay alike for ever: a "
        "layer of many acts like a layer of one. Random initial weights break the symmetry.",
        "Goodfellow, Bengio and Courville 2016, Deep Learning, section 8.4",
        ("symmetry", "zero init"),
    ),
    Term(
        "constant prediction",
        "The best answer that ignores the inputs: the mean of the targets, or the shares of the classes. Its "
        "loss, log 2 = 0.693 for two classes of equal size, is what a model must beat to have learned "
        "anything.",
        "lrcli: the level `constant` in a sweep's files",
        ("constant", "baseline", "log 2", "chance"),
    ),
    Term(
        "label noise",
        "The share of examples whose class was deliberately turned into the wrong one. No rule is right "
        "about more of them than one minus that share, on average.",
        "Angluin and Laird 1988, Learning from noisy examples",
        ("label_noise",),
    ),
    Term(
        "float32",
        "Numbers with about 7 digits, in which training computes unless the file says float64. A loss that "
        "is millions of times smaller than the squared targets cannot be told from rounding in it.",
        "IEEE 754",
        ("dtype", "float64", "rounding"),
    ),
    Term(
        "early stopping",
        "Training ends when a metric, mostly val/loss, has not improved for so many epochs, its patience. It "
        "saves time and limits overfitting; with too little patience it ends on a plateau.",
        "Prechelt 1998, Early stopping, but when?",
        ("early_stopping", "patience"),
    ),
    Term(
        "expectation",
        "What an experiment file says must come out, such as a val/loss of at most 0.1. Where one fails, the "
        "exit code is 3.",
        "lrcli: section expect of the experiment file",
        ("expect", "expectations", "verdict", "passed", "met"),
    ),
    Term(
        "best",
        "Of a run: the record with the best value of a metric, val/loss unless the file says otherwise. Of a "
        "sweep: the configuration with the best median over its seeds.",
        "lrcli: best in result.json",
        ("best record",),
    ),
    Term(
        "diverged_step",
        "The step that would have broken the run, counted from 1: its loss or its parameters were no longer "
        "numbers, or its loss had exploded.",
        "lrcli: result.json and results.csv",
        ("diverged step",),
    ),
)
