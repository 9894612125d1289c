"""Be an Othello engine for NBoard, on standard input and output."""

from __future__ import annotations

import argparse

from selfplay.verbs.answer import Answer
from selfplay.verbs.arguments import Parser
from selfplay.verbs.engine import add_engine, ready_table


def arguments(parser: Parser) -> None:
    add_engine(parser)


def run(arguments: argparse.Namespace) -> Answer:
    import contextlib
    import sys

    from envs.othello import Othello
    from selfplay.engines.lines import Lines, standard_input
    from selfplay.engines.nboard import NBoard

    output = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # all else that is printed
        table = ready_table(arguments, None if arguments.player == "othello" else "othello")
        if not isinstance(table.game, Othello):
            raise ValueError(f"NBoard plays othello only, not {table.game.name}: try selfplay gtp")
        NBoard(table, Lines(standard_input(), ("ping", "quit")), output, sys.stderr).run()
    return Answer({})
