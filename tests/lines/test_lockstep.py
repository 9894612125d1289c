"""Games side by side: who is still in, whose move it is, and when a game drops out."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest

from envs.toys import Chain, Nim, Standoff
from selfplay.arrays import take
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.types import Int

RNG = np.random.default_rng(0)


def first(turn: Turn) -> Int:
    return np.zeros(len(turn.lane), np.int32)


def test_games_drop_out_when_they_are_over() -> None:
    game = Chain(3)
    stop_at = np.array([9, 1, 0, 2])  # going on three times ends the game as well

    def choose(turn: Turn) -> Int:
        return (stop_at[turn.lane] == turn.number).astype(np.int32)

    plies = list(lockstep(game, game.init(RNG, 4), choose))
    assert [ply.turn.lane.tolist() for ply in plies] == [[0, 1, 2, 3], [0, 1, 3], [0, 3]]
    assert [ply.turn.number for ply in plies] == [0, 1, 2]
    assert [ply.action.tolist() for ply in plies] == [[0, 0, 1, 0], [0, 1, 0], [0, 1]]
    assert plies[-1].paid.reward.tolist() == [1, 0]
    for before, ply in pairwise(plies):
        going = before.paid.discount != 0
        np.testing.assert_array_equal(take(before.after, going).position, ply.turn.state.position)


def test_games_drop_out_after_as_many_moves_as_are_asked_for() -> None:
    game = Standoff(4)
    start = game.init(RNG, 4)
    plies = lockstep(game, start, first, plies=np.array([0, 9, 2, 1]))
    assert [ply.turn.lane.tolist() for ply in plies] == [[1, 2, 3], [1, 2], [1], [1]]
    assert start.position.tolist() == [0] * 4
    assert not list(lockstep(game, take(start, slice(0)), first))


def test_whose_move_it_is_is_told_also_with_extra_moves() -> None:
    """Of 7 stones with ``again``: a move that leaves a multiple of 3 earns another."""
    game = Nim(7, take=2, again=True)
    plies = list(lockstep(game, game.init(RNG, 2), first, second=np.array([False, True])))
    turns = np.array([ply.turn.second.tolist() for ply in plies])
    assert turns[:, 0].tolist() == [False, False, True, False, False, True, False]
    np.testing.assert_array_equal(turns[:, 1], ~turns[:, 0])


def test_who_stops_asking_stops_the_games_and_illegal_moves_are_refused() -> None:
    asked: list[int] = []

    def choose(turn: Turn) -> Int:
        asked.append(turn.number)
        return np.full(len(turn.lane), len(asked) - 1, np.int32)

    game = Nim(5, take=2)
    assert len(list(islice(lockstep(game, game.init(RNG, 3), choose), 2))) == 2
    assert asked == [0, 1]
    with pytest.raises(ValueError, match="action 3 cannot be played"):
        next(lockstep(game, game.init(RNG, 3), choose))
