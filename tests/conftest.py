"""Fixtures that several test files share."""

import pytest
from reference import HashedEvaluator, uniform

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.types import Evaluator


@pytest.fixture(scope="session")
def hashed() -> HashedEvaluator:
    """Opinions that look random and never change."""
    return HashedEvaluator()


@pytest.fixture(scope="session")
def no_opinion() -> Evaluator:
    """All actions alike, every position even."""
    return uniform


@pytest.fixture(scope="session")
def tictactoe() -> TicTacToe:
    return TicTacToe()


@pytest.fixture(scope="session")
def connect4() -> Connect4:
    return Connect4()
