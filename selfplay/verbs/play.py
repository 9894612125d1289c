"""Play against an agent in the terminal."""

from __future__ import annotations

import argparse
import shlex

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import RUN, SEED, Parser, at_least
from selfplay.verbs.players import game_option, is_built_in, players_named


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "run", metavar="RUN", help=f"{RUN}; or any player of `selfplay match`, such as solver"
    )
    parser.add_argument("--side", choices=("first", "second"), default="first", help="yours")
    strength = "the agent's strength: leaves a move, 0 for the net alone"
    # half a second a move for the net of configs/demo.toml
    parser.add_option("--simulations", "N", strength, at_least(0), 200)
    game = "the game, where the player is no run (default: connect4)"
    parser.add_option("--game", "GAME", game)
    parser.add_option("--seed", "SEED", "makes chance repeat itself", SEED)
    parser.add_shared("--trust")


def run(arguments: argparse.Namespace) -> Answer:
    import numpy as np

    from selfplay.play.session import GameSession
    from selfplay.play.terminal import GameTerminal
    from selfplay.players.players import NetPlayer, SearchPlayer
    from selfplay.system.console import COMPILING, waiting

    spec, game, (player,) = players_named([arguments.run], arguments.game, arguments.simulations)
    net = None
    if isinstance(player, SearchPlayer):
        net = NetPlayer("the net alone", player.evaluator)
    side = int(arguments.side == "second")
    chance = np.random.default_rng(0)
    with waiting(COMPILING):  # what it needs to think once may take ten seconds
        player.decide(game, game.init(chance, 1), chance)
    rng = np.random.default_rng(arguments.seed)
    GameTerminal(GameSession(game, player, side, rng, net)).run()
    name = shlex.quote(arguments.run)
    if game.num_players == 2:
        rival = "minimax:2" if arguments.run == "random" else "random"
        say_next(f"selfplay match {name} {rival}{game_option(arguments.run, spec)}")
    elif not is_built_in(arguments.run):
        say_next(f"selfplay play {name} --simulations 0", "its net alone advises")
    else:
        say_next(f"selfplay check {shlex.quote(spec)}")
    return Answer({})
