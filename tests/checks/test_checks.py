"""check_game finds the law that a broken game breaks, and nothing in a sound one."""

import re

import numpy as np
import pytest

from envs import GAMES, make
from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe, TicTacToeObs
from selfplay import arrays
from selfplay.checks import check_game


@pytest.mark.parametrize("name", [*sorted(GAMES), "othello?size=6"])
def test_the_projects_games_conform(name):
    assert check_game(make(name)) == []


class Broken(TicTacToe):
    """Tic-tac-toe, one method of which a test replaces."""


class StepsInPlace(Broken):
    def step(self, state, action):
        after, paid = super().step(state, action)
        state.mover[:] = after.mover
        return after, paid


class ThrowsDice(Broken):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def step(self, state, action):
        after, paid = super().step(state, action)
        noise = self.rng.random(len(action), np.float32) / 100
        return after, paid._replace(reward=paid.reward * (1 - noise))


class StepsWithinATable(Broken):
    """In the right way; ``spoil`` is what a broken one does to the table besides."""

    def step_within(self, states, row, at, action, to):
        after, paid = self.step(arrays.take_at(states, row, at), action)
        arrays.put(states, (row, to), after)
        self.spoil(states, row, at, to)
        return after, paid

    def spoil(self, states, row, at, to):
        pass


class WritesToTheWrongPlace(StepsWithinATable):
    def spoil(self, states, row, at, to):
        states.mover[row, at] = states.mover[row, to]


class SpoilsAnotherPlace(StepsWithinATable):
    def spoil(self, states, row, at, to):
        states.mover[:, 1] = 0


class TakesRowsInOrder(StepsWithinATable):
    def step_within(self, states, row, at, action, to):
        return super().step_within(states, np.sort(row), at, action, to)


class WritesNothing(StepsWithinATable):
    def step_within(self, states, row, at, action, to):
        return self.step(arrays.take_at(states, row, at), action)


class LooksAtItsNeighbours(Broken):
    def observe(self, state):
        planes = super().observe(state).planes.copy()
        planes[-1] *= 2
        return TicTacToeObs(planes)


class WrongLegalType(Broken):
    def legal(self, state):
        return super().legal(state).astype(np.int8)


class NothingLegal(Broken):
    def legal(self, state):
        return super().legal(state) & (state.mover != 1 << 4)[:, None]


class ClosedAtTheEnd(Broken):
    def legal(self, state):
        taken = (state.mover | state.other)[:, None] >> np.arange(9) & 1
        return (taken == 0) | (taken.all(axis=1) & state.over)[:, None]


class KeepsPaying(Broken):
    def step(self, state, action):
        after, paid = super().step(state, action)
        return after, paid._replace(reward=np.where(state.over, np.float32(1), paid.reward))


class HalfDiscount(Broken):
    def step(self, state, action):
        after, paid = super().step(state, action)
        return after, paid._replace(discount=paid.discount / 2)


class PaysTwo(Broken):
    def step(self, state, action):
        after, paid = super().step(state, action)
        return after, paid._replace(reward=2 * paid.reward)


class DoublePrecision(Broken):
    def step(self, state, action):
        after, paid = super().step(state, action)
        return after, paid._replace(reward=paid.reward.astype(np.float64))


class ForgetsToRefuse(Broken):
    def step(self, state, action):
        allowed = self.legal(state)[np.arange(len(action)), np.clip(action, 0, 8)]
        first = self.legal(state).argmax(axis=1).astype(np.int32)
        return super().step(state, np.where(allowed, np.clip(action, 0, 8), first))


class IndexErrors(Broken):
    def step(self, state, action):
        try:
            return super().step(state, action)
        except ValueError as error:
            raise IndexError("cell out of range") from error


class TooLong(Broken):
    max_moves = 4


class InfiniteView(Broken):
    def observe(self, state):
        return TicTacToeObs(np.where(super().observe(state).planes, np.inf, 0))


class GrowingView(Broken):
    def observe(self, state):
        planes = super().observe(state).planes
        return TicTacToeObs(planes if (state.mover == 0).all() else planes[:, :1])


class BareArray(Broken):
    def observe(self, state):
        return super().observe(state).planes


class SameNames(Broken):
    def action_name(self, action):
        return "x"


class WrongParse(Broken):
    def parse_action(self, text):
        return int(text)


class ParsesAnything(Broken):
    def parse_action(self, text):
        return int(text) - 1 if text.isdecimal() else 0


class NoPicture(Broken):
    def text(self, state, i):
        return ""


class CrashesOnText(Broken):
    def text(self, state, i):
        if state.over[i]:
            raise KeyError("winner")
        return super().text(state, i)


class WrongRotation(Broken):
    def __init__(self):
        super().__init__()
        self.action_map = self.action_map[[0, 3, 2, 1, 4, 5, 6, 7]]  # turns the wrong way round


class NoPermutation(Broken):
    def __init__(self):
        super().__init__()
        self.action_map = np.zeros((8, 9), np.int32)


class NoIdentity(Broken):
    def __init__(self):
        super().__init__()
        self.action_map = self.action_map[::-1].copy()


class TwoPlayersAlone(Broken):
    num_players = 1


class ReturnsOnlyState(Broken):
    def step(self, state, action):
        return super().step(state, action)[0]


class Stuck(Broken):
    def step(self, state, action):
        raise RuntimeError("engine is down")


def test_a_sound_step_within_conforms():
    assert check_game(StepsWithinATable()) == []


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        (StepsInPlace, r"state given to legal, observe and step changed: in game 1, move 2, mover"),
        (ThrowsDice, r"the same step twice must give the same: in .* reward is 0\.99"),
        (LooksAtItsNeighbours, r"must not depend on the others in its batch: in game"),
        (WritesToTheWrongPlace, r"step_within must do what step does: in game 1, move \d, mover"),
        (SpoilsAnotherPlace, r"step_within must do what step does: in game \d, move \d, mover"),
        (TakesRowsInOrder, r"step_within must do what step does: in game \d"),
        (WritesNothing, r"step_within must do what step does: in game 1, move 1"),
        (WrongLegalType, r"legal at move 1 must be bool \[16, 9\], but is int8 \[16, 9\]"),
        (NothingLegal, r"no action is legal in game \d+, move \d"),
        (ClosedAtTheEnd, r"all actions are legal once a game is over, but in game \d+, move \d"),
        (KeepsPaying, r"a step after the end has reward 0 and discount 0, but .* are 1 and 0"),
        (HalfDiscount, r"discount must be one of \(-1, 0, 1\) .* but is -0\.5 in game 1, move 1"),
        (PaysTwo, r"returns must lie in \[-1, 1\], but from game \d+, move \d on .* gets 2"),
        (DoublePrecision, r"reward must be float32 \[16\], but is float64 \[16\]"),
        (ForgetsToRefuse, r"action -1 is illegal in .* step played it instead of raising"),
        (IndexErrors, r"step raised IndexError \(cell out of range\) instead of ValueError"),
        (TooLong, r"game 1 still runs after max_moves = 4 moves"),
        (InfiniteView, r"the observation's planes is not finite in game 1, move 2"),
        (GrowingView, r"observe must keep fields, shapes and types: move \d has .*\[16, 1, 3, 3\]"),
        (BareArray, r"observe at move 1 must give a NamedTuple of arrays, but gave ndarray"),
        (SameNames, r"actions 0 and 1 have the same name 'x'"),
        (WrongParse, r"action 0 is named '1', which is parsed as 1"),
        (ParsesAnything, r"parse_action\(''\) must raise ValueError; it gave 0"),
        (NoPicture, r"text must draw the position, but is str ''"),
        (CrashesOnText, r"text in game \d+, move \d+ raised KeyError: 'winner'"),
        (WrongRotation, r"symmetry 1: transform\(observe\(state\)\) against observe after"),
        (NoPermutation, r"action_map\[0\] is no permutation of the actions: \[0, 0"),
        (NoIdentity, r"action_map\[0\] must be the identity, but is \[\["),
        (TwoPlayersAlone, r"discount must be one of \(0, 1\) with num_players = 1, but is -1"),
        (ReturnsOnlyState, r"step at move 1 must return \(state, Transition\), but returned Tic"),
        (Stuck, r"step at move 1 raised RuntimeError: engine is down"),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_the_broken_law_is_told(broken, finding):
    (found,) = check_game(broken())
    assert re.search(finding, found)


def test_a_game_that_lacks_a_method_or_a_number():
    class Nameless(TicTacToe):
        name = ""

    class Mute(TicTacToe):
        text = None

    class Boundless(TicTacToe):
        max_moves = None

    assert check_game(Nameless()) == ["name must be a text, but is ''"]
    assert check_game(Mute()) == ["the method text is missing"]
    assert check_game(Boundless()) == [
        "max_moves must be a whole number of at least 1, but is None"
    ]


def test_several_broken_laws_are_all_told():
    class Careless(Connect4):
        def action_name(self, action):
            return str(action)

        def text(self, state, i):
            return ""

    findings = check_game(Careless())
    assert [finding.split(" ")[0] for finding in findings] == ["parse_action('0')", "text"]


def test_findings_repeat_for_a_seed():
    assert check_game(PaysTwo(), seed=3) == check_game(PaysTwo(), seed=3)
