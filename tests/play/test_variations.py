"""The tree of a game with its branches."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from envs.connect4 import Connect4
from envs.othello import Othello
from envs.toys import Nim
from selfplay.play import variations
from selfplay.play.variations import NO_NODE, NOT_PLAYED, ROOT, Position, Variations


def grown() -> Variations:
    """4 4 4 with 3 beside the second move and 5, then 1, beside the third."""
    tree = Variations(Connect4())
    for action in (3, 3, 3):
        tree.play(action)
    tree.branch(1, [2])
    tree.branch(2, [4, 0])
    return tree


def test_lines_branches_and_the_main_line() -> None:
    tree = grown()
    assert tree.at == 6
    assert tree.line(6) == [0, 1, 2, 5, 6]
    assert tree.main_line() == [0, 1, 2, 3]
    assert tree.nodes[1].children == [2, 4]
    assert tree.line_through(1) == [0, 1, 2, 3]
    tree.make_main(6)
    assert tree.main_line() == [0, 1, 2, 5, 6]
    tree.make_main(4)
    assert tree.main_line() == [0, 1, 4]
    assert tree.line_through(2) == [0, 1, 2, 5, 6]


def test_a_move_that_was_played_is_no_new_branch() -> None:
    tree = grown()
    tree.go_to(1)
    assert tree.play(2) == 4
    assert tree.branch(ROOT, [3, 3, 4, 0]) == 6
    assert len(tree.nodes) == 7


def test_positions_are_those_of_the_rules_and_say_what_was_played() -> None:
    tree = grown()
    line = tree.positions(tree.line(6))
    assert [each.action for each in line] == [3, 3, 4, 0, NOT_PLAYED]
    assert [each.mover for each in line] == [0, 1, 0, 1, 0]
    state = tree.game.init(np.random.default_rng(0), 1)
    for action in (3, 3, 4, 0):
        state, _ = tree.game.step(state, np.array([action], np.int32))
    assert tree.game.text(line[-1].state, 0) == tree.game.text(state, 0)


def test_undo_goes_behind_both_moves_and_keeps_them() -> None:
    tree = grown()
    tree.go_to(3)
    assert tree.undo(0) == 2  # the own move alone: the reply is not played yet
    assert tree.undo(0) == ROOT
    with pytest.raises(ValueError, match="no move of yours to take back"):
        tree.undo(0)
    tree.go_to(2)
    assert tree.undo(1) == 1
    assert len(tree.nodes) == 7


def test_undo_where_a_player_moves_twice() -> None:
    tree = Variations(Nim(10, take=2, again=True))
    tree.play(0)  # 9 left: a multiple of 3 earns another move
    tree.play(0)
    tree.play(1)
    assert tree.undo(0) == 1
    assert tree.undo(0) == ROOT


def test_a_costly_move_is_tried_again() -> None:
    tree = grown()
    assert tree.retry(6, 0.2) == 5
    assert tree.play(1) == 7
    assert tree.nodes[5].children == [6, 7]
    with pytest.raises(ValueError, match=r"2 lost 0.19; moves that lose 0.2 are tried again"):
        tree.retry(7, 0.19)
    assert tree.at == 7
    with pytest.raises(ValueError, match="no move to try again"):
        tree.retry(ROOT, 1.0)


def test_remove_takes_all_below_and_looks_at_the_parent() -> None:
    tree = grown()
    tree.remove(2)
    assert sorted(tree.nodes) == [0, 1, 4]
    assert tree.at == 1
    tree.go_to(ROOT)
    tree.remove(4)
    assert tree.at == ROOT
    assert tree.play(3) == 1
    assert tree.play(0) == 7  # no number comes again
    with pytest.raises(ValueError, match="start of the game cannot be removed"):
        tree.remove(ROOT)
    with pytest.raises(ValueError, match="no node 4"):
        tree.go_to(4)


def test_a_line_that_was_played_becomes_a_tree() -> None:
    history = grown().positions([0, 1, 2, 5, 6])
    tree = Variations.from_history(Connect4(), history)
    assert [each.action for each in tree.positions(tree.line(tree.at))] == [3, 3, 4, 0, NOT_PLAYED]
    other = [Position(Nim(9).init(np.random.default_rng(0), 1), 0, False, (0.0, 0.0))]
    with pytest.raises(ValueError, match="games of nim-10-3 begin at random"):
        Variations.from_history(Nim(10), other)


def test_what_cannot_be_played_changes_nothing() -> None:
    tree = Variations(Connect4(4, 2, 2))
    before = tree.to_json()
    for actions, reason in (
        ([0, 0, 0], "1 cannot be played here"),
        ([0, 3, 1, 2], "3 cannot be played: the game is over"),
        ([0, 4], "no action 4"),
        ([-1], "no action -1"),
    ):
        with pytest.raises(ValueError, match=reason):
            tree.branch(ROOT, actions)
        assert tree.to_json() == before
    with pytest.raises(ValueError, match="cannot be played"):
        tree.branch(ROOT, [0, 0, 1, 1])
    assert list(tree.nodes) == [ROOT]


@pytest.mark.parametrize("game", [Connect4(), Othello(6), Nim(10, take=2, again=True)])
def test_branches_round_trip_through_json(game: Any) -> None:
    """Trees grown, cut and turned at random come back the same."""
    dice, tree = random.Random(1), Variations(game, seed=3)
    for _ in range(120):
        tree.go_to(dice.choice(list(tree.nodes)))
        if tree.at != ROOT and dice.random() < 0.1:
            tree.remove(tree.at)
        elif not tree.now.over:
            legal = np.flatnonzero(game.legal(tree.now.state)[0])
            tree.play(int(dice.choice(legal.tolist())))
        tree.make_main(dice.choice(list(tree.nodes)))
    text = json.dumps(tree.to_json())
    back = Variations.from_json(game, json.loads(text))
    assert back.to_json() == tree.to_json()
    assert back.at == tree.at
    for node, (parent, action, position, children) in tree.nodes.items():
        again = back.nodes[node]
        assert (again.parent, again.action, again.children) == (parent, action, children)
        assert game.text(again.position.state, 0) == game.text(position.state, 0)
        assert again.position[1:] == position[1:]
    assert back.nodes[ROOT].parent == NO_NODE


def test_json_as_it_stands() -> None:
    assert grown().to_json() == {
        "game": "connect4", "seed": 0, "at": 6,
        "nodes": [[1, 0, "4"], [2, 1, "4"], [3, 2, "4"], [5, 2, "5"], [6, 5, "1"], [4, 1, "3"]],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"game": "othello"}, "branches are of 'othello', not of connect4"),
        ({"nodes": 3}, "an object with game, seed, at and nodes"),
        ({"at": 9}, "no node 9"),
        ({"at": True}, "whole numbers"),
        ({"seed": -1}, "whole numbers"),
        ({"nodes": [[1, 0]]}, "node 1 of the branches is none of the form"),
        ({"nodes": [[1, 0, "4"], [2, 3, "4"]]}, "node 2 of the branches is there twice, or"),
        ({"nodes": [[1, 0, "4"], [1, 0, "5"]]}, "node 2 of the branches is there twice, or"),
        ({"nodes": [[1, 0, "4"], [2, 0, "4"]]}, "node 2 of the branches: 4 is a branch already"),
        ({"nodes": [[1, 0, "9"]]}, "node 1 of the branches: "),
        ({"nodes": [[1.5, 0, "4"]]}, "a number that is none"),
        ({"nodes": [[n + 1, n, "4"] for n in range(7)]}, "node 7 of the branches: 4 cannot be pl"),
        ({"nodes": [[1, 0, "4"]] * 10_000}, "10,001 positions are too many"),
    ],
)
def test_json_of_strangers_is_refused_with_a_sentence(change: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Variations.from_json(Connect4(), {**grown().to_json(), **change})
    with pytest.raises(ValueError, match="an object with"):
        Variations.from_json(Connect4(), [])


def test_a_tree_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variations, "MOST", 4)
    tree = Variations(Connect4())
    with pytest.raises(ValueError, match=r"5 positions are too many .*; 4 are kept"):
        tree.branch(ROOT, [0, 1, 2, 3])
    assert list(tree.nodes) == [ROOT]
    assert tree.line(tree.branch(ROOT, [0, 1, 2]))[1:] == [4, 5, 6]
