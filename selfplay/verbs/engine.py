"""What the verbs that are engines of other programs share: their arguments, and the table."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from selfplay.verbs.arguments import SEED, Parser, at_least, seconds
from selfplay.verbs.players import players_named

if TYPE_CHECKING:
    from selfplay.engines.table import Table
    from selfplay.types import Game, Player

ROOM = 20_000  # simulations of an analysis that is not told to end
OF_A_GAME = "mcts:400"  # who plays a game that no run is named after


def add_engine(parser: Parser) -> None:
    """The player of an engine and his limits."""
    parser.add_argument(
        "player", metavar="PLAYER", help="a run, any player of `selfplay match`, or a game"
    )
    strength = "leaves a move, 0 for the net alone (default: the run's [strength], or the clock)"
    parser.add_option("--simulations", "N", strength, at_least(0))
    parser.add_option("--seconds", "S", "thinking time a move", seconds)
    parser.add_option("--level", "N", "weakens it, from 9 to 1; see `levels`", at_least(1, 9))
    parser.add_option("--seed", "SEED", "makes chance repeat itself", SEED)
    parser.add_shared("--trust")


def ready_table(arguments: argparse.Namespace, spec: str | None) -> Table:
    """The table of an engine, its kernels compiled; what is said goes to standard error."""
    import numpy as np

    from selfplay.engines.table import Table
    from selfplay.players.levels import LevelPlayer
    from selfplay.players.thinking import Limit, warm_up
    from selfplay.system.console import COMPILING, waiting

    game, player = _named(arguments.player, spec, arguments.simulations)
    asked = Limit(arguments.simulations or None, arguments.seconds)
    if arguments.level is not None:
        player = LevelPlayer(player, arguments.level)
    rng = np.random.default_rng(arguments.seed)
    table = Table(game, player, rng, asked)
    with waiting(COMPILING):
        warm_up(game, player)
    print(f"selfplay: {player.name} plays {game.name}", file=sys.stderr)
    return table


def _named(name: str, spec: str | None, simulations: int | None) -> tuple[Game, Player]:
    """The game and the player; a game's name alone stands for rollouts where no run has it."""
    import envs

    try:
        _, game, (player,) = players_named([name], spec, simulations)
    except ValueError:
        if name not in (*envs.GAMES, *envs.SHORT) or spec not in (None, name):
            raise
        _, game, (player,) = players_named([OF_A_GAME], name, simulations)
    return game, player
