"""A terminal as a grid of characters with their styles: enough of one to see what was drawn."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[=>]|\x1b\][^\x07]*\x07|.", re.DOTALL)


class Screen:
    """What stands on a terminal after all that was written to it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.alternate = False  # whether the other screen is shown
        self._clear()
        self._style = self._cut = ""  # _cut: the beginning of a command, the rest is to come

    def _clear(self) -> None:
        self.cells = [[(" ", "")] * self.columns for _ in range(self.rows)]
        self._row = self._column = 0

    def write(self, text: str) -> None:
        text = self._cut + text
        self._cut = cut[0] if (cut := re.search(r"\x1b(\[[?0-9;]*)?$", text)) else ""
        text = text[: len(text) - len(self._cut)]
        for match in _TOKEN.finditer(text):
            if match[2]:
                self._obey(match[1], match[2])
            elif match[0] == "\r":
                self._column = 0
            elif match[0] == "\n":
                self._down()
            elif match[0] >= " ":
                if self._column == self.columns:
                    self._column = 0
                    self._down()
                self.cells[self._row][self._column] = match[0], self._style
                self._column += 1

    def _down(self) -> None:
        self._row += 1
        if self._row == self.rows:
            self.cells = [*self.cells[1:], [(" ", "")] * self.columns]
            self._row -= 1

    def _obey(self, arguments: str, command: str) -> None:
        if command == "m":
            self._style = "" if arguments in ("", "0") else arguments
        elif command == "H":
            row, _, column = (arguments or "1;1").partition(";")
            self._row, self._column = int(row) - 1, int(column or 1) - 1
        elif command == "J":
            self._clear()
        elif command == "K":
            row = self.cells[self._row]
            row[self._column :] = [(" ", "")] * (self.columns - self._column)
        elif command == "A":
            self._row = max(0, self._row - int(arguments or 1))
        elif command in "hl" and arguments == "?1049":
            self.alternate = command == "h"
            self._clear()

    def lines(self) -> list[str]:
        return ["".join(cell for cell, _ in row).rstrip() for row in self.cells]
