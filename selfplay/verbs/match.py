"""Let players play each other: seats swapped, Elo with intervals."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import SECONDS, SEED, Parser, at_least, seconds, seconds_a_move
from selfplay.verbs.players import game_option, players_named


def arguments(parser: Parser) -> None:
    parser.add_argument(
        "players", nargs="+", metavar="PLAYER",
        help="RUN[@STEP][:SIMULATIONS|:2s], random, minimax:DEPTH, mcts:SIMULATIONS, solver or "
        "gtp:COMMAND, an engine of others",
    )  # fmt: skip
    parser.add_option("--game", "GAME", "the game, where no player is a run (default: connect4)")
    parser.add_option("--games", "N", "games a pair", at_least(2, 10**6), 100)
    searched = "of the runs (default: each run's [strength])"
    parser.add_option("--simulations", "N", searched, at_least(0))
    time = f"{SECONDS}, for each of the positions that are decided side by side"
    parser.add_option("--seconds", "S", time, seconds_a_move)
    opening = "random moves that games begin with"
    parser.add_option("--openings", "PLIES", opening, at_least(0, 10_000), 2)
    clock = "seconds a move of an engine of others (default: 60, and no clock is told)"
    parser.add_option("--engine-seconds", "S", clock, seconds)
    side = "games at the same time in which engines of others play"
    parser.add_option("--at-once", "N", side, at_least(1, 64), 1)
    parser.add_option("--save", "FILE", "write the games there, one a line")
    parser.add_option("--seed", "SEED", "of chance", SEED, 0)
    parser.add_shared("--trust", "--json")


def run(arguments: argparse.Namespace) -> Answer:
    from selfplay.data.readers.moves import HEADER
    from selfplay.play.match_screen import MatchScreen
    from selfplay.players.apart import close_engines
    from selfplay.players.arena import match_json, ratings, score, tournament
    from selfplay.players.guests import engines_among
    from selfplay.players.match_games import MatchGames
    from selfplay.system.files import write_text_atomically
    from selfplay.system.interrupts import ended_by_signals

    _refuse_to_overwrite(arguments.save)
    if len(arguments.players) < 2:
        raise ValueError("a match needs two players or more; known without a run: random, solver")
    spec, game, players = players_named(
        arguments.players, arguments.game, arguments.simulations, arguments.seconds
    )
    pairs = -(-arguments.games // 2)
    of = pairs * len(players) * (len(players) - 1)
    print(f"playing {of:,} games of {game.name}", file=sys.stderr)
    for engine in engines_among(players):
        engine.seconds = arguments.engine_seconds
    with MatchScreen() as screen, ended_by_signals():
        watch = MatchGames(game, of, screen.show, screen.note)
        screen.watch(watch)
        try:
            matches = tournament(
                game, players, pairs, arguments.openings, arguments.seed,
                watch=watch, at_once=arguments.at_once,
            )  # fmt: skip
        finally:
            close_engines(players)
    if arguments.save:
        write_text_atomically(Path(arguments.save), f"{HEADER}{spec}\n{watch.text()}")
        print(f"{of:,} games are in {arguments.save}, one a line.")
    for each in matches:
        points = score(each)
        wins, draws, losses = (int((each.results == result).sum()) for result in (1, 0, -1))
        print(
            f"{each.a} against {each.b}: {wins} won, {draws} drawn, {losses} lost; "
            f"{points.value:.1%} of the points (95%: {points.low:.1%} to {points.high:.1%})"
        )
    rated = ratings(matches)
    for name, elo in zip(rated.names, rated.elo, strict=True):
        print(f"  {name:32} Elo {elo.value:+6.0f}  (95%: {elo.low:+.0f} to {elo.high:+.0f})")
    name = arguments.players[max(range(len(rated.elo)), key=lambda i: rated.elo[i].value)]
    say_next(f"selfplay play {shlex.quote(name)}{game_option(name, spec)}")
    return Answer(match_json(matches))


def _refuse_to_overwrite(file: str | None) -> None:
    """Raises ValueError when ``file`` is there, or cannot be: before anything has been played."""
    if file is None:
        return
    path = Path(file)
    if path.exists():
        raise ValueError(f"{path} is there already: name another file with --save")
    if not path.parent.is_dir():
        raise ValueError(f"--save {path}: there is no folder {path.parent}; make it first")
