"""The command line that results name."""

from lrcli.config.invocation import command_line, invoked_by


def test_it_is_known_inside_alone():
    assert command_line() is None
    with invoked_by(["lrcli", "train", "a.yaml"]):
        assert command_line() == ("lrcli", "train", "a.yaml")
    assert command_line() is None


def test_of_very_many_words_some_are_kept():
    words = ["lrcli", "train", *(f"{number}.yaml" for number in range(1000))]
    with invoked_by(words):
        kept = command_line()
    assert kept == (*words[:200], "... and 802 more words")
