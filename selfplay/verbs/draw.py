"""Draw a position as SVG, with what an agent thinks of each move."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import A_GAME, RUN, SEED, Parser, at_least, seconds_a_move
from selfplay.verbs.players import (
    agent_for,
    game_option,
    players_named,
    refuse_both,
    refuse_seconds,
)

if TYPE_CHECKING:
    from selfplay.play.layers import Layer
    from selfplay.play.variations import Variations
    from selfplay.types import Player

SIMULATIONS = 400
_LAYERS = ("prior", "visits", "value")  # play/layers.py, which imports numpy


def arguments(parser: Parser) -> None:
    parser.add_argument("game", metavar="GAME", help=A_GAME)
    parser.add_argument(
        "moves", nargs="*", metavar="MOVES", help="in order, run together where no name is longer"
    )
    parser.add_argument(
        "--think", action="store_true", help="numbers on the moves: what an agent thinks of them"
    )
    which = "whose numbers: the net's prior, visits (default) or value of the search"
    parser.add_argument("--layer", choices=_LAYERS, help=f"{which}; thinks too")
    parser.add_option("--agent", "PLAYER", f"who thinks: {RUN}; or any player of `selfplay match`")
    strength = f"leaves it looks at (default: {SIMULATIONS})"
    parser.add_option("--simulations", "N", strength, at_least(0, 10**6))
    parser.add_option("--seconds", "S", "for how long it looks instead", seconds_a_move)
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_option("--out", "FILE", "where to; -, and by default: standard output")
    parser.add_option("--seed", "SEED", "of chance", SEED, 0)
    parser.add_shared("--trust")


def run(arguments: argparse.Namespace) -> Answer:
    import envs
    from selfplay.play.saved import typed_game
    from selfplay.play.svg import board_svg, plain
    from selfplay.play.variations import Variations
    from selfplay.system.files import write_text_atomically
    from selfplay.types import NO_ACTION

    out = None if arguments.out in (None, "-") else Path(arguments.out)
    if out is not None and not out.parent.is_dir():
        raise ValueError(f"--out {out}: there is no folder {out.parent}; make it first")
    if arguments.moves:
        tree = typed_game(arguments.game, arguments.moves).tree
    else:
        tree = Variations(envs.make(arguments.game))
    line = tree.positions(tree.line(tree.at))
    last = line[-2].action if len(line) > 1 else NO_ACTION
    layer, caption, agent = None, "", None
    given = (arguments.layer, arguments.agent, arguments.simulations, arguments.seconds)
    if arguments.think or any(each is not None for each in given):
        if tree.now.over:
            raise ValueError("the game is over there: leave out --think, or the last move")
        layer, caption, agent = _thought(arguments, tree)
    legal = not tree.now.over
    svg = board_svg(tree.game, tree.now.state, last, layer, legal, arguments.theme, caption)
    text = plain(svg) + "\n"
    if out is None:
        sys.stdout.write(text)
        return Answer({})
    write_text_atomically(out, text)
    print(f"The board is in {out}.")
    spec = shlex.quote(arguments.game)
    moves = " ".join(map(shlex.quote, arguments.moves))
    if agent:
        say_next(f"selfplay play {shlex.quote(agent)}{game_option(agent, arguments.game)}")
    else:
        say_next(f"selfplay draw {spec} {moves} --think --out {shlex.quote(arguments.out)}")
    return Answer({})


def _thought(arguments: argparse.Namespace, tree: Variations) -> tuple[Layer, str, str]:
    """What stands on the moves, what that is in words, and who thinks so.

    Raises ValueError with a sentence where the player knows no such numbers.
    """
    import numpy as np

    from selfplay.play.layers import Layer
    from selfplay.players.thinking import Limit, Thinker
    from selfplay.system.console import COMPILING, waiting

    wish, seconds = arguments.simulations, arguments.seconds
    refuse_both(wish, seconds)
    simulations = SIMULATIONS if wish is None else wish
    agent = arguments.agent or agent_for(tree.game, simulations)
    name = arguments.layer or ("visits" if simulations else "prior")
    limit = (simulations, None) if seconds is None else (None, seconds)
    _, game, (player,) = players_named([agent], arguments.game, *limit)
    refuse_seconds(player, seconds)
    thinks = _prior_of(player) if name == "prior" else player
    with waiting(COMPILING):
        thinker = Thinker(game, thinks, np.random.default_rng(arguments.seed))
        *_, decision = thinker.think(tree.now.state, Limit(seconds=seconds))
    if not decision.visits.any() and not arguments.layer and simulations:
        name = "value"  # of who knows without a search, or sees a win at once
    numbers = {
        "prior": decision.policy, "visits": decision.visits, "value": decision.qvalues,
    }[name].astype(np.float32)  # fmt: skip
    numbers = np.where(game.legal(tree.now.state)[0], numbers, np.float32(np.nan))
    if not np.nan_to_num(numbers).any() and name == "visits":
        raise ValueError(f"{player.name} visits nothing: choose --layer value or prior")
    if np.isnan(numbers).all():
        raise ValueError(f"{player.name} does not know what moves are worth: it needs a search")
    of = {
        "prior": "prior of the net",
        "visits": f"visits in a search of {int(np.nansum(numbers)):,}",
        "value": "chance to win" if game.num_players == 2 else "expected return",
    }[name]
    layer = Layer(name, numbers, int(decision.action))
    rollouts = player.name.startswith("mcts:") and seconds is not None
    who = f"rollouts for {seconds:g} s" if rollouts else thinks.name
    return layer, f"{of}, the choice dark: {who}", agent


def _prior_of(player: Player) -> Player:
    """The net alone of a player of a run, named as the run; ValueError where there is none."""
    from selfplay.players.players import NetPlayer

    evaluator = getattr(getattr(player, "player", player), "evaluator", None)  # of one by time
    if evaluator is None:
        raise ValueError(f"{player.name} has no net: choose --layer visits or value")
    run, _, _ = player.name.rpartition(":")  # behind it stands how long it searches
    return NetPlayer(run, evaluator)
