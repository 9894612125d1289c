"""Measure how strong the levels of an agent are, for people to choose one they can beat."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import RUN, SEED, Parser, at_least


def arguments(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help=RUN)
    searched = "of the agent and its levels (default: the run's [strength])"
    parser.add_option("--simulations", "N", searched, at_least(0, 10**6))
    parser.add_option("--games", "N", "games a pair of players", at_least(2, 10**6), 200)
    parser.add_option("--seed", "SEED", "of chance", SEED, 0)
    parser.add_argument(
        "--force", action="store_true", help="replace what was measured of the run before"
    )
    parser.add_shared("--trust", "--json")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.players.level_ratings import FILE, Levels, rate_levels, write_levels
    from selfplay.system.console import progress
    from selfplay.training.agent import find_agent, load_agent
    from selfplay.verbs.players import player_of, simulations_of

    folder, _ = find_agent(arguments.run)
    if not arguments.force:
        _refuse_measured(folder.path)
    agent = load_agent(arguments.run)
    if agent.game.num_players != 2:
        given = f"{agent.game.name} has {agent.game.num_players}"
        raise ValueError(f"levels are measured in games for two players; {given}")
    simulations = simulations_of(agent, arguments.simulations)
    player = player_of(agent, simulations)
    print(f"measuring the levels of {player.name} on {agent.game.name}", file=sys.stderr)
    pairs = -(-arguments.games // 2)
    with progress("playing") as say:
        games, rated = rate_levels(
            agent.game, player, pairs, arguments.seed, lambda words: say(lambda: words)
        )
    levels = Levels(agent.game.name, agent.step, simulations, games, rated)
    write_levels(folder.path, levels)
    print(f"Elo above random in {games:,} games, 95% intervals:")
    for rating in rated:
        name = "the agent itself" if rating.level is None else f"level {rating.level}"
        print(f"  {name:16} {rating.elo:+6.0f}  ({rating.low:+.0f} to {rating.high:+.0f})")
    print(f"They are in {folder.path / FILE}.")
    say_next(f"selfplay play {shlex.quote(arguments.run)} --level 3")
    return Answer({**levels._asdict(), "ratings": [rating._asdict() for rating in rated]})


def _refuse_measured(folder: Path) -> None:
    """Raises ValueError where the levels of the run in ``folder`` are known."""
    from selfplay.players.level_ratings import FILE, read_levels

    try:
        measured = read_levels(folder)
    except ValueError:  # damaged: it is made anew
        return
    if measured is not None:
        raise ValueError(
            f"{folder / FILE} holds levels measured in {measured.games:,} games; --force measures "
            f"them again and replaces it"
        )
