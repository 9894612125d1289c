"""A comparison in the terminal: the sentence, the groups, the laws, what a reader must know."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

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

_EVERY_S = 30.0  # between two lines of progress where there is no terminal
_WIDE = 150  # columns where there is no terminal to fit


@contextlib.contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Shows what goes on; tells more with what comes back: a line now and then, in no terminal."""
    console = PlainConsole(sys.stderr)
    if console.is_live:
        with console.status(Text(what)) as status:
            yield lambda words: status.update(Text(words))
        return
    last = time.monotonic()

    def say(words: str) -> None:
        nonlocal last
        if time.monotonic() - last > _EVERY_S:
            last = time.monotonic()
            print(words, file=sys.stderr)

    yield say


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
