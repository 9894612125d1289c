"""A table as text, for the terminal and the page."""

from __future__ import annotations

from typing import NamedTuple

NONE = "-"  # in a cell of which nothing is known


class Table(NamedTuple):
    """Rows of cells under headings; the first column is words, the others are numbers."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""  # what a reader must know of the columns

    @property
    def words(self) -> tuple[bool, ...]:
        """Which columns are words rather than numbers, of those behind the first."""
        return tuple(head.startswith("parameters (") for head in self.heads)
