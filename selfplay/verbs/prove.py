"""Prove a TPTP problem and show the checked proof."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import RUN, Parser, at_least, seconds, up_to
from selfplay.verbs.page import page_options, refuse_page_options, require_web, serve_page

if TYPE_CHECKING:
    from envs.proving.logic.formula import Problem
    from selfplay.players.limits import Limit
    from selfplay.proving.prover import Prover, Result
    from selfplay.proving.trials import Bounds

SIMULATIONS = 200  # at each position that is looked at in the browser
_HEED_S = 0.7  # for a search to hear Ctrl-C; after that it is left alone


def arguments(parser: Parser) -> None:
    parser.add_argument("problem", metavar="PROBLEM.p", help="a file in TPTP's fof or cnf")
    guide = parser.add_mutually_exclusive_group()
    guide.add_argument("--run", metavar="RUN", help=f"guides: {RUN} (default: the one that ships)")
    guide.add_argument("--net", choices=("none",), help="none: search unguided")
    add_bounds(parser, "")
    parser.add_argument(
        "--proof", choices=("summary", "tableau", "tstp", "both", "none"),
        help="how much of the proof is shown: a screen, the whole for people, for programs "
        "(default: summary; both with --json)",
    )  # fmt: skip
    parser.add_argument("--web", action="store_true", help="watch and walk it in the browser")
    page_options(parser)
    parser.add_shared("--trust", "--json")


def add_bounds(parser: Parser, of: str, else_of: str = "") -> None:
    """What a proof may cost; ``else_of``: what the seconds are of besides."""
    default = f"(default: 10, if no inferences are named){else_of}"
    parser.add_option("--seconds", "S", f"{of or 'at most'} {default}", seconds)
    parser.add_option("--inferences", "N", of or "at most so many", at_least(1))
    parser.add_option(
        "--guided-share", "X",
        "of the seconds, and of inferences beyond 20,000, for the guided search "
        "(default: 0.5); the unguided has the rest", up_to(1),
    )  # fmt: skip


def bounds_of(arguments: argparse.Namespace) -> tuple[Bounds, float]:
    """The bounds and the guided search's share of them, by default those of time."""
    from selfplay.proving.prover import GUIDED_SHARE, SECONDS
    from selfplay.proving.trials import Bounds

    bounds = Bounds(arguments.seconds, arguments.inferences)
    guided = GUIDED_SHARE if arguments.guided_share is None else arguments.guided_share
    return Bounds(SECONDS) if bounds == Bounds() else bounds, guided


def run(arguments: argparse.Namespace) -> Answer:
    if arguments.web:
        return _in_browser(arguments)
    refuse_page_options(arguments)
    from envs.proving.logic.recursion import deep
    from envs.proving.logic.tptp_formulas import TptpError
    from selfplay.proving import report
    from selfplay.proving.prover import (
        USER,
        Result,
        complain,
        read_within,
        reading_status,
        status_line,
    )

    path = Path(arguments.problem)
    bounds, guided = bounds_of(arguments)
    name = path.name.removesuffix(".p")
    try:
        begun = time.perf_counter()
        read = read_within(path, bounds)
        reading_s = time.perf_counter() - begun
        run = arguments.net or arguments.run
        # not in the main thread: compiling hears no Ctrl-C, waiting does
        prover = deep(_prover)(run, guided)
        begun = time.perf_counter() - reading_s  # getting ready is on nobody's clock
        result = read if isinstance(read, Result) else _proved(prover, read, bounds, begun)
        kind = arguments.proof or (report.BOTH if arguments.json else report.SUMMARY)
        spent = time.perf_counter() - begun
        left = None if bounds.seconds is None else bounds.seconds + report.WRITING_S - spent
        texts = report.proof_texts(result, kind, left)
    except KeyboardInterrupt:
        print(status_line(USER, name))
        raise
    except TptpError as error:  # what cannot be read gets its status too
        print(status_line(reading_status(error), name))
        raise
    guide = prover.guide.name if prover.guide else None
    print(*report.result_lines(result, guide, kind, texts), sep="\n")
    if result.refused:
        complain(f"A FAULT OF THIS PROVER, please report it with the problem: {result.reason}")
    say_next(
        f"selfplay explore {shlex.quote(guide or 'none')} {shlex.quote(str(path))}",
        "walk an attempt",
    )
    content = report.result_content(result, texts)
    return Answer(content, 130 if result.status == USER else int(not result.proved))


def _in_browser(arguments: argparse.Namespace) -> Answer:
    require_web("--web")
    from envs.proving.logic.recursion import deep
    from envs.proving.logic.tptp import read_problem
    from selfplay.players.limits import Limit

    if arguments.json or arguments.proof:
        raise ValueError("--web shows the proof in the browser: leave out --json and --proof")
    problem = read_problem(Path(arguments.problem))
    bounds, share = bounds_of(arguments)
    prover = deep(_prover)(arguments.net or arguments.run, share)
    serve_proof(problem, prover, bounds, Limit(SIMULATIONS), True, arguments)
    return Answer({})


def serve_proof(
    problem: Problem,
    prover: Prover,
    bounds: Bounds,
    limit: Limit,
    proves: bool,
    arguments: argparse.Namespace,
) -> None:
    """Serves the page of proofs until Ctrl-C.

    ``limit`` is of the search at a position; ``proves``: a tab begins with the prover.
    """
    from selfplay.proving.searches import unguided
    from selfplay.web.desk import Desk
    from selfplay.web.proof import routes

    desk = Desk(prover.guide or unguided(), prover, problem, bounds, limit, proves)
    serve_page(routes(desk), "proof", arguments)


def _proved(prover: Prover, problem: Problem, bounds: Bounds, begun: float) -> Result:
    """The result of a search that shows how it goes on and that Ctrl-C ends."""
    from selfplay.system.console import progress
    from selfplay.system.interrupts import interruptible

    with interruptible(_HEED_S) as stop, progress(f"proving {problem.name}") as say:
        return prover.prove_problem(
            problem, bounds, stop,
            lambda how, used: say(lambda: f"{problem.name}: {how} search, {used:,} inferences"),
            begun,
        )  # fmt: skip


def _prover(run: str | None, share: float) -> Prover:
    """The prover guided by the run, by the one that ships if None; made ready."""
    from selfplay.proving.prover import Prover, complain
    from selfplay.system.console import COMPILING, waiting
    from selfplay.training.proving_agent import load_guide, reference

    if run is None and (run := reference()) is None:
        complain("there is no trained prover here: the search is unguided")
        run = "none"
    with waiting(COMPILING):
        guide = None if run == "none" else load_guide(run)
        prover = Prover(guide, share)
        prover.warm_up()
    return prover
