"""The bar that is drawn while a large file is read."""

from pathlib import Path

import pytest
from rich.cells import cell_len

from lrcli.reporting.reading_bar import ReadingBar, bar_line


@pytest.mark.parametrize("width", [10, 30, 50, 100, 200])
@pytest.mark.parametrize("done", [0, 1, 500_000_000, 10**9])
def test_the_bar_fits_and_says_how_far(width, done):
    line = bar_line(Path("data") / "a\x1b[31mb.csv", done, 10**9, width)
    assert cell_len(line) <= width
    assert "\x1b" not in line
    if width >= 50:
        assert f"{done / 10**9:.0%} of 1.00 GB" in line
        assert "reading a" in line


def test_nothing_is_drawn_where_there_is_no_terminal(capsys):
    bar = ReadingBar()
    for done in (10**8, 10**9):
        bar(Path("x.csv"), done, 10**9)
    bar.close()
    assert capsys.readouterr().err == ""
