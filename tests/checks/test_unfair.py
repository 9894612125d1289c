"""Environments that a search on copies must not play are refused with the law they break."""

import random
import re

import gymnasium
import numpy as np
import pytest
import unfair

from envs.adapters.from_gymnasium import FromGymnasium
from envs.adapters.from_pettingzoo import FromPettingZoo
from selfplay.checks import check_game
from selfplay.types import Game

HIDES = "hides something from the player to move"
DICE = "throws dice"
OUTSIDE = "has state outside the copy that a search steps"
CLOCK = "asks the clock"


def _adapted(name: str) -> Game:
    kind = getattr(unfair, name)
    alone = issubclass(kind, gymnasium.Env)
    return FromGymnasium(kind) if alone else FromPettingZoo(kind)


def _findings(name: str) -> list[str]:
    """What is said when it is made into a game, else what ``check`` says."""
    try:
        return check_game(_adapted(name), games=4)
    except ValueError as error:
        return [str(error)]


LAWS = {
    HIDES: (
        "HiddenCard", "HiddenHands", "HandsOfTen", "NoCardTwice", "FaceDownDeck", "HiddenMove",
        "HiddenLegality", "HiddenMine",
    ),
    DICE: ("DiceAtTheEnd", "DiceInAMove", "OldDice", "PythonsDice", "SecretDice", "Slippery"),
    "draws from Python's module random in a step": ("DrawsFromRandom",),
    r"draws from numpy.random in a step": ("DrawsFromNumpy",),
    r"draws from torch in a step": ("DrawsFromTorch",),
    "the start of ShufflesByRandom does not follow its seed": ("ShufflesByRandom",),
    OUTSIDE: (
        "DrawsFromTheSystem", "StateOfAClass", "ListOfAClass", "StateOfAModule", "StateInAClosure",
        "SharesOnCopy",
    ),
    f"{OUTSIDE}|{CLOCK}": ("SeedsByTheClock", "AsksAFastClock"),
    CLOCK: (
        "AsksTheClock", "AsksTheCalendar", "AsksForTheDay", "AsksInWords", "AsksTheSystemsClock",
        "AsksByAnother", "FlagFalls",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "law"), [(name, law) for law, names in LAWS.items() for name in names]
)
def test_the_broken_law_is_named_in_one_sentence(name: str, law: str) -> None:
    findings = _findings(name)
    assert len(findings) == 1, findings
    assert re.search(law, findings[0]), findings
    assert name in findings[0]
    assert "\n" not in findings[0]


@pytest.mark.parametrize(
    "name",
    ["Plain", "OpenCard", "OpenHandsOfTen", "SeedsTheShared", "ThrowsForNothing", "RandomStart"],
)
def test_fair_environments_are_kept(name: str) -> None:
    for seed in range(2):
        assert check_game(_adapted(name), games=2, seed=seed) == []


def test_what_is_hidden_is_said_before_what_is_paid() -> None:
    """Poker pays more than 1 by default; that its cards are hidden is the law that counts."""

    class Rich(unfair.HiddenHands):
        stake = 5.0

    (found,) = check_game(FromPettingZoo(Rich), games=2)
    assert HIDES in found


def test_a_game_of_ones_own_that_hides_its_heap() -> None:
    (found,) = check_game(unfair.Unseen(10, 3), games=4)
    assert HIDES in found


def test_looking_leaves_the_shared_generators_where_they_stood() -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002  # it is the shared one that is meant
    expected = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert check_game(_adapted("SeedsTheShared"), games=2) == []
    _findings("DrawsFromRandom")
    assert expected[1] == np.random.get_state()[1].tolist()  # noqa: NPY002
