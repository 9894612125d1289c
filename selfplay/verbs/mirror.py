"""Play Pong in the browser against a net that learns to play as you do."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import SEED, Parser, at_least, refuse_given
from selfplay.verbs.page import page_options, require_web, serve_page

if TYPE_CHECKING:
    from selfplay.mirror.duel import Duel

STYLES = ("early", "late", "follower", "hitter", "lazy")
MINUTES, BALLS = 6, 200


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "--weigh",
        choices=("relevance", "rule", "alike"),
        help="how often a step is learned: by its relevance, by the hand-set rule (the ball comes "
        "in), all alike; the page can change it (default: relevance)",
    )
    parser.add_option("--learn", "FILE", "begin with what was played and saved there")
    parser.add_option("--out", "DIR", "where what was played is saved (default: runs/mirror)")
    parser.add_option("--seed", "SEED", "makes chance repeat itself", SEED)
    scripted = parser.add_argument_group("without a page")
    scripted.add_argument(
        "--player", choices=STYLES, help="a scripted player plays in your place, and is saved"
    )
    most = f"that it plays, 10 at most (default: {MINUTES})"
    parser.add_option("--minutes", "N", most, at_least(1, 10), group=scripted)
    runs = "instead, it plays against RUN[:SIMULATIONS] of the game pong, which is told"
    parser.add_option("--against", "PLAYER", runs, group=scripted)
    came = f"that come to that (default: {BALLS})"
    parser.add_option("--balls", "N", came, at_least(1, 10**6), group=scripted)
    page_options(parser)


def run(arguments: argparse.Namespace) -> Answer:
    if arguments.player is None:
        refuse_given(arguments, ["minutes", "against", "balls"], "without --player")
        require_web("mirror")
    else:
        refuse_given(arguments, ["learn", "port", "host", "no_browser"], "with --player")
    if arguments.against is not None:
        refuse_given(arguments, ["minutes", "out", "weigh"], "with --against")
        return _judged(arguments)
    refuse_given(arguments, ["balls"], "without --against")
    from selfplay.data.readers.mirror import read_played
    from selfplay.mirror.duel import Duel
    from selfplay.system.console import waiting

    file = read_played(Path(arguments.learn)) if arguments.learn else None
    out, weigh = Path(arguments.out or "runs/mirror"), arguments.weigh or "relevance"
    with waiting("compiling Pong and the net, once"):
        Duel().step(0)
    if arguments.player is not None:
        return _scripted(Duel(weigh, arguments.seed), arguments, out)
    from selfplay.web.mirror import MirrorPage

    page = MirrorPage(out, weigh, arguments.seed, file)
    serve_page(page.routes, "mirror", arguments)
    return Answer({})


def _scripted(duel: Duel, arguments: argparse.Namespace, out: Path) -> Answer:
    """A scripted player plays and is saved."""
    minutes = arguments.minutes or MINUTES
    duel.watch(arguments.player, minutes)
    path, steps = duel.save(out)
    print(f"{minutes} minutes of the player {arguments.player}, {steps:,} steps, are in {path}.")
    say_next(f"selfplay data mirror {shlex.quote(str(path))} --out runs/data/pong")
    return Answer({"saved": str(path), "steps": steps})


def _judged(arguments: argparse.Namespace) -> Answer:
    """A scripted player plays against any other, and it is told who returned how many balls."""
    from selfplay.mirror.opponent import meet
    from selfplay.stats import wilson
    from selfplay.verbs.players import is_built_in, players_named

    style, balls = arguments.player, arguments.balls or BALLS
    known = "pong" if is_built_in(arguments.against) else None
    _, game, (player,) = players_named([arguments.against], known, 0)
    met = meet(player, game, style, balls, arguments.seed or 0)
    for name, returned, came in (
        (player.name, met.returned, met.balls),
        (style, met.model_returned, met.model_balls),
    ):
        share = wilson(returned, max(came, 1))
        print(
            f"{name} returned {returned:,} of {came:,} balls: {share.value:.1%} "
            f"(95%: {share.low:.1%} to {share.high:.1%})"
        )
    print(
        f"Where it matters {player.name} would do as {style} in {met.agreement:.1%} of the steps."
    )
    return Answer(met._asdict())
