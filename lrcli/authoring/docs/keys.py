"""Every key of an experiment file that belongs to no component, as a topic."""

from collections.abc import Iterator

from lrcli.authoring.docs.components import options_table, topic_name
from lrcli.authoring.docs.content import (
    Block,
    Code,
    Heading,
    Paragraph,
    Table,
    Topic,
    code,
    link,
    plain,
    prose,
)
from lrcli.authoring.topics import block_names, find_topics
from lrcli.components.registry import GROUPS
from lrcli.config.dumping import annotated_yaml
from lrcli.config.metrics import METRICS, Metric, metric_of

__all__ = ["keys_topic"]


def keys_topic() -> Topic:
    """The keys at the top of a file and those of each block, with the metrics that some of them name."""
    summary = "Every key of an experiment file: what it takes, default, range, meaning; the metrics."
    return Topic("keys", "Keys of an experiment file", summary, "Files and components", _blocks)


def _blocks() -> Iterator[Block]:
    groups = [span for group in GROUPS for span in (*link(group, topic_name(group)), *plain(", "))][:-1]
    yield Paragraph((*plain("The keys of components are told with these: "), *groups, *plain(".")))
    for name in ("experiment", *block_names()):
        (topic,) = find_topics(name)
        yield Heading("At the top" if name == "experiment" else name, 2, name)
        if name != "experiment":
            yield Paragraph(prose(topic.description.summary))
        yield options_table(topic.description.options)
        yield Paragraph(plain("The shortest file:" if topic.is_file else "In a file:"))
        yield Code(annotated_yaml(topic.content, {}).rstrip("\n"), "yaml")
    yield Heading("Metrics", 2, "metrics")
    yield Paragraph(
        prose("What `early_stopping`, `best`, `select` and `expect` may name, and metrics.csv holds:")
    )
    rows = [(code(name), plain(metric.description)) for metric in METRICS for name in _names(metric)]
    yield Table(
        ("metric", "what it says"),
        [*rows, (code("recovery/NAME"), plain(metric_of("recovery/").description))],
    )


def _names(metric: Metric) -> list[str]:
    """What a metric is called in files."""
    return [f"{split}/{metric.name}" for split in metric.splits] or [metric.name]
