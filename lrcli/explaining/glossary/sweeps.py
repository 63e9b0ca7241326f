"""Words about sweeps, and what became of their members."""

from lrcli.explaining.glossary.term import Term

__all__ = ["TERMS"]

_SCHMIDT = "Schmidt, Schneider and Hennig 2021, Descending through a crowded valley"

TERMS = (
    Term(
        "sweep",
        "A grid of configurations times seeds, trained together. The members of a seed share data, start and "
        "order, so that configurations are compared on equal terms.",
        "Bergstra and Bengio 2012, Random search for hyper-parameter optimization, on grids",
        ("grid",),
    ),
    Term(
        "run",
        "One training, with a directory of its own that holds what was asked, what came out and how to "
        "repeat it.",
        "lrcli: lrcli train FILE",
        ("runs",),
    ),
    Term(
        "metric",
        "A number that is recorded as training goes on, such as val/loss; what stands before the stroke is "
        "the set of examples that it is of.",
        "lrcli: metrics.csv",
        ("metrics",),
    ),
    Term(
        "configuration",
        "One point of the grid of a sweep: a value for each swept key, without the seed.",
        "lrcli: a row of summary.csv",
        ("configurations",),
    ),
    Term(
        "member",
        "One training within a sweep: one configuration with one seed.",
        "lrcli: a row of results.csv",
        ("members",),
    ),
    Term(
        "part",
        "The members of a sweep that are trained in one go: as many as fit the memory and take some seconds. "
        "What a part has found lies on the disk as soon as it has ended, so a sweep that was stopped goes on "
        "with the parts that it lacks.",
        "lrcli: lrcli docs clusters",
        ("parts",),
    ),
    Term(
        "share",
        "Some of the parts of a sweep, which one machine trains by itself; lrcli merge puts all shares "
        "together to the files of one sweep.",
        "lrcli: lrcli docs shares",
        ("shares", "shard"),
    ),
    Term(
        "worker",
        "A process that trains parts of a sweep for another one, on this machine or elsewhere. A scheduler, "
        "which is Dask's, passes on what each is given and what it has found.",
        "Rocklin 2015, Dask: Parallel computation with blocked algorithms and task scheduling",
        ("workers", "scheduler", "cluster"),
    ),
    Term(
        "median",
        "The middle value over the seeds: half of them are better, half worse. A few diverged seeds do not "
        "spoil it as they spoil a mean, which is why configurations are ranked by it. A member that diverged "
        "counts as infinitely bad.",
        "Hyndman and Fan 1996, Sample quantiles in statistical packages, definition 7",
    ),
    Term(
        "quartiles",
        "A quarter of the seeds lie below the lower quartile q25, a quarter above the upper one q75, so half "
        "of them between.",
        "Hyndman and Fan 1996, Sample quantiles in statistical packages, definition 7",
        ("q25", "q75", "quartile"),
    ),
    Term(
        "mean",
        "The average over the seeds; infinite where one diverged.",
        "lrcli: summary.csv",
    ),
    Term(
        "std",
        "The standard deviation over the seeds, with n - 1: how much single trainings of a configuration "
        "scatter.",
        "lrcli: summary.csv",
        ("standard deviation",),
    ),
    Term(
        "rank",
        "The place of a configuration by the median of the metric that ranks; 1 is the best.",
        "lrcli: ranking in result.json",
        ("ranking",),
    ),
    Term(
        "n",
        "How many members a configuration has, which is how many seeds; those that diverged are counted.",
        "lrcli: summary.csv",
    ),
    Term(
        "winner",
        "The configuration with the best median over the seeds. With few seeds another one may win the next "
        "time: see distinguishable.",
        "lrcli: best in result.json",
    ),
    Term(
        "distinguishable",
        "Two configurations are distinguishable where the 95% interval of their median difference, seed by "
        "seed, excludes zero, and there are at least 5 seeds. Else the one may be ahead of the other by "
        "chance.",
        "Efron 1979, Bootstrap methods: another look at the jackknife",
        ("like the best", "cannot be told from", "paired"),
    ),
    Term(
        "usable band",
        "The learning rates around the best one whose median is nearly as good: at most twice the best loss, "
        "or at most 0.05 below the best accuracy. A wide band means that the rate need not be tuned "
        "finely.",
        f"{_SCHMIDT}; the limits are lrcli's",
        ("band", "usable"),
    ),
    Term(
        "decade",
        "A factor of ten. A band from 0.01 to 0.1 is one decade wide.",
        "ISO 80000-8",
        ("decades",),
    ),
    Term(
        "edge of the grid",
        "The best value is the lowest or the highest that was tried, so a better one may lie beyond. Sweep "
        "again, further in that direction.",
        _SCHMIDT,
        ("edge",),
    ),
    Term(
        "outcome",
        "What became of a training, in one word, judged by its training loss: converged, improving, stuck, "
        "oscillating, rising, diverged, interrupted or unknown. Each of these words has an entry.",
        "lrcli: the column outcome of results.csv; lrcli docs sweeps has the definitions",
        ("outcomes",),
    ),
    Term(
        "converged",
        "An outcome: the loss has stopped changing, at a level near the best that is possible, or that its "
        "neighbours reached. A level far above is called stuck.",
        "lrcli: lrcli docs sweeps has the definition",
    ),
    Term(
        "improving",
        "An outcome: the loss still falls, so training has not finished. More epochs or a larger rate would "
        "take it further.",
        "lrcli: lrcli docs sweeps has the definition",
    ),
    Term(
        "stuck",
        "An outcome: the loss stays at a level far above the best, such as that of a constant prediction. "
        "The causes are mostly units that no longer answer, a poor start, or a model that cannot do better.",
        "lrcli: lrcli docs sweeps has the definition",
        ("plateau",),
    ),
    Term(
        "oscillating",
        "An outcome: the loss swings up and down without an end. Mostly the rate is too large for the batch "
        "size, or just above the largest stable one.",
        "lrcli: lrcli docs sweeps has the definition",
    ),
    Term(
        "rising",
        "An outcome: the loss grows, but has not yet exploded. More epochs would make it diverge: take a "
        "smaller rate.",
        "lrcli: lrcli docs sweeps has the definition",
    ),
    Term(
        "diverged",
        "A status and an outcome: the loss or a parameter was no longer a number, or the loss ended more "
        "than 1,000 times above its beginning and growing. The usual cause is a learning rate above the "
        "largest stable one. In a sweep such a member ranks last, and is never left out of a median.",
        "lrcli: lrcli docs numbers has the definition",
        ("divergence",),
    ),
    Term(
        "unknown",
        "An outcome: the curve has too few records, or none that is a number, to say what became of it.",
        "lrcli: lrcli docs sweeps has the definition",
    ),
    Term(
        "status",
        "How a run ended: running, completed, stopped_early, diverged, interrupted or failed.",
        "lrcli: status in result.json",
    ),
    Term(
        "running",
        "A status: the run has not ended, or its process was ended before it could say how.",
        "lrcli: status in result.json",
    ),
    Term(
        "completed",
        "A status: all epochs were trained. It does not say that training is finished in the sense that "
        "more epochs would change nothing: that is the outcome's business.",
        "lrcli: status in result.json",
    ),
    Term(
        "stopped_early",
        "A status: early stopping ended the run, because its metric had not improved for so many epochs.",
        "lrcli: status in result.json",
        ("stopped early",),
    ),
    Term(
        "interrupted",
        "A status: the user or the system ended the run; what there was is saved.",
        "lrcli: status in result.json",
    ),
    Term(
        "failed",
        "A status: an error ended the run, such as a full disk.",
        "lrcli: status in result.json",
    ),
)
