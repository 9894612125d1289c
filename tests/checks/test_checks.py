"""check_game finds the law that a broken game breaks, and nothing in a sound one."""

import re

import numpy as np
import pytest
from examples import example

from envs import GAMES
from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe, TicTacToeObs
from selfplay import arrays
from selfplay.checks import check_game
from selfplay.types import Transition


@pytest.mark.parametrize("name", [*sorted(GAMES), "othello?size=6"])
def test_the_projects_games_conform(name):
    """Nor do they hide anything."""
    assert check_game(example(name)) == []


def changed(**parts):
    """Tic-tac-toe with other methods, or other values in the place of its own."""
    methods = {name: part for name, part in parts.items() if callable(part)}
    game = type("Changed", (TicTacToe,), methods)()
    for name in parts.keys() - methods.keys():
        setattr(game, name, parts[name])
    return game


def stepping(change):
    """Tic-tac-toe whose step gives ``change(state, after, paid)``."""
    step = TicTacToe.step
    return changed(step=lambda self, state, action: change(state, *step(self, state, action)))


def paying(change):
    """Tic-tac-toe that pays ``change(state, reward, discount)``."""
    return stepping(lambda state, after, paid: (after, Transition(*change(state, *paid))))


def showing(change):
    """Tic-tac-toe whose players see ``change(planes, state)``."""
    see = TicTacToe.observe
    return changed(observe=lambda self, state: TicTacToeObs(change(see(self, state).planes, state)))


def within(spoil=lambda states, row, at, to: None, order=lambda row: row):
    """Tic-tac-toe that steps within a table; ``spoil`` is what it does to the table besides."""

    def step_within(self, states, row, at, action, to):
        row = order(row)
        after, paid = self.step(arrays.take_at(states, row, at), action)
        arrays.put(states, (row, to), after)
        spoil(states, row, at, to)
        return after, paid

    return changed(step_within=step_within)


def foreseeing(change=lambda pays: pays):
    """Tic-tac-toe that knows ``change`` of what its actions pay at the end."""

    def ends(self, state, row, action):
        _, paid = self.step(arrays.take(state, row), action)
        return change(np.where(paid.discount == 0, paid.reward, np.float32(np.nan)))

    return changed(ends=ends)


def in_place(state, after, paid):
    state.mover[:] = after.mover
    return after, paid


def wrong_place(states, row, at, to):
    states.mover[row, at] = states.mover[row, to]


def another_place(states, row, at, to):
    states.mover[:, 1] = 0


def legal_when_full(self, state):
    taken = (state.mover | state.other)[:, None] >> np.arange(9) & 1
    return (taken == 0) | (taken.all(axis=1) & state.over)[:, None]


def nothing_after_the_middle(self, state):
    return TicTacToe.legal(self, state) & (state.mover != 1 << 4)[:, None]


def writing_nothing(self, states, row, at, action, to):
    return self.step(arrays.take_at(states, row, at), action)


def never_refusing(self, state, action):
    allowed = self.legal(state)[np.arange(len(action)), np.clip(action, 0, 8)]
    first = self.legal(state).argmax(axis=1).astype(np.int32)
    return TicTacToe.step(self, state, np.where(allowed, np.clip(action, 0, 8), first))


def raising_another_error(self, state, action):
    try:
        return TicTacToe.step(self, state, action)
    except ValueError as error:
        raise IndexError("cell out of range") from error


def crashing_at_the_end(self, state, i):
    return {False: "a board"}[bool(state.over[i])]


def stuck(self, state, action):
    raise RuntimeError("engine is down")


DICE = np.random.default_rng(0)
MAP = TicTacToe().action_map
BROKEN = {
    "steps in place": (stepping(in_place),
     r"state given to legal, observe and step changed: in game 1, move 2, mover"),
    "throws dice": (
        paying(lambda _, reward, sign: (reward * (1 - DICE.random(len(sign), "f4") / 99), sign)),
        r"the same step twice must give the same: in .* reward is 0\.99"),
    "looks at its neighbours": (
        showing(lambda planes, _: np.concatenate([planes[:-1], planes[-1:, ::-1]])),
        r"must not depend on the others in its batch: in game"),
    "writes to the wrong place": (within(wrong_place),
     r"step_within must do what step does: in game 1, move \d, mover"),
    "spoils another place": (within(another_place),
     r"step_within must do what step does: in game \d, move \d, mover"),
    "takes rows in order": (within(order=np.sort),
     r"step_within must do what step does: in game \d"),
    "writes nothing": (changed(step_within=writing_nothing),
     r"step_within must do what step does: in game 1, move 1"),
    "foresees too little": (foreseeing(lambda pays: np.where(pays == 1, np.nan, pays)),
     r"ends must say what step pays: in game \d+, move \d+, .* is 1\.0 against nan"),
    "foresees too much": (foreseeing(lambda pays: np.nan_to_num(pays)),
     r"ends must say what step pays: in game 1, move 1, .* is nan against 0\.0"),
    "wrong type of legal": (
        changed(legal=lambda self, state: TicTacToe.legal(self, state).astype(np.int8)),
        r"legal at move 1 must be bool \[16, 9\], but is int8 \[16, 9\]"),
    "nothing legal": (changed(legal=nothing_after_the_middle),
     r"no action is legal in game \d+, move \d"),
    "closed at the end": (changed(legal=legal_when_full),
     r"all actions are legal once a game is over, but in game \d+, move \d"),
    "keeps paying": (
        paying(lambda state, reward, sign: (np.where(state.over, np.float32(1), reward), sign)),
        r"a step after the end has reward 0 and discount 0, but .* are 1 and 0"),
    "half discount": (paying(lambda _, reward, sign: (reward, sign / 2)),
     r"discount must be one of \(-1, 0, 1\) .* but is -0\.5 in game 1, move 1"),
    "pays two": (paying(lambda _, reward, sign: (2 * reward, sign)),
     r"returns must lie in \[-1, 1\], but from game \d+, move \d on .* gets 2"),
    "double precision": (paying(lambda _, reward, sign: (reward.astype(np.float64), sign)),
     r"reward must be float32 \[16\], but is float64 \[16\]"),
    "forgets to refuse": (changed(step=never_refusing),
     r"action -1 is illegal in .* step played it instead of raising"),
    "index errors": (changed(step=raising_another_error),
     r"step raised IndexError \(cell out of range\) instead of ValueError"),
    "too long": (changed(max_moves=4), r"game 1 still runs after max_moves = 4 moves"),
    "infinite view": (showing(lambda planes, _: np.where(planes, np.inf, 0)),
     r"the observation's planes is not finite in game 1, move 2"),
    "growing view": (
        showing(lambda planes, state: planes if (state.mover == 0).all() else planes[:, :1]),
        r"observe must keep fields, shapes and types: move \d has .*\[16, 1, 3, 3\]"),
    "bare array": (changed(observe=lambda self, state: TicTacToe.observe(self, state).planes),
     r"observe at move 1 must give a NamedTuple of arrays, but gave ndarray"),
    "names of two words": (changed(action_name=lambda self, action: f"cell {action}"),
     r"action_name\(0\) is 'cell 0': records of games put a space between moves"),
    "same names": (changed(action_name=lambda self, action: "x"),
     r"actions 0 and 1 have the same name 'x'"),
    "wrong parse": (changed(parse_action=lambda self, text: int(text)),
     r"action 0 is named '1', which is parsed as 1"),
    "parses anything": (
        changed(parse_action=lambda self, text: int(text) - 1 if text.isdecimal() else 0),
        r"parse_action\(''\) must raise ValueError; it gave 0"),
    "no picture": (changed(text=lambda self, state, i: ""),
     r"text must draw the position, but is str ''"),
    "crashes on text": (changed(text=crashing_at_the_end),
     r"text in game \d+, move \d+ raised KeyError: True"),
    "turns the wrong way round": (changed(action_map=MAP[[0, 3, 2, 1, 4, 5, 6, 7]]),
     r"symmetry 1: transform\(observe\(state\)\) against observe after"),
    "no permutation": (changed(action_map=np.zeros((8, 9), np.int32)),
     r"action_map\[0\] is no permutation of the actions: \[0, 0"),
    "no identity": (changed(action_map=MAP[::-1].copy()),
     r"action_map\[0\] must be the identity, but is \[\["),
    "two players alone": (changed(num_players=1),
     r"discount must be one of \(0, 1\) with num_players = 1, but is -1"),
    "returns only a state": (stepping(lambda state, after, paid: after),
     r"step at move 1 must return \(state, Transition\), but returned Tic"),
    "stuck": (changed(step=stuck), r"step at move 1 raised RuntimeError: engine is down"),
    "no name": (changed(name=""), "^name must be a text, but is ''$"),
    "no text": (changed(text=None), "^the method text is missing$"),
    "no bound": (changed(max_moves=None),
     "^max_moves must be a whole number of at least 1, but is None$"),
}  # fmt: skip


def test_a_sound_step_within_conforms():
    assert check_game(within()) == []


def test_sound_foresight_conforms():
    assert check_game(foreseeing()) == []


@pytest.mark.parametrize("name", BROKEN)
def test_the_broken_law_is_told(name):
    game, finding = BROKEN[name]
    (found,) = check_game(game)
    assert re.search(finding, found)


def test_several_broken_laws_are_all_told():
    class Careless(Connect4):
        def action_name(self, action):
            return str(action)

        def text(self, state, i):
            return ""

    findings = check_game(Careless())
    assert [finding.split(" ")[0] for finding in findings] == ["parse_action('0')", "text"]


def test_findings_repeat_for_a_seed():
    game, _ = BROKEN["pays two"]
    assert check_game(game, seed=3) == check_game(game, seed=3)


def drawing(**parts):
    """Tic-tac-toe whose board has other parts."""
    board = TicTacToe.board
    return changed(board=lambda self, state, i: board(self, state, i)._replace(**parts))


NOWHERE = np.full((3, 3), -1, np.int8)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"cells": np.zeros(9, np.int8)}, r"cells must be an array int8 \[R, C\], but is ndarray"),
        ({"cells": np.full((3, 3), 3, np.int8)}, "cells must be from -1 to 2, but one is 3"),
        ({"clicks": np.zeros((3, 2), np.int32)}, r"clicks must be int32 \[3, 3\], but is int32"),
        ({"clicks": np.full((3, 3), 9, np.int32)}, "clicks must be from -1 to 8, but one is 9"),
        ({"places": np.arange(8, dtype=np.int32)}, r"places must be int32 \[9\]"),
        ({"places": np.full(9, 9, np.int32)}, "places must be from -1 to 8, but one is 9"),
        ({"cells": NOWHERE}, "one of places is 0, where the board has no cell"),
        ({"line": (0, 9)}, "line must be from 0 to 8, but one is 9"),
        ({"look": "felt"}, "look must be one of .*, but is 'felt'"),
    ],
)
def test_boards_that_cannot_be_drawn(parts, sentence):
    (finding,) = check_game(drawing(**parts), games=2)
    assert re.fullmatch(f"board in game 1, move 1: .*{sentence}.*", finding)
