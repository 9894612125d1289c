"""Games in which engines of others play: one at a time, or a few with processes of their own.

Such a program follows one game.  What it does wrong loses that game; see guests.py.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import take
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.lines.openings import NO_MOVE, Openings
from selfplay.players.guests import Forfeit, GtpPlayer, engines_among
from selfplay.players.match_games import Watch
from selfplay.types import Game, Int, Player


class _Hall(NamedTuple):
    """What games at the same time share."""

    game: Game
    watch: Watch | None
    lock: threading.Lock  # for all but the engines: players and whoever watches


def play_apart(
    game: Game,
    players: Sequence[Player],
    seats: NDArray[np.int64],
    openings: Openings,
    rng: np.random.Generator,
    watch: Watch | None,
    at_once: int,
) -> NDArray[np.int8]:
    """[B] i8, the result for whoever has the first seat in the games from B openings.

    ``seats`` [B, 2]: numbers of the players.  Raises what ends a match: an engine that cannot be
    started, or fails for good.
    """
    results = np.zeros(len(seats), np.int8)
    chances = rng.spawn(len(seats))
    hall = _Hall(game, watch, threading.Lock())
    teams: queue.SimpleQueue[Sequence[Player]] = queue.SimpleQueue()
    others = [_again(players) for _ in range(min(at_once, len(seats)) - 1)]
    for team in (players, *others):
        teams.put(team)

    def play(number: int) -> None:
        team = teams.get()
        try:
            pair = [team[seat] for seat in seats[number].tolist()]
            results[number] = _one(hall, pair, number, openings, chances[number])
        finally:
            teams.put(team)

    try:
        if others:
            _side_by_side(play, len(seats), [players, *others])
        else:
            for number in range(len(seats)):
                play(number)
    finally:
        for team in others:
            close_engines(team)
    return results


def close_engines(players: Sequence[Player]) -> None:
    """Ends the processes of those that are programs of others."""
    for engine in engines_among(players):
        engine.close()


def _again(players: Sequence[Player]) -> list[Player]:
    """The same players, with processes of their own where they are programs."""
    return [each.again() if isinstance(each, GtpPlayer) else each for each in players]


def _side_by_side(
    play: Callable[[int], None], games: int, teams: Sequence[Sequence[Player]]
) -> None:
    """All games, one for each team at the same time; the first error ends them all."""
    with ThreadPoolExecutor(len(teams)) as pool:
        futures = [pool.submit(play, number) for number in range(games)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for engine in engines_among([player for team in teams for player in team]):
                engine.abort()
            raise


def _one(
    hall: _Hall, pair: Sequence[Player], number: int, openings: Openings, rng: np.random.Generator
) -> int:
    """The result of one game for who has the first seat."""
    row = openings.moves[number]
    moves, mover, total = row[row != NO_MOVE].tolist(), 0, 0.0

    def choose(turn: Turn) -> Int:
        nonlocal mover
        mover = int(turn.second[0])
        player = pair[mover]
        if isinstance(player, GtpPlayer):
            return np.array([player.move(moves)], np.int32)
        with hall.lock:
            return player.decide(hall.game, turn.state, rng).action

    start = take(openings, [number])
    try:
        for ply in lockstep(hall.game, start.state, choose, second=start.second):
            moves.append(int(ply.action[0]))
            total += float(ply.paid.reward[0]) * (-1 if mover else 1)
            if hall.watch is not None:
                turn = ply.turn._replace(lane=np.array([number]))
                with hall.lock:
                    hall.watch.moved(ply._replace(turn=turn))
    except Forfeit as forfeit:
        result = 1 if mover else -1
        if hall.watch is not None:
            with hall.lock:
                hall.watch.stopped(number, result, str(forfeit))
        return result
    return int(np.sign(total))
