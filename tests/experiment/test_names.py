"""Names of experiments: those of any script, and none that some system cannot take."""

import json
import re
import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcli.experiment.experiment import Experiment
from lrcli.experiment.names import NAME, check_name, directory_name

CHECKS = settings(derandomize=True, deadline=None, database=None, max_examples=200)
FORBIDDEN = set('/\\:*?"<>|') | set(map(chr, range(32))) | {"\x7f"}  # by Windows, or by POSIX
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
GOOD = [
    "linear",
    "a.b",
    "_a",
    "v1.2-b",
    "cone",
    "com",
    "nula",
    "Über",
    "実験",
    "опыт",
    "تجربة",
    "प्रयोग",
    "실험",
    "ניסוי",
]
BAD = [
    "",
    ".",
    "..",
    "-a",
    ".a",
    "a.",
    "a b",
    "a/b",
    "a\\b",
    "a:b",
    "a\n",
    "\n",
    "a\x1b",
    "a\u202eb",
    "\ufeffa",
]
BAD += [
    "con",
    "CON",
    "Nul.txt",
    "com1",
    "LPT9.a.b",
    "a" * 101,
    "実" * 64,
    "a\u00a0b",
    "a\u3000b",
    "\ud800",
    "\u037e",
]


def usable(name):
    """What every common file system takes, by a rule of its own."""
    bytes_long = len(name.encode())
    return (
        0 < bytes_long <= 255
        and not FORBIDDEN & set(name)
        and name[-1] not in ". "
        and name[0] not in ".-"
        and name.split(".")[0].upper() not in DEVICES
        and not any(unicodedata.category(c) in {"Cc", "Zs", "Zl", "Zp", "Cs"} for c in name)
        and not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff]", name)
    )


@pytest.mark.parametrize("name", [*GOOD, "a" * 100, "実" * 63, "😀" * 63])
def test_good_names(name):
    assert check_name(name) == name
    assert usable(name)
    assert directory_name(name) == name


@pytest.mark.parametrize("name", BAD)
def test_bad_names(name):
    with pytest.raises(ValueError, match=r"directory|device"):
        check_name(name)


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("実験 1", "実験-1"),
        ("e\u0301te\u0301", "été"),
        ("con", "_con"),
        ("Aux.b", "_Aux.b"),
        ("a:b*c", "a-b-c"),
        ("…", "experiment"),
        ("\u202ea", "a"),
        ("\x1b[31mred", "31mred"),
        ("опыт" * 40, ("опыт" * 40)[:63]),
        ("a" * 300, "a" * 100),
        ("a" * 99 + " " + "b" * 99, "a" * 99),
    ],
)
def test_a_name_made_of_a_file_s(stem, name):
    assert directory_name(stem) == name


@CHECKS
@given(st.text(max_size=120) | st.from_regex(r"(?i)(con|nul|com[0-9])(\..*)?", fullmatch=True))
def test_any_file_s_name_becomes_a_good_one(stem):
    name = directory_name(stem)
    assert check_name(name) == name
    assert usable(name)


@CHECKS
@given(st.text(max_size=70))
def test_a_name_that_is_taken_can_be_used(text):
    try:
        name = check_name(text)
    except ValueError:
        return
    assert usable(name)
    assert unicodedata.is_normalized("NFC", name)


def test_one_name_however_it_was_typed():
    assert check_name("e\u0301") == check_name("\u00e9") == "\u00e9"


def test_no_character_of_the_rule_turns_into_one_that_it_lacks():
    allowed = [
        chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000 and re.fullmatch(NAME, f"_{chr(i)}_")
    ]
    assert all(re.fullmatch(NAME, f"_{unicodedata.normalize('NFC', c)}_") for c in allowed)
    letters = [chr(i) for i in range(0x110000) if unicodedata.category(chr(i))[0] == "L" and i > 127]
    lost = {c for c in letters if not re.fullmatch(NAME, c) and unicodedata.is_normalized("NFC", c)}
    assert {unicodedata.name(c, "") for c in lost} <= {"", "MODIFIER LETTER"}


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript here")
@pytest.mark.parametrize("flags", ["", "u"])
def test_javascript_reads_the_rule_as_python_does(flags):
    """As editors use it; without the flag u a character beyond the first plane counts as two."""
    pattern = Experiment.model_json_schema()["properties"]["name"]["pattern"]
    plane = [chr(i) for i in range(0x10000) if not 0xD800 <= i < 0xE000]
    names = [
        *GOOD,
        *(name for name in BAD if name != "\ud800"),
        "實" * 63,
        *plane,
        *(f"a{c}b" for c in plane),
    ]
    names += ["😀", "a😀b", "😀" * 63] if flags else ["😀", "a😀b"]
    program = (
        "const [p, f, names] = JSON.parse(require('fs').readFileSync(0));"
        "const r = new RegExp(p, f); console.log(JSON.stringify(names.map(n => r.test(n))))"
    )
    done = subprocess.run(
        ["node", "-e", program], input=json.dumps([pattern, flags, names]), capture_output=True, text=True
    )
    assert done.stderr == ""
    expected = [bool(re.search(pattern, name)) for name in names]
    assert json.loads(done.stdout) == expected
    assert expected == [bool(re.fullmatch(NAME, name)) for name in names]
