"""List the runs of a folder, the newest first."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import Parser

if TYPE_CHECKING:
    from selfplay.training.summary import Summary

COLUMNS = ("run", "game", "state", "strength", "time", "positions", "regime", "told", "size")
_STYLES = {"running": "green", "stopped": "yellow", "damaged": "red", "new": "dim"}
_LEAST = 12  # characters of a run's name, before a column goes


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help="default: runs, and the runs that ship"
    )
    parser.add_shared("--json")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.training.summary import find_runs, summarize

    root = None if arguments.folder is None else Path(arguments.folder)
    runs = sorted(map(summarize, find_runs(root)), key=lambda run: -run.changed)
    if not runs:
        print(f"There is no run in {root or 'runs'}.")
        say_next("selfplay train configs/demo.toml", "five minutes")
        return Answer({"runs": []})
    _print_table([_cells(each) for each in runs])
    for each in runs:
        if each.fault:
            print(f"{each.path}: {each.fault}")
    newest = next((each for each in runs if each.config), runs[0])
    say_next(f"selfplay show {shlex.quote(str(newest.path))}")
    return Answer({"runs": [content_of(each) for each in runs]})


def content_of(run: Summary) -> dict[str, Any]:
    """A run as a row of ``--json``."""
    last = run.strength[-1] if run.strength else None
    return {
        "run": str(run.path), "game": run.game, "regime": run.regime, "state": run.state,
        "positions": run.positions, "seconds": run.seconds, "size": run.size,
        "changed": run.changed, "checkpoints": run.checkpoints,
        "measured_at": last and last.positions, "strength": last and last.scalars,
        "fault": run.fault or None,
    }  # fmt: skip


def strength_of(run: Summary) -> str:
    """The last measurement in a few words; empty before any."""
    if run.headline is None:
        return ""
    name, net = run.headline
    known = run.strength[-1].scalars
    what = name.removeprefix("strength/")
    if what.startswith("vs_"):
        return f"{known[name]:.0%} vs {what.removeprefix('vs_')}"
    if what == "proved":
        return f"{known[name]:.0%} proved"
    return f"{known[name]:.1%} mistakes" + (f", net {known[net]:.1%}" if net in known else "")


def size_text(size: float) -> str:
    """Bytes as people write them: 1.2 MB."""
    unit, *larger = "B", "kB", "MB", "GB", "TB"
    while size >= 1000 and larger:
        size, unit = size / 1000, larger.pop(0)
    return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"


def _cells(run: Summary) -> tuple[str, ...]:
    import time

    from selfplay.system.console import clock
    from selfplay.system.printable import in_one_line

    return (
        in_one_line(str(run.path)), in_one_line(run.game), run.state, strength_of(run),
        clock(run.seconds), f"{run.positions:,}", in_one_line(run.regime),
        _ago(time.time() - run.changed), size_text(run.size),
    )  # fmt: skip


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return "now"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    """All columns where they have room, or where no terminal sets a width; the last go first."""
    from rich.table import Table

    from selfplay.system.console import PlainConsole

    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    console = PlainConsole()
    if not console.is_terminal:
        console = PlainConsole(width=sum(widths) + 2 * len(widths))
    shown = len(COLUMNS)
    while shown > 1 and min(widths[0], _LEAST) + sum(widths[1:shown]) + 2 * shown > console.width:
        shown -= 1
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name, width in zip(COLUMNS[:shown], [_LEAST, *widths[1:shown]], strict=True):
        right = name in ("time", "positions", "told", "size")
        least = min(width, widths[COLUMNS.index(name)])
        table.add_column(name, justify="right" if right else "left", no_wrap=True, min_width=least)
    for row in rows:
        state = row[COLUMNS.index("state")]
        table.add_row(*row[:shown], style=_STYLES.get(state, ""))
    console.print(table)
