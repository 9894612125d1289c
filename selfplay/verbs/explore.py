"""Walk a proof attempt: what is possible, what the net thinks, undo."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import RUN, Parser, at_least, seconds_a_move
from selfplay.verbs.page import page_options, refuse_page_options, require_web
from selfplay.verbs.players import refuse_both

if TYPE_CHECKING:
    from envs.proving.logic.formula import Problem
    from selfplay.players.limits import Limit

SIMULATIONS = 200


def arguments(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help=f"{RUN}; none: without a net")
    parser.add_argument("problem", metavar="PROBLEM.p", help="a file in TPTP's fof or cnf")
    searched = f"at each position (default: {SIMULATIONS})"
    parser.add_option("--simulations", "N", searched, at_least(0))
    parser.add_option("--seconds", "S", "at each position instead", seconds_a_move)
    parser.add_argument("--web", action="store_true", help="walk it in the browser")
    page_options(parser)
    parser.add_shared("--trust")


def _in_browser(arguments: argparse.Namespace, problem: Problem) -> Answer:
    require_web("--web")
    from selfplay.proving.prover import GUIDED_SHARE, SECONDS, Prover
    from selfplay.proving.trials import Bounds
    from selfplay.system.console import COMPILING, waiting
    from selfplay.training.proving_agent import load_guide
    from selfplay.verbs.prove import serve_proof

    with waiting(COMPILING):
        guide = None if arguments.run == "none" else load_guide(arguments.run)
        prover = Prover(guide, GUIDED_SHARE)
        prover.warm_up()
    serve_proof(problem, prover, Bounds(SECONDS), _limit(arguments), False, arguments)
    return Answer({})


def _limit(arguments: argparse.Namespace) -> Limit:
    """Of the search at a position."""
    from selfplay.players.limits import Limit

    wish, seconds = arguments.simulations, arguments.seconds
    refuse_both(wish, seconds)
    return Limit(SIMULATIONS if wish is None and seconds is None else wish, seconds)


def run(arguments: argparse.Namespace) -> Answer:
    from envs.proving.logic.tptp import read_problem
    from selfplay.play.proof import ProofSession, ProofTerminal
    from selfplay.proving.searches import unguided
    from selfplay.system.console import COMPILING, waiting
    from selfplay.training.proving_agent import load_guide

    if not arguments.web:
        refuse_page_options(arguments)
    limit = _limit(arguments)
    problem = read_problem(Path(arguments.problem))
    if arguments.web:
        return _in_browser(arguments, problem)
    with waiting(COMPILING):
        guide = unguided() if arguments.run == "none" else load_guide(arguments.run)
        session = ProofSession(guide, problem)
        session.search_within(limit)
    ProofTerminal(session, limit).run()
    option = "--net none" if arguments.run == "none" else f"--run {shlex.quote(arguments.run)}"
    say_next(f"selfplay prove {shlex.quote(arguments.problem)} {option}")
    return Answer({})
