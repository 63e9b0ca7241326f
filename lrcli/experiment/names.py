r"""Names of experiments, each the name of a directory on every system.

Letters and digits of any script, ``-``, ``_`` and ``.``. Left out is what some file system, shell or
terminal takes for something else: ``/ \ : * ? " < > |`` and the rest of ASCII, spaces, control characters
and those that turn text around, a dot or a hyphen at the beginning, a dot at the end, and the names of
devices on Windows, whatever their case.

The rule is a regular expression that means the same to Python and to the editors that read the schema. It
cannot count bytes, of which a file system allows 255: beyond ASCII, 63 characters are at most 252.
"""

import re
import unicodedata

__all__ = ["NAME", "check_name", "directory_name"]

_MOST_ASCII, _MOST = 100, 63
_JOINERS = r"\u200c\u200d"  # within words of Persian and of Indian languages
# Four of these are letters that Unicode's normal form turns into punctuation.
_NEVER = (
    r"\u0000-,/:-@\[-\^`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u037e\u0387\u061c\u1680"
    r"\u180e\u1fef\u1ffd\u2000-\u200b\u200e-\u206f\u3000\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\uffff"
)
_ASCII_NAME = rf"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{{0,{_MOST_ASCII - 2}}}[A-Za-z0-9_-])?"
_ANY_NAME = rf"[^{_NEVER}.{_JOINERS}-](?:[^{_NEVER}]{{0,{_MOST - 2}}}[^{_NEVER}.])?"
# Without a flag for letters of either case, which JSON Schema does not have.
_DEVICE = re.sub("[a-z]", lambda each: f"[{each[0].upper()}{each[0]}]", "con|prn|aux|nul|com[0-9]|lpt[0-9]")
NAME = rf"(?!(?:{_DEVICE})(?:\.|$))(?:{_ASCII_NAME}|{_ANY_NAME})"


def check_name(name: str) -> str:
    """A name in Unicode's normal form C, so that it is one directory however it was typed.

    Raises:
        ValueError: it cannot be the name of a directory everywhere.
    """
    normal = unicodedata.normalize("NFC", name)
    if re.fullmatch(NAME, normal) and not re.search("[\ud800-\udfff]", normal):
        return normal
    if re.fullmatch(rf"(?:{_DEVICE})(?:\..*)?", normal):
        raise ValueError(f"{name[:40]!r} is the name of a device on Windows; choose another")
    if len(normal) > _MOST:
        raise ValueError(
            f"is too long for a directory: at most {_MOST_ASCII} characters, {_MOST} beyond ASCII"
        )
    raise ValueError(f"must name a directory: letters, digits, - _ and . only, not {name[:40]!r}")


def directory_name(stem: str) -> str:
    """A name made of a file's: what it cannot hold becomes a hyphen."""
    text = re.sub(f"[{_NEVER}\ud800-\udfff]+", "-", unicodedata.normalize("NFC", stem))
    text = text.strip("-.").lstrip("\u200c\u200d-.")
    text = text[: _MOST_ASCII if text.isascii() else _MOST].rstrip("-.")
    return re.sub(rf"^(?=(?:{_DEVICE})(?:\.|$))", "_", text) or "experiment"
