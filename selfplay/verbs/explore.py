"""Walk a proof attempt: what is possible, what the net thinks, undo."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import RUN, Parser, at_least


def arguments(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help=f"{RUN}; none: without a net")
    parser.add_argument("problem", metavar="PROBLEM.p", help="a file in TPTP's fof or cnf")
    parser.add_option("--simulations", "N", "at each position", at_least(0), 200)
    parser.add_shared("--trust")


def run(arguments: argparse.Namespace) -> Answer:
    from envs.proving.logic.tptp import read_problem
    from selfplay.play.proof import ProofSession, ProofTerminal
    from selfplay.proving.searches import unguided
    from selfplay.system.console import COMPILING, waiting
    from selfplay.training.proving_agent import load_guide

    problem = read_problem(Path(arguments.problem))
    with waiting(COMPILING):
        guide = unguided() if arguments.run == "none" else load_guide(arguments.run)
        session = ProofSession(guide, problem)
        session.search(arguments.simulations)
    ProofTerminal(session, arguments.simulations).run()
    option = "--net none" if arguments.run == "none" else f"--run {shlex.quote(arguments.run)}"
    say_next(f"selfplay prove {shlex.quote(arguments.problem)} {option}")
    return Answer({})
