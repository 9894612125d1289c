"""The problems that ship, as a library and as a game."""

import pytest

from envs.proving.calculus.matrix import Library
from envs.proving.game import Proving, load_library


@pytest.fixture(scope="session")
def own() -> Library:
    return load_library()


@pytest.fixture(scope="session")
def game(own: Library) -> Proving:
    return Proving(library=own)
