"""Writes GAME.txt for each game: all that it returns along one random game, for people and tests.

``python tests/playthroughs/playthrough.py`` plays new games and writes all files; with names it
writes those alone.  The test beside it plays the moves of the files again and expects every line.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs import make
from selfplay.checks.record import paths
from selfplay.types import Game, Obs, State, Symmetric

FOLDER = Path(__file__).parent
PROBLEM = FOLDER.parents[1] / "envs/proving/problems/pelletier/pelletier_24.p"
GAMES = {
    "tictactoe": "tictactoe",
    "connect4": "connect4",
    "connect4_4x3": "connect4?width=4&height=3&run=3",
    "othello": "othello",
    "othello_6x6": "othello?size=6",
    "win": "envs.toys:Win",
    "bandit": "envs.toys:Bandit",
    "chain": "envs.toys:Chain",
    "coins": "envs.toys:Coins",
    "coins_in_turn": "envs.toys:Coins?length=5&players=2",
    "winner_loser": "envs.toys:WinnerLoser",
    "standoff": "envs.toys:Standoff",
    "nim": "nim",
    "pong": "pong",
    "nim_again": "nim?stones=14&take=2&again=true",
    "proving": f"proving?problems={PROBLEM}",
}
_MOVE = re.compile(r"^-- move \d+: (.*)$", re.MULTILINE)
_LONG = 600  # numbers of an array that are not written one by one
_TURNED_AT = 3  # moves after which the symmetries are shown

Choose = Callable[[Game, State], int]


def playthrough(game: Game, choose: Choose) -> Iterator[str]:
    """The lines of one game in which ``choose`` moves."""
    yield f"name {game.name}"
    yield f"actions {game.num_actions}, moves at most {game.max_moves}, players {game.num_players}"
    yield f"action names {_names(game, range(game.num_actions))}"
    back = [game.parse_action(game.action_name(action)) for action in range(game.num_actions)]
    yield f"parsed as {_numbers(np.array(back))}"
    yield f"no action: {_refusal(game.parse_action, 'nonsense')}"
    if isinstance(game, Symmetric):
        yield from (f"symmetry {k}: {_names(game, row)}" for k, row in enumerate(game.action_map))
    state, discount, number, player = game.init(np.random.default_rng(0), 1), 1.0, 0, 0
    while discount:
        yield from _position(game, state, player)
        for action in () if number else (-1, game.num_actions):
            yield _refused(game, state, action)
        if number == _TURNED_AT and isinstance(game, Symmetric):
            obs = game.observe(state)
            for k in range(1, len(game.action_map)):
                yield from _drawn(f"under symmetry {k}, ", game.transform(obs, k))
        action = choose(game, state)
        number += 1
        yield f"-- move {number}: {game.action_name(action)}"
        state, paid = game.step(state, np.array([action], np.int32))
        discount = float(paid.discount[0])
        player = 1 - player if discount < 0 else player
        yield f"reward {paid.reward[0]:g}, discount {discount:g}"
    yield from _position(game, state, None)
    yield "-- a move after the end"
    after, paid = game.step(state, np.zeros(1, np.int32))
    same = _drawn("", game.observe(after)) == _drawn("", game.observe(state))
    yield f"reward {paid.reward[0]:g}, discount {paid.discount[0]:g}, same position: {same}"


def _position(game: Game, state: State, player: int | None) -> Iterator[str]:
    """What is seen of a position; ``player``: the one to move, None where it is over."""
    yield ""
    yield from game.text(state, 0).splitlines()
    yield "over" if player is None else f"to move: {('first', 'second')[player]}"
    legal = game.legal(state)[0]
    yield f"legal: {'all' if legal.all() else _names(game, np.flatnonzero(legal))}"
    yield from _drawn("", game.observe(state))
    for action in np.flatnonzero(~legal)[:1].tolist():
        yield _refused(game, state, action)


def _drawn(title: str, obs: Obs) -> list[str]:
    """The arrays of an observation of one position."""
    lines: list[str] = []
    for name, (array,) in paths(obs):
        lines.append(f"{title}observation {name}: {array.dtype} {list(array.shape)}")
        if array.size > _LONG:
            code = zlib.crc32(np.ascontiguousarray(array).tobytes())
            lines[-1] += f", {np.count_nonzero(array)} not 0, check {code:08x}"
        else:
            lines += map(_numbers, array if array.ndim > 1 else array[None])
    return lines


def _numbers(array: NDArray[Any]) -> str:
    """An array in one line, 0s and 1s without spaces between."""
    if array.ndim > 1:
        return " ".join(_numbers(row) for row in array)
    return ("" if np.isin(array, (0, 1)).all() else " ").join(f"{value:g}" for value in array)


def _names(game: Game, actions: Any) -> str:
    return " ".join(game.action_name(int(action)) for action in actions)


def _refused(game: Game, state: State, action: int) -> str:
    return f"action {action}: {_refusal(game.step, state, np.array([action], np.int32))}"


def _refusal(function: Callable[..., Any], *arguments: Any) -> str:
    """The first line of the sentence with which a function refuses its arguments."""
    try:
        function(*arguments)
    except ValueError as error:
        return str(error).splitlines()[0]
    return "not refused"


def again(text: str) -> Choose:
    """Plays the moves of a file."""
    moves = iter(_MOVE.findall(text))
    return lambda game, state: game.parse_action(next(moves))


def at_random(seed: int) -> Choose:
    rng = np.random.default_rng(seed)
    return lambda game, state: int(rng.choice(np.flatnonzero(game.legal(state)[0])))


if __name__ == "__main__":
    for name in sys.argv[1:] or GAMES:
        lines = playthrough(make(GAMES[name]), at_random(1))
        (FOLDER / f"{name}.txt").write_text("\n".join(lines) + "\n")
