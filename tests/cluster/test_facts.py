"""What a worker is, held against what is wanted."""

import hashlib
from importlib.metadata import version

from lrcli import __version__
from lrcli.cluster.facts import Wanted, data_reasons, facts_here, reasons_against


def test_facts_are_those_of_this_process():
    facts = facts_here()
    assert facts["lrcli"] == __version__
    assert facts["torch"] == version("torch")
    assert {"python", "numpy", "processor", "cores", "numba", "llvmlite"} <= set(facts)


def test_what_must_be_equal_is_told_with_both():
    here = {"lrcli": "1.0", "torch": "2.8.0+cpu", "numba": "0.62", "packages": ["mine 1"]}
    wanted = Wanted(here, equal=("lrcli", "torch", "numba", "packages"))
    assert reasons_against(wanted, here | {"torch": "2.8.0"}) == []  # another build of it is told elsewhere
    assert reasons_against(wanted, {"lrcli": "1.1", "torch": "2.9.0+cpu", "numba": None, "packages": []}) == [
        "lrcli 1.1 there, 1.0 here",
        "torch 2.9.0+cpu there, 2.8.0+cpu here",
        "it has no numba, and 0.62 is needed",
        "packages none there, mine 1 here",
    ]
    assert reasons_against(Wanted(here), here | {"torch": None}) == []


def test_data_must_be_there_as_it_is_here(tmp_path):
    same, other, none = (str(tmp_path / name) for name in ("same.csv", "other.csv", "none.csv"))
    for name in ("same.csv", "other.csv"):
        (tmp_path / name).write_bytes(b"a\n1\n")
    true, wrong = hashlib.sha256(b"a\n1\n").hexdigest(), hashlib.sha256(b"a\n2\n").hexdigest()
    assert data_reasons({same: true, other: wrong, none: true}) == [
        f"its {other} has another content",
        f"it has no {none}",
    ]
