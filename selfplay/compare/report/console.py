"""A comparison in the terminal: the sentence, the groups, the laws, what a reader must know."""

from __future__ import annotations

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from selfplay.compare.analysis.sentence import capital
from selfplay.compare.publish import Published
from selfplay.compare.report.tables import (
    Table,
    crossings_table,
    fits_table,
    groups_table,
    pool_table,
)
from selfplay.system.console import PlainConsole

_WIDE = 150  # columns where there is no terminal to fit


def print_comparison(done: Published) -> None:
    """The sentence first, then the tables, then the notes."""
    comparison = done.comparison
    view = comparison.views[0]
    console = PlainConsole()
    if not console.is_terminal:
        console = PlainConsole(width=_WIDE)
    for sentence in filter(None, (view.free.sentence, view.charged.sentence)):
        console.print(Text(f"{capital(sentence)}.", "bold"), soft_wrap=True)
    tables = (
        groups_table([view]),
        crossings_table(view.free.curves, view.free.crossings, "Crossings"),
        fits_table(comparison.fits, comparison.loss),
        pool_table(comparison.pool),
    )
    for table in tables:
        if table.rows:
            console.print()
            console.print(_rich(table))
    if comparison.notes:
        console.print()
    for note in comparison.notes:
        console.print(Text(f"Note: {note}."), soft_wrap=True)


def _rich(table: Table) -> RichTable:
    drawn = RichTable(
        title=Text(table.title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for i, (head, words) in enumerate(zip(table.heads, table.words, strict=True)):
        words = words or i == 0
        drawn.add_column(
            Text(head), justify="left" if words else "right", no_wrap=not words,
            overflow="fold", min_width=16 if words else None,
        )  # fmt: skip
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn
