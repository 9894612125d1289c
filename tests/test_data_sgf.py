"""SGF files of Othello: points, passes, results, main lines, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.connect4 import Connect4
from envs.othello import Othello
from selfplay.data.games import Games
from selfplay.data.intake import Imported
from selfplay.data.sgf import import_sgf

GAME = Othello()
HEAD = "(;GM[2]FF[4]SZ[8]"
# White is wiped out by the ninth move; the same as letters, as a letter and a number, in capitals
SHORTEST = ["e6", "f4", "e3", "f6", "g5", "d6", "e7", "f5", "c5"]
LETTERS = ["ef", "fd", "ec", "ff", "ge", "df", "eg", "fe", "ce"]


def nodes(points: list[str]) -> str:
    return "".join(f";{'BW'[i % 2]}[{point}]" for i, point in enumerate(points))


def taken(tmp_path: Path, text: str, size: int = 8, skip: bool = False) -> tuple[Games, Imported]:
    """The games of one file, which come in one batch."""
    path = tmp_path / "games.sgf"
    path.write_text(text)
    batches: list[Games] = []
    imported = import_sgf([path], GAME if size == 8 else Othello(size), batches.append, skip)
    (games,) = batches
    return games, imported


@pytest.mark.parametrize(
    "points", [LETTERS, SHORTEST, [point.upper() for point in SHORTEST]], ids=["dc", "d3", "D3"]
)
def test_points_are_read_in_both_notations(tmp_path: Path, points: list[str]) -> None:
    games, imported = taken(tmp_path, f"{HEAD}RE[B+64]{nodes(points)})")
    assert [GAME.action_name(int(action)) for action in games.action] == SHORTEST
    assert games.outcome.tolist() == [1, -1, 1, -1, 1, -1, 1, -1, 1]
    assert imported.games == 1


# on 6 x 6; White's last move leaves Black without one
UP_TO_A_PASS = ["b3", "b2", "b1", "a3", "e5", "c1", "b4", "a1"]


@pytest.mark.parametrize("passed", ["", "B[]", "B[tt]", "B[PASS]"])
def test_who_is_passed_over_may_say_so_or_not(tmp_path: Path, passed: str) -> None:
    text = f"(;GM[2]SZ[6]RE[W+2]{nodes(UP_TO_A_PASS)};{passed};W[e3])"
    games, _ = taken(tmp_path, text, size=6)
    names = [Othello(6).action_name(int(action)) for action in games.action]
    assert names == [*UP_TO_A_PASS, "e3"]
    assert games.second is not None
    assert games.second.tolist() == [False, True] * 4 + [True]
    assert games.outcome.tolist() == [-1, 1] * 4 + [1]


def test_a_result_decides_what_was_not_played_out(tmp_path: Path) -> None:
    games, imported = taken(tmp_path, f"{HEAD}RE[W+R]{nodes(['f5', 'd6'])})")
    assert games.outcome.tolist() == [-1, 1]
    assert "1 games stop before the end; their outcome is the result told" in imported.notes


def test_the_main_line_of_each_tree_is_a_game(tmp_path: Path) -> None:
    text = (
        f"{HEAD}RE[0];B[f5](;W[d6]C[a (comment\\] ])(;W[f6];B[e6]))\n"
        f"{HEAD}RE[B+2]AB[e4][d5]AW[d4][e5];B[d3])"
    )
    games, imported = taken(tmp_path, text)
    assert [GAME.action_name(int(action)) for action in games.action] == ["f5", "d6", "d3"]
    assert games.outcome.tolist() == [0, 0, 1]
    assert imported.games == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{HEAD};B[f5];W[d6])", "stop before the end of the game, and no result is told"),
        (f"{HEAD}RE[W+2]{nodes(LETTERS)})", "the result told is a win of the second player"),
        (f"{HEAD}RE[B+2];B[f5];W[a1])", r"move 2 \(a1\) is illegal"),
        (f"{HEAD}RE[B+2];B[f5];B[d6])", "move 2 is told of the player whose turn it is not"),
        (f"{HEAD}RE[B+2];B[f5];W[k9])", "'k9' is not a square"),
        (f"{HEAD}RE[B+2];B[f5];W[d6", "a value is not closed"),
        (f"{HEAD}RE[B+2];B[f5];W[d6]", "cut short, the game tree is not closed"),
        ("(;GM[1]SZ[19];B[dd])", r"GM\[1\] is Go; of the games of SGF only Othello"),
        ("(;GM[2]SZ[10];B[ee])", r"the board is SZ\[10\]; othello has SZ\[8\]"),
        (f"{HEAD}AB[a1];B[f5])", "begins from a set-up position"),
        ("nothing", "there is no game tree"),
    ],
)
def test_what_is_not_in_order_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=rf"games\.sgf, line 1.*{sentence}"):
        taken(tmp_path, text)


def test_broken_games_can_be_left_out(tmp_path: Path) -> None:
    text = f"{HEAD}RE[0];B[a1])\n{HEAD}RE[B+64]{nodes(LETTERS)})"
    games, imported = taken(tmp_path, text, skip=True)
    assert len(games.action) == 9
    assert imported.notes[0] == "1 broken games or files are left out"
    assert "line 1: move 1 (a1) is illegal" in imported.notes[1]


def test_other_games_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SGF files are read for othello only; you asked for conn"):
        import_sgf([tmp_path], Connect4(), lambda games: None)
