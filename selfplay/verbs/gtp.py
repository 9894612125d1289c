"""Be an engine for GoGui, Sabaki and whatever speaks GTP, on standard input and output."""

from __future__ import annotations

import argparse

from selfplay.verbs.answer import Answer
from selfplay.verbs.arguments import Parser
from selfplay.verbs.engine import ROOM, add_engine, ready_table


def arguments(parser: Parser) -> None:
    add_engine(parser)
    game = "the game, where the player is no run (default: connect4)"
    parser.add_option("--game", "GAME", game)


def run(arguments: argparse.Namespace) -> Answer:
    import contextlib
    import sys

    from selfplay.engines.analysis import Analysis
    from selfplay.engines.files import sgf_moves
    from selfplay.engines.gogui import GoGui
    from selfplay.engines.gtp import Server
    from selfplay.engines.lines import Lines, standard_input
    from selfplay.engines.standard import Standard
    from selfplay.system.version import version

    output = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # all else that is printed
        table = ready_table(arguments, arguments.game)
        lines = Lines(standard_input())
        drawn = GoGui(table, lines.interrupted, sys.stderr) if table.vertices.shape else None
        show = drawn.show if drawn else lambda insight: None
        load = sgf_moves(table.game)
        handlers = {
            **Standard(table, version(), lines.interrupted, show, load).handlers(),
            **(drawn.handlers() if drawn else {}),
            **Analysis(table, lines.waiting, ROOM).handlers(),
        }
        Server(handlers, output).run(lines)
    return Answer({})
