"""A terminal in memory, as far as progress needs one: text, moves of the cursor, erasing, another width."""

import io
import re

_CODE = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])")


class Screen(io.TextIOBase):
    """What has been written to it, as rows; those that have left at the top are still there, out of reach.

    Args:
        reflows: whether a new width breaks and joins lines; else it cuts them off.
    """

    encoding = "utf-8"

    def __init__(self, width, height, *, reflows=True):
        self.width, self.height, self._reflows = width, height, reflows
        self._rows = [["", False]]  # the text of each, and whether it goes on in the next one
        self._x = self._y = 0
        self.written = ""

    def isatty(self):
        return True

    def write(self, text):
        self.written += text
        at = 0
        while at < len(text):
            code = _CODE.match(text, at)
            if code:
                self._obey(code[3], int(code[2] or 1) if code[2].isdigit() or not code[2] else 0)
                at = code.end()
            else:
                self._put(text[at])
                at += 1
        return len(text)

    @property
    def row(self):
        """Of the cursor, counted from the first that there has been."""
        return self._y

    def rows(self):
        """All rows, from the top."""
        return [text.rstrip() for text, _ in self._rows]

    def lines(self):
        """All rows that are not empty, from the top."""
        return [row for row in self.rows() if row]

    def resize(self, width, height=None):
        """Become another size; empty rows below the cursor are dropped rather than any pushed out."""
        self.height = height or self.height
        self._rows = self._rows[: self._y + 1]
        if not self._reflows:
            self._rows = [[text[:width], goes_on] for text, goes_on in self._rows]
        else:
            self._break_anew(width)
        self.width = width

    def _break_anew(self, width):
        whole, mine, joined = [], (0, 0), ""
        for y, (text, goes_on) in enumerate(self._rows):
            if y == self._y:
                mine = (len(whole), len(joined) + self._x)
            joined += text
            if not goes_on:
                whole.append(joined.rstrip())
                joined = ""
        self._rows = []
        for number, line in enumerate(whole):
            if number == mine[0]:
                further = max(0, mine[1] - 1) // width
                self._y, self._x = len(self._rows) + further, mine[1] - further * width
            pieces = [line[i : i + width] for i in range(0, len(line), width)] or [""]
            self._rows += [[piece, i + 1 < len(pieces)] for i, piece in enumerate(pieces)]

    def _put(self, character):
        if character == "\r":
            self._x = 0
        elif character == "\n":
            self._down()
        else:
            if self._x == self.width:
                self._rows[self._y][1] = True
                self._down()
            row = self._rows[self._y]
            row[0] = row[0].ljust(self._x)[: self._x] + character + row[0][self._x + 1 :]
            self._x += 1

    def _down(self):
        self._x, self._y = 0, self._y + 1
        if self._y == len(self._rows):
            self._rows.append(["", False])

    def _obey(self, letter, number):
        if letter == "A":
            self._y = max(self._y - number, len(self._rows) - self.height, 0)
        elif letter == "K":
            self._rows[self._y] = ["", False]
        else:
            assert letter in "hlm", letter  # the cursor's look, and colours
