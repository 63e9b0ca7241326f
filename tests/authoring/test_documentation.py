"""The documentation is whole: commands, keys, components, public names; and every link leads somewhere."""

import re
from collections import Counter
from itertools import chain, pairwise

import pytest
import typer

import lrcli
from lrcli.authoring.docs.content import Code, Heading, Items, Paragraph, Span, Table, Topic, prose
from lrcli.authoring.docs.contents import all_topics, find_blocks
from lrcli.authoring.docs.guides import GUIDES, guide_file
from lrcli.authoring.docs.markdown import blocks_of
from lrcli.authoring.topics import block_names
from lrcli.cli.app import app
from lrcli.cli.command_reference import described_commands
from lrcli.components.registry import GROUPS
from lrcli.config.keys import configs_in
from lrcli.config.metrics import METRICS
from lrcli.errors import UsageError
from lrcli.experiment.experiment import Experiment

ROOT = typer.main.get_command(app)
CONTEXT = ROOT.make_context("lrcli", ["docs"])
TOPICS = all_topics(*described_commands(CONTEXT))
BY_NAME = {topic.name: topic for topic in TOPICS}
README = guide_file("start").parents[4] / "README.md"


def spans(blocks):
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from block.text
        elif isinstance(block, Items):
            yield from chain.from_iterable(map(spans, block.items))
        elif isinstance(block, Table):
            yield from (span for row in block.rows for cell in row for span in cell)


def tables(blocks):
    return [block for block in blocks if isinstance(block, Table)]


def cells(table):
    return [["".join(span.text for span in cell) for cell in row] for row in table.rows]


def first_cells(blocks):
    return {row[0] for table in tables(blocks) for row in cells(table)}


def test_names_are_names_of_files_anywhere():
    names = [topic.name for topic in TOPICS]
    assert all(re.fullmatch("[a-z][a-z0-9-]*", name) for name in names)
    assert len(set(names)) == len(names)
    assert "index" not in names


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_places_of_a_topic_are_there_once(topic):
    places = Counter(heading.place for heading in topic.headings)
    assert set(places.values()) <= {1}
    assert "topics" not in places  # the id of the list of topics
    levels = [1, *(heading.level for heading in topic.headings)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert topic.summary.endswith(".")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_link_leads_somewhere(topic):
    for target in {span.target for span in spans(topic.blocks) if span.target and not span.leads_outside}:
        name, _, place = target.partition(".")
        assert name in BY_NAME, target
        assert not place or place in {heading.place for heading in BY_NAME[name].headings}, target


def test_every_command_is_there_with_all_that_it_takes():
    assert {*ROOT.commands} <= {*BY_NAME}
    for name, command in ROOT.commands.items():
        told = " ".join(first_cells(BY_NAME[name].blocks))
        for parameter in command.params:
            words = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]
            assert all(word in told for word in words)
        (examples,) = [b for b in BY_NAME[name].blocks if isinstance(b, Code) and b.language == "sh"]
        assert examples.lines.splitlines()
        assert all(f"  {line}" in command.epilog for line in examples.lines.splitlines())
    codes = " ".join(span.text for span in spans(BY_NAME["commands"].blocks))
    assert all(f"{code} " in codes for code in (0, 1, 2, 3, 130))


def keys_of(config, above=()):
    """Every block of a file that is no component, with its keys: by walking through the classes again."""
    yield ".".join(above) or "experiment", set(config.model_fields)
    for name, field in config.model_fields.items():
        for inner in configs_in(field.annotation):
            if "kind" not in inner.model_fields:
                yield from keys_of(inner, (*above, name))


def test_every_key_is_there_with_type_and_meaning():
    for block, keys in keys_of(Experiment):
        (table,) = tables(BY_NAME["keys"].section(block))
        rows = {row[0]: row for row in cells(table)}
        assert {*rows} == keys
        assert all(row[1] and row[4] for row in rows.values())
    assert {name for name, _ in keys_of(Experiment)} == {"experiment", *block_names()}


def test_every_metric_is_there():
    told = first_cells(BY_NAME["keys"].section("metrics"))
    for metric in METRICS:
        assert ({f"{split}/{metric.name}" for split in metric.splits} or {metric.name}) <= told


@pytest.mark.parametrize(("group", "kind"), [(g, kind) for g, kinds in GROUPS.items() for kind in kinds])
def test_every_component_is_there(group, kind):
    topic, blocks = find_blocks(TOPICS, f"{group}.{kind}")
    assert first_cells(blocks) == {*GROUPS[group][kind].model_fields} - {"kind"}
    assert any(isinstance(block, Code) and block.language == "yaml" for block in blocks)
    assert any(span.text.startswith("Source: ") for span in spans(blocks))
    (index,) = tables(BY_NAME["components"].section(group))
    assert kind in {row[0] for row in cells(index)}
    assert kind in topic.summary


def test_every_public_name_is_there():
    places = {heading.place for heading in BY_NAME["python"].headings}
    assert {*lrcli.__all__} <= places


def test_every_topic_that_is_named_in_a_text_is_there():
    texts = [guide_file(name).read_text(encoding="utf-8") for name in GUIDES]
    texts += [README.read_text(encoding="utf-8")]
    texts += [f"{command.help} {command.epilog}" for command in ROOT.commands.values()]
    found = [name for text in texts for name in re.findall(r"lrcli docs ([a-z][\w.-]*)", text)]
    assert found
    for name in found:
        find_blocks(TOPICS, name.rstrip("."))


def test_a_section_is_found_by_its_name_alone():
    for name, topic, place in (
        ("adam", "optimizer", "adam"),
        ("optimizer.adam", "optimizer", "adam"),
        ("init.normal", "model-init", "normal"),
        ("training.early_stopping", "keys", "training.early_stopping"),
        ("momentum", "which-rate-which-optimizer", "momentum"),
    ):
        found, blocks = find_blocks(TOPICS, name)
        assert (found.name, blocks[0].place) == (topic, place)
        others = [block for block in blocks[1:] if isinstance(block, Heading)]
        assert all(block.level > blocks[0].level for block in others)
    assert find_blocks(TOPICS, "sweep")[0].name == "sweep"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("optimizr", "did you mean optimizer?"),
        ("linear", "one of dataset.linear, model.linear"),
        ("", "lrcli docs lists all topics"),
        ("optimizer.", "lrcli docs lists all topics"),
        ("keys.nothing", "lrcli docs lists all topics"),
        ("../../etc/passwd", "lrcli docs lists all topics"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name, says):
    with pytest.raises(UsageError) as caught:
        find_blocks(TOPICS, name)
    assert says in str(caught.value)


MARKDOWN = """\
## A *fine* heading

Text with `code`, **weight** and
a [link](sweeps) to the [web](https://example.org).

- one
- two

  ```yaml
  a: 1
  ```

1. first

| a | b |
|---|---|
| `x` | y |

    indented <b>
"""


def test_markdown_becomes_blocks():
    assert blocks_of(MARKDOWN) == [
        Heading("A fine heading", 2, "a-fine-heading"),
        Paragraph(
            (
                Span("Text with "),
                Span("code", "code"),
                Span(", "),
                Span("weight", "strong"),
                Span(" and"),
                Span(" "),
                Span("a "),
                Span("link", target="sweeps"),
                Span(" to the "),
                Span("web", target="https://example.org"),
                Span("."),
            )
        ),
        Items(
            [[Paragraph((Span("one"),))], [Paragraph((Span("two"),)), Code("a: 1", "yaml")]],
        ),
        Items([[Paragraph((Span("first"),))]], ordered=True),
        Table(["a", "b"], [[(Span("x", "code"),), (Span("y"),)]]),
        Code("indented <b>", "text"),
    ]


@pytest.mark.parametrize("text", ["![picture](a.png)", "> quoted", "***"])
def test_what_nothing_shows_is_refused(text):
    with pytest.raises(ValueError, match="nothing shows a "):
        blocks_of(text)


def test_html_is_text():
    assert blocks_of("a <script>b</script>")[0].text[0].text.startswith("a <script>")


def test_prose_has_code_between_backticks():
    assert prose("a `b` and ``c``") == (Span("a "), Span("b", "code"), Span(" and "), Span("c", "code"))
    assert prose("") == ()


def test_a_topic_makes_its_blocks_when_they_are_wanted():
    made = []
    topic = Topic("a", "A", "A.", "Part", lambda: made.append(1) or [Heading("B", 2, "b")])
    assert not made
    assert topic.section("b") == (Heading("B", 2, "b"),)
    assert topic.section("c") == ()
    assert made == [1]
