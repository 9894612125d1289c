"""Play Pong in the browser against a net that learns to play as you do."""

from __future__ import annotations

import argparse

from selfplay.verbs.answer import Answer
from selfplay.verbs.arguments import SEED, Parser
from selfplay.verbs.page import page_options, require_web, serve_page


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "--weigh",
        choices=("relevance", "rule", "alike"),
        default="relevance",
        help="how often a step is learned: by its relevance, by the hand-set rule (the ball comes "
        "in), all alike; the page can change it (default: relevance)",
    )
    parser.add_option("--learn", "FILE", "begin with what was played and saved there")
    parser.add_option("--out", "DIR", "where the page saves what was played", str, None)
    parser.add_option("--seed", "SEED", "makes chance repeat itself", SEED)
    page_options(parser)


def run(arguments: argparse.Namespace) -> Answer:
    require_web("mirror")
    from pathlib import Path

    from selfplay.mirror.duel import Duel, read_played
    from selfplay.system.console import waiting
    from selfplay.web.mirror import MirrorPage

    file = read_played(Path(arguments.learn)) if arguments.learn else None
    with waiting("compiling Pong and the net, once"):
        Duel().step(0)
    page = MirrorPage(Path(arguments.out or "runs/mirror"), arguments.weigh, arguments.seed, file)
    serve_page(page.routes, "mirror", arguments)
    return Answer({})
