"""Watch a training run in the browser: its strength, its games, its agent as it was then."""

from __future__ import annotations

import argparse
from pathlib import Path

from selfplay.verbs.answer import Answer
from selfplay.verbs.arguments import Parser
from selfplay.verbs.page import page_options, require_web, serve_page
from selfplay.verbs.players import players_named


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "run", metavar="RUN",
        help="a run's folder, of which the parent is there, or a unique part of its name",
    )  # fmt: skip
    page_options(parser)
    parser.add_shared("--trust")


def run(arguments: argparse.Namespace) -> Answer:
    require_web("watch")
    from selfplay.training.folder import find_run
    from selfplay.web.live import LiveRun
    from selfplay.web.watch import routes, watched_folder

    try:
        found = find_run(arguments.run).path
    except ValueError:
        # neither a path at which a run could begin, nor one that is something else
        if "/" not in arguments.run and not Path(arguments.run).exists():
            raise
        found = None
    run = LiveRun(watched_folder(arguments.run, found))
    serve_page(routes(run, players_named), "watch", arguments)
    return Answer({})
