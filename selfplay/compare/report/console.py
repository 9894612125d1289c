"""A comparison in the terminal: the sentence, the groups, the laws, what a reader must know."""

from __future__ import annotations

from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from selfplay.compare.publish import Published
from selfplay.compare.report.tables import (
    Table,
    chief_crossings,
    crossings_table,
    fits_table,
    groups_table,
    pool_table,
)
from selfplay.system.console import PlainConsole

_WIDE = 150  # columns where there is no terminal to fit


def print_comparison(done: Published) -> None:
    """The sentence first, then the tables, then the notes."""
    found = done.found
    console = PlainConsole()
    if not console.is_terminal:
        console = PlainConsole(width=_WIDE)
    say = [f"{found.sentence}."]
    say += [f"{found.charged_sentence}."] if found.charged_sentence else []
    for sentence in say:
        console.print(Text(sentence[:1].upper() + sentence[1:], "bold"), soft_wrap=True)
    tables = [groups_table(done.views[:1])]
    chief = chief_crossings(found.curves, found.crossings)
    tables.append(crossings_table(chief, "Crossings"))
    tables.append(fits_table(found.fits, found.loss))
    tables += [] if done.pool is None else [pool_table(done.pool)]
    for table in tables:
        if table.rows:
            console.print()
            console.print(_rich(table))
    if found.notes:
        console.print()
    for note in found.notes:
        console.print(Text(f"Note: {note}."), soft_wrap=True)


def _rich(table: Table) -> RichTable:
    drawn = RichTable(
        title=Text(table.title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for i, head in enumerate(table.heads):
        words = i == 0 or head.startswith("parameters (")
        drawn.add_column(
            Text(head), justify="left" if words else "right", no_wrap=not words,
            overflow="fold", min_width=16 if words else None,
        )  # fmt: skip
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn
