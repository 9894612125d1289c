"""The planted values of the toys against a search of their whole tree."""

import numpy as np
import pytest
from reference import dense, exact_qvalues

from envs import make
from envs.toys import Bandit, Chain, Coins, Nim, Standoff, ToyState, Win, WinnerLoser
from selfplay.checks import check_game

TOYS = {  # and the value of the start
    Win(): 1.0,
    Bandit(): 0.75,
    Bandit(payoffs=(-1.0, 0.5, 0.0)): 0.5,
    Chain(): 1.0,
    Coins(length=5): 1.0,
    Coins(length=4, players=2): 0.0,
    Coins(length=5, players=2): 0.2,
    WinnerLoser(): 1.0,
    Standoff(): 0.0,
    Nim(stones=12, take=3): -1.0,
    Nim(stones=14, take=3): 1.0,
    Nim(stones=4, take=2, again=True): -1.0,
    Nim(stones=6, take=2, again=True): 1.0,
    Nim(stones=20, take=2, again=True): 1.0,
}


@pytest.mark.parametrize("game", TOYS, ids=lambda game: game.name)
def test_planted_values_are_those_of_the_whole_tree(game):
    start, known = game.init(np.random.default_rng(0), 2), {}
    assert game.value(start).tolist() == pytest.approx([TOYS[game]] * 2)
    for position in range(game._end):
        state = ToyState(np.array([position], np.int32))
        exact = dense(exact_qvalues(game, state, known), game.num_actions, np.nan)
        assert game.qvalues(state)[0] == pytest.approx(exact, nan_ok=True)


@pytest.mark.parametrize("game", TOYS, ids=lambda game: game.name)
def test_toys_conform(game):
    assert check_game(game) == []


def test_impossible_nim_is_refused():
    with pytest.raises(ValueError, match="take = 2 with again; got stones 10, take 3, again True"):
        make("nim?again=true")
