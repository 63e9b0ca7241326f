"""Finding a word of the glossary."""

from functools import cache

from lrcli.config.hints import nearest
from lrcli.errors import UsageError
from lrcli.explaining.glossary import errors, rates, sweeps, training
from lrcli.explaining.glossary.term import Term

__all__ = ["all_terms", "explain_term", "find_term"]


def all_terms() -> list[Term]:
    """All that the glossary has, in the order of the alphabet."""
    return sorted(
        (*errors.TERMS, *training.TERMS, *rates.TERMS, *sweeps.TERMS), key=lambda term: term.name.lower()
    )


def find_term(word: str) -> Term | None:
    """The entry of a word, whatever its capitals and between which signs its parts stand; None: none."""
    return _by_word().get(_plain(word))


def explain_term(word: str) -> Term:
    """The entry of a word.

    Raises:
        UsageError: there is none, with the nearest one.
    """
    found = find_term(word)
    if found is None:
        raise UsageError(
            f"{word}: is no word of the glossary{nearest(_plain(word), list(_by_word()))}; "
            "lrcli explain lists them"
        )
    return found


@cache
def _by_word() -> dict[str, Term]:
    """Names win over other words for the same."""
    terms = all_terms()
    also = {_plain(word): term for term in terms for word in term.also}
    return also | {_plain(term.name): term for term in terms}


def _plain(word: str) -> str:
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())
