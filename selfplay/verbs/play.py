"""Play against an agent in the terminal, or in the browser."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import RUN, SECONDS, SEED, Parser, at_least, seconds_a_move
from selfplay.verbs.page import page_options, refuse_page_options, require_web, serve_page
from selfplay.verbs.players import (
    game_option,
    is_built_in,
    measured_levels,
    players_named,
    refuse_both,
    refuse_seconds,
    refuse_unknown,
)

if TYPE_CHECKING:
    from selfplay.web.loading import Talk

SIMULATIONS = 200  # half a second a move for the net of configs/demo.toml
LEVELS = 9  # players/levels.py, which imports numpy


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "run", metavar="RUN", help=f"{RUN}; or any player of `selfplay match`, such as solver"
    )
    parser.add_argument("--side", choices=("first", "second"), default="first", help="yours")
    strength = "the agent's strength: leaves a move, 0 for the net alone"
    usual = f"(default: {SIMULATIONS}, with --level those that it was measured with)"
    parser.add_option("--simulations", "N", f"{strength} {usual}", at_least(0))
    parser.add_option("--seconds", "S", SECONDS, seconds_a_move)
    level = f"weakens it, from {LEVELS} to 1, which hardly beats a random player; see `levels`"
    parser.add_option("--level", "N", level, at_least(1, LEVELS))
    game = "the game, where the player is no run (default: connect4)"
    parser.add_option("--game", "GAME", game)
    parser.add_option("--seed", "SEED", "makes chance repeat itself", SEED)
    parser.add_argument(
        "--plain", action="store_true", help="lines of text in a terminal too, one below the other"
    )
    parser.add_argument("--web", action="store_true", help="play in the browser")
    page_options(parser)
    parser.add_shared("--trust")


def run(arguments: argparse.Namespace) -> Answer:
    if arguments.web:
        return _in_browser(arguments)
    refuse_page_options(arguments)
    import numpy as np

    from selfplay.play.screen import GameScreen, has_screen
    from selfplay.play.session import GameSession
    from selfplay.play.terminal import GameTerminal
    from selfplay.players.levels import LevelPlayer
    from selfplay.players.players import NetPlayer, SearchPlayer
    from selfplay.players.thinking import TimedPlayer, warm_up
    from selfplay.system.console import COMPILING, PlainConsole, waiting
    from selfplay.system.keys import Keyboard

    name, simulations = _at_level(arguments)
    spec, game, (player,) = players_named([name], arguments.game, simulations, arguments.seconds)
    refuse_seconds(player, arguments.seconds, rollouts=False)
    full = player.full if isinstance(player, LevelPlayer) else player
    full = full.player if isinstance(full, TimedPlayer) else full
    net = NetPlayer("the net alone", full.evaluator) if isinstance(full, SearchPlayer) else None
    side = int(arguments.side == "second")
    with waiting(COMPILING):
        warm_up(game, full)
    rng = np.random.default_rng(arguments.seed)
    session, console = GameSession(game, player, side, rng, net, spec), PlainConsole()
    if has_screen(console) and not arguments.plain:
        GameScreen(session, Keyboard(sys.stdin.fileno()), console).run()
    else:
        GameTerminal(session, console).run()
    name = shlex.quote(arguments.run)
    if game.num_players == 2:
        rival = "minimax:2" if arguments.run == "random" else "random"
        say_next(f"selfplay match {name} {rival}{game_option(arguments.run, spec)}")
    elif not is_built_in(arguments.run):
        say_next(f"selfplay play {name} --simulations 0", "its net alone advises")
    else:
        say_next(f"selfplay check {shlex.quote(spec)}")
    return Answer({})


def _at_level(arguments: argparse.Namespace) -> tuple[str, int | None]:
    """The player's name with its level, and the simulations; says how strong that has been found.

    The simulations are None where there is a limit of time.

    Raises ValueError when the name has a level already.
    """
    from selfplay.players.levels import split_level

    wish, level = arguments.simulations, arguments.level
    refuse_both(wish, arguments.seconds)
    timed = arguments.seconds is not None
    if level is None:
        return arguments.run, SIMULATIONS if wish is None and not timed else wish
    if split_level(arguments.run)[1] is not None:
        raise ValueError(f"{arguments.run} names a level already; leave out --level")
    if timed:
        return f"{arguments.run}:level={level}", None
    levels = measured_levels(arguments.run)
    usual = levels.simulations if levels else SIMULATIONS
    simulations = usual if wish is None else wish
    rating = levels.of(level) if levels and levels.simulations == simulations else None
    if rating:
        above = f"Elo {rating.elo:+.0f} above a random player"
        print(f"Level {level}: {above} (95%: {rating.low:+.0f} to {rating.high:+.0f}).")
    return f"{arguments.run}:level={level}", simulations


def _in_browser(arguments: argparse.Namespace) -> Answer:
    """Serves the page at once; what plays, and torch with it, is loaded behind."""
    require_web("--web")
    from selfplay.web.channel import channel_route
    from selfplay.web.loading import later, talk_once_loaded

    refuse_both(arguments.simulations, arguments.seconds)
    refuse_unknown(arguments.run, arguments.game)
    load = later(lambda: _page(arguments))
    serve_page([channel_route("/play", talk_once_loaded(load))], "play", arguments, load)
    return Answer({})


def _page(arguments: argparse.Namespace) -> Talk:
    """What talks to a tab; ValueError with a sentence where the player cannot be had."""
    from selfplay.players.levels import split_level
    from selfplay.players.limits import Limit
    from selfplay.players.names import split_run
    from selfplay.web.catalogue import Catalogue
    from selfplay.web.play import talking
    from selfplay.web.table import MOST_SECONDS, MOST_SIMULATIONS, rollouts_of

    name, simulations = _at_level(arguments)
    wish = arguments.seconds
    spec, game, (player,) = players_named([name], arguments.game, simulations, wish)
    refuse_seconds(player, wish, rollouts=False)
    own, level = split_level(name)
    limit = Limit(simulations, wish)
    if not is_built_in(own):
        run, step, named = split_run(own)
        own = run if step is None else f"{run}@{step}"
        limit = limit if named == Limit() else named
    rollouts = rollouts_of(own)
    if rollouts is not None:
        own, limit = f"mcts:{min(rollouts, MOST_SIMULATIONS)}", Limit(rollouts)
    if (limit.simulations or 0) > MOST_SIMULATIONS or (limit.seconds or 0) > MOST_SECONDS:
        most = f"{MOST_SIMULATIONS:,} simulations, or {MOST_SECONDS:g} s a move"
        print(f"selfplay: in the browser a search has at most {most}", file=sys.stderr)
    side = int(arguments.side == "second" and game.num_players == 2)
    return talking(Catalogue(players_named, own, spec), side, limit, level)
