"""Play Pong in the browser against a net that learns to play as you do."""

from __future__ import annotations

import argparse

from selfplay.verbs.answer import Answer
from selfplay.verbs.arguments import SEED, Parser, at_least


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
    parser.add_option("--host", "HOST", "listen there (default: 127.0.0.1, this machine alone)")
    parser.add_option("--port", "PORT", "or the next free one", at_least(1, 65535), 8420)
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def run(arguments: argparse.Namespace) -> Answer:
    from pathlib import Path

    from selfplay.mirror.duel import Duel, read_played
    from selfplay.system.console import waiting

    try:
        from selfplay.web.mirror import MirrorPage, play
    except ImportError as error:
        raise ImportError(
            "the page needs a server, which is not installed: pip install 'selfplay[web]'"
        ) from error
    file = read_played(Path(arguments.learn)) if arguments.learn else None
    with waiting("compiling Pong and the net, once"):
        Duel().step(0)
    page = MirrorPage(Path(arguments.out or "runs/mirror"), arguments.weigh, arguments.seed, file)
    play(page, arguments.host or "127.0.0.1", arguments.port, not arguments.no_browser)
    return Answer({})
