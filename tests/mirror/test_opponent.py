"""Players of the game pong against scripted ones."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from envs.pong import FASTEST, HALF, REACH, STRIDE, WALL
from envs.rally import Rally
from envs.tictactoe import TicTacToe
from selfplay.mirror.opponent import meet
from selfplay.players.players import RandomPlayer
from selfplay.verbs.cli import main


class Follower:
    """Follows the ball, wherever it sees itself: on the left."""

    name = "follower"

    def __init__(self) -> None:
        self.asked = 0

    def decide(self, game: Rally, state: Any, rng: np.random.Generator) -> Any:
        seen = game.observe(state).features
        assert (np.sign(seen[:16, 2]) == -np.sign(seen[16:, 2])).all()  # both sides of 16 courts
        assert np.abs(seen[:, 2]).max() <= 1 + 1e-6 >= FASTEST
        gap = seen[:, 1] * WALL - seen[:, 4] * REACH * STRIDE
        self.asked += 1

        class Choice:
            action = np.where(np.abs(gap) < HALF / 2, 0, np.where(gap > 0, 1, 2))

        return Choice


def test_who_follows_the_ball_returns_it_and_who_plays_at_random_does_not() -> None:
    follower = Follower()
    met = meet(follower, Rally(), "follower", 60)
    assert 60 <= met.balls < 60 + 16
    assert met.returned == met.balls
    assert met.model_balls > 30
    assert met.agreement > 0.6  # the scripted follower guesses, so that it is not the same
    random = meet(RandomPlayer(), Rally(), "follower", 60)
    assert random.returned < 0.5 * random.balls
    assert random.agreement == pytest.approx(1 / 3, abs=0.1)
    assert meet(RandomPlayer(), Rally(), "follower", 60) == random


def test_other_games_and_options_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="the mirror plays pong; random plays tictactoe"):
        meet(RandomPlayer(), TicTacToe(), "early", 1)
    assert main(["mirror", "--player", "late", "--against", "random", "--balls", "30"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^random returned \d+ of 3\d balls: ", told, re.MULTILINE)
    for words, sentence in (
        (["--against", "random"], "--against means nothing to 'selfplay mirror' without --player"),
        (
            ["--player", "late", "--against", "random", "--weigh", "alike"],
            "--weigh means nothing to 'selfplay mirror' with --against",
        ),
        (["--player", "late", "--port", "9"], "--port means nothing to 'selfplay mirror' with --p"),
        (["--player", "late", "--host", "1.2.3.4"], "--host means nothing to 'selfplay mirror' wi"),
        (["--player", "late", "--balls", "3"], "--balls means nothing to 'selfplay mirror' with"),
    ):
        assert main(["mirror", *words]) == 1
        assert sentence in capsys.readouterr().err
