"""Many processes train in one directory of runs; see `many_at_once` for the long form."""

import sys

import pytest
from many_at_once import check, race


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="processes are made by forking this one")
@pytest.mark.usefixtures("machine_code")
def test_many_at_once(tmp_path):
    check(tmp_path / "runs", race(tmp_path / "runs", processes=16, rounds=1), 16)
