"""Errors go from one process to another as they are."""

import pickle

import pytest

from lrcli import errors
from lrcli.errors import CodeError, Excerpt, ExperimentError, LrcliError, UsageError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LrcliError)]


def moved(error):
    return pickle.loads(pickle.dumps(error))  # noqa: S301


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_is_the_same_elsewhere(kind):
    if kind is ExperimentError:
        error = kind(["a.yaml:1:2: one", Excerpt("a.yaml:3:4: two\n  | x: y\n  |    ^")])
    else:
        error = kind("what is wrong", ["a detail", "another"])
    there = moved(error)
    assert (type(there), str(there), there.exit_code) == (kind, str(error), error.exit_code)
    if isinstance(error, UsageError):
        assert there.mistakes == error.mistakes
        assert [type(each) for each in there.mistakes] == [type(each) for each in error.mistakes]


def test_what_it_came_of_can_still_be_said_elsewhere():
    there = moved(CodeError("net.py: fails", ["line 3"]))
    assert str(there.at("sweep.grid")) == "sweep.grid: net.py: fails\n  line 3"
