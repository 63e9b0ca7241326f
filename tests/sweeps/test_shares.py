"""Shares of a sweep: which there can be, what each of them has, and that nobody need tell the others."""

import itertools
import json

import numpy as np
import pytest

from lrcli.errors import UsageError
from lrcli.experiment.loading import load
from lrcli.storage.shards import Shard
from lrcli.sweeps import cutting, estimates, share_cutting
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.shares import parse_shard, parts_of

UNEVEN = {
    "name": "uneven",
    "dataset": {"kind": "xor", "num_train": 64, "num_val": 40},
    "model": {"kind": "mlp", "hidden": [4]},
    "loss": {"kind": "bce"},
    "optimizer": {"kind": "adam", "lr": 0.01},
    "training": {"epochs": 600, "batch_size": 16},
    "logging": {"every": 100},
    "sweep": {
        "grid": [
            {
                "optimizer.kind": ["sgd", "adam"],
                "optimizer.lr": [0.01, 0.1, 1],
                "model.hidden": [[4], [64, 3]],
            },
            {"training.epochs": [200, 2000], "optimizer.lr": [0.02]},
            {"model.hidden": [[2]], "optimizer.lr": [0.003, 0.3], "training.batch_size": [8, 64]},
        ],
        "seeds": 9,
    },
}


@pytest.fixture
def planned(tmp_path):
    """Plans the uneven sweep for some shares."""
    grid = [{key: {"values": v} for key, v in each.items()} for each in UNEVEN["sweep"]["grid"]]
    file = tmp_path / "exp.yaml"
    file.write_text(json.dumps(UNEVEN | {"sweep": {"grid": grid, "seeds": 9}}))
    return lambda shares, memory=10**9, words=(): plan_sweep(load(file, words), memory, shares)


@pytest.mark.parametrize(
    ("text", "shard"),
    [("2/7", (2, 7)), ("1/1", (1, 1)), (" 03 / 12 ", (3, 12)), ("1000000/1000000", (10**6,) * 2)],
)
def test_a_share_as_it_is_written(text, shard):
    assert parse_shard(text) == Shard(*shard)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0/7", "--shard 0/7: shares are numbered from 1, here to 7"),
        ("8/7", "--shard 8/7: shares are numbered from 1, here to 7"),
        ("1/0", "--shard 1/0: there is one share at least"),
        *(
            (text, f"--shard {text}: write K/N, such as 2/7 ")
            for text in ("", "2", "/7", "2/", "-1/7", "2/7/9", "a/b")
        ),
        *(
            (text, "write K/N, such as 2/7 ")
            for text in ("1.5/7", "²/7", "1/" + 50 * "9", "1e3/7", "2\\7", "2/7\n3")
        ),
    ],
)
def test_what_is_no_share(text, message):
    with pytest.raises(UsageError) as caught:
        parse_shard(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 130


@pytest.mark.parametrize("shares", [1, 2, 3, 7, 16, 80, 162])
def test_every_member_is_in_one_part_of_one_share(planned, shares):
    plan = planned(shares)
    numbers = [parts_of(plan, Shard(k, shares)) for k in range(1, shares + 1)]
    assert sorted(itertools.chain(*numbers)) == list(range(len(plan.parts)))
    members = np.concatenate([part.indices for part in plan.parts])
    assert len(np.unique(members, axis=0)) == len(members) == plan.size == 162
    assert min(part.size for part in plan.parts) >= 2  # one alone takes another way through an engine


def longest(works, shares):
    """How long the longest share takes: parts go, the longest first, to whoever has least."""
    loads = np.zeros(shares)
    for work in sorted(works, reverse=True):
        loads[np.argmin(loads)] += work
    return loads.max()


@pytest.mark.parametrize("shares", [2, 3, 7, 16])
def test_the_longest_share_is_short(planned, shares):
    """Hardly longer than where every population is cut into as many parts, however many these are."""
    plan = planned(shares)
    own = [sum(plan.parts[n].work for n in parts_of(plan, Shard(k, shares))) for k in range(1, shares + 1)]
    assert max(own) == pytest.approx(longest([part.work for part in plan.parts], shares), rel=1e-12)
    groups = {id(part.group): part.group for part in plan.parts}.values()
    for count in (1, 2, 3, 4, 6, 10):
        parts = [part for group in groups for part in cutting.cut_group(group, plan.memory, count)]
        assert max(own) < 1.07 * longest([part.work for part in parts], shares)


def test_every_machine_finds_the_same_shares(planned, monkeypatch):
    def found():
        plan = planned(16)
        shares = [parts_of(plan, Shard(k, 16)) for k in range(1, 17)]
        return plan.fingerprint, [part.members for part in plan.parts], shares

    here = found()
    for cores in (1, 64):
        monkeypatch.setattr(estimates, "cores", lambda cores=cores: cores)
        monkeypatch.setattr(estimates, "slowness", lambda: 3.0)
        assert found() == here


def test_another_number_of_shares_is_another_plan(planned):
    prints = [planned(shares).fingerprint for shares in (1, 2, 3)] + [planned(2, 10**6).fingerprint]
    assert len({*prints}) == 4


def test_code_of_a_users_is_cut_as_without_shares(planned, monkeypatch):
    monkeypatch.setattr(share_cutting, "trains_own_code", lambda experiment: True)
    assert [part.members for part in planned(40).parts] == [part.members for part in planned(1).parts]


def test_more_shares_than_members(planned):
    with pytest.raises(UsageError, match="162 members cannot make 163 shares; ask for 162 at most"):
        planned(163)
    with pytest.raises(UsageError, match="cannot make 999,999,999,999,999,999 shares"):
        planned(10**18 - 1)
