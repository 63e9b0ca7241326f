"""All topics of the documentation, and how one is found."""

from collections.abc import Sequence

import lrcli
from lrcli.authoring.docs.commands import Command, command_topics
from lrcli.authoring.docs.components import component_topics
from lrcli.authoring.docs.content import Block, Heading, Topic
from lrcli.authoring.docs.guides import GUIDES, guide
from lrcli.authoring.docs.keys import keys_topic
from lrcli.authoring.docs.python import python_topic
from lrcli.config.hints import nearest
from lrcli.errors import UsageError

__all__ = ["all_topics", "find_blocks"]


def all_topics(program: Command, commands: Sequence[Command]) -> list[Topic]:
    """Every topic, in the order of the table of contents.

    Args:
        program: ``lrcli`` itself.
        commands: of the program.
    """
    return [
        *map(guide, GUIDES),
        *command_topics(program, commands),
        keys_topic(),
        *component_topics(),
        python_topic(lrcli),
    ]


def find_blocks(topics: Sequence[Topic], name: str) -> tuple[Topic, Sequence[Block]]:
    """The topic of a name and what is to be shown of it.

    Args:
        topics: all that there are.
        name: a topic, ``TOPIC.PLACE`` for a section of one, or a section's heading or place that there is
            only once, such as ``optimizer.adam`` or ``adam``.

    Raises:
        UsageError: there is nothing of that name, or more than one.
    """
    by_name = {topic.name: topic for topic in topics}
    if name in by_name:
        return by_name[name], by_name[name].blocks
    topic, _, place = name.partition(".")
    if topic in by_name and (blocks := by_name[topic].section(place)):
        return by_name[topic], blocks
    places = [(topic, heading) for topic in topics for heading in topic.headings]
    found = [(topic, heading) for topic, heading in places if name in {heading.text, heading.place}]
    if len(found) == 1:
        return found[0][0], found[0][0].section(found[0][1].place)
    if found:
        raise UsageError(f"{name}: is in several topics; one of {', '.join(_full(*each) for each in found)}")
    known = [*by_name, *(heading.text for _, heading in places), *(heading.place for _, heading in places)]
    raise UsageError(
        f"no topic is called {name}{nearest(name, list(dict.fromkeys(known)))}; lrcli docs lists all topics"
    )


def _full(topic: Topic, heading: Heading) -> str:
    return f"{topic.name}.{heading.place}"
