"""The guides: what is written by hand, a file of Markdown each."""

from functools import partial
from pathlib import Path

from lrcli.authoring.docs.content import Block, Heading, Paragraph, Topic
from lrcli.authoring.docs.markdown import blocks_of

__all__ = ["GUIDES", "guide", "guide_file"]

GUIDES = {  # in the order in which they are to be read, with what each holds
    "start": "The first result, and what there is to do with it.",
    "which-rate-which-optimizer": "Lessons by examples: too small, right, too large; comparing fairly.",
    "why": "What an error is made of, what to try, which rate: explain and lr-find.",
    "files": "Experiment files: what they say, how they are changed and built upon.",
    "results": "What a run leaves behind, what its report says, several files, exit codes.",
    "your-own": "Your own table, images, torch model, loss, optimizer, package; and Python.",
    "sweeps": "Grids of rates, or of any keys, times seeds; resuming; what the verdicts mean.",
    "clusters": "The workers of a Dask cluster, on this machine or on many, and what they cost.",
    "shares": "One sweep on many machines without a scheduler: job arrays, CI, classrooms.",
    "figures": "Figures, pages to hand out, TensorBoard.",
    "numbers": "What is promised to the last bit, and what it rests on.",
    "engines": "What trains an experiment, how fast, and in how much memory.",
    "inside": "For those who change lrcli: where things are, what a new component takes.",
}
_FOLDER = Path(__file__).with_name("guides")


def guide_file(name: str) -> Path:
    """Where a guide is written."""
    return _FOLDER / f"{name}.md"


def guide(name: str) -> Topic:
    """A guide as a topic. Its file begins with its title."""
    text = guide_file(name).read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix("# ")
    return Topic(name, title, GUIDES[name], "Guides", partial(_without_title, text))


def _without_title(text: str) -> list[Block]:
    first, *others = blocks_of(text)
    if not (isinstance(first, Heading) and first.level == 1 and isinstance(others[0], Paragraph)):
        raise ValueError("a guide begins with its title and a paragraph")
    return others
