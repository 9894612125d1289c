"""PGN of games that are not chess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from imported import Taken

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.data.intake import Broken, Transcript
from selfplay.data.pgn import import_pgn, parse_pgn

FULL = """\
% made by hand
[Event "Spring \\"Cup\\""]
[Variant "Connect Four"]
[Result "1-0"]

1. 1 2 {why [not] (at all) 1-0} 2. 1 $1 2 (2... 3 {never} (3. 4) 4) 3. 1! 2 ; to the end 0-1
4.1 1-0

[Event "x"]
[Game "4-in-a-row"]
1. 2 1 2. 3 1 3. 2 1?! 4. 3 1 0-1
"""


def parsed(text: str) -> list[Transcript | Broken]:
    return list(parse_pgn(Connect4(), text, "a.pgn"))


def test_games_are_read_without_what_is_told_about_them() -> None:
    assert parsed(FULL) == [
        Transcript("a.pgn, line 2", list("1212121"), 1.0),
        Transcript("a.pgn, line 9", list("21312131"), -1.0),
    ]


def test_what_is_read_is_played(tmp_path: Path) -> None:
    path = tmp_path / "a.pgn"
    path.write_bytes(FULL.replace("Event", "Ev\xe9nt").encode("latin-1"))
    taken = Taken()
    imported = import_pgn([tmp_path], Connect4(), taken.add)
    assert taken.lines() == [[0, 1, 0, 1, 0, 1, 0], [1, 0, 2, 0, 1, 0, 2, 0]]
    assert taken.outcomes() == [1, -1]
    assert imported.games == 2
    assert imported.notes == ()


def test_games_without_tags_or_without_results() -> None:
    first, second = parsed("1. 4 4 *\n1. 3 2")
    assert isinstance(first, Transcript)
    assert isinstance(second, Transcript)
    assert (first.words, second.words) == (["4", "4"], ["3", "2"])
    assert np.isnan([first.result, second.result]).all()
    assert second.where == "a.pgn, line 2"
    tags = parsed('[Result "1/2-1/2"]\n1. 4\n[Result "*"]\n1. 3 0-1\n')
    assert tags == [Transcript("a.pgn, line 1", ["4"], 0.0), Transcript("a.pgn, line 3", ["3"], -1)]


def test_a_result_decides_a_game_that_stops_early(tmp_path: Path) -> None:
    path = tmp_path / "a.pgn"
    path.write_text("1. 4 4 2. 3 0-1 1. 1 2 1/2-1/2")
    taken = Taken()
    imported = import_pgn([path], Connect4(), taken.add)
    (games,) = taken.parts
    assert games.outcome.tolist() == [-1, 1, -1, 0, 0]
    assert imported.notes == ("2 games stop before the end; their outcome is the result told",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1. 1 2 2. 1 2 3. 1 2 4. 1 0-1", "line 1: the result told is a win of the second player, "
         "the moves lead to a win of the first player"),
        ('[Result "1-0"]\n1. 1 0-1', "line 1: the tag tells the result 1-0, the moves end in 0-1"),
        ('[Result "2-0"]\n1. 1 *', "line 1: the result '2-0' is none of 1-0, 0-1, 1/2-1/2, *"),
        ('\n[Variant "Gomoku"]\n1. 1 *', "line 2: the game is 'Gomoku'; you asked for connect4"),
        ('[FEN "7/8"]\n1. 1 1-0', "line 1: the game begins from a set-up position"),
        ("1. e4 e5 2. Nf3 Nc6 1-0", "line 1: 'Nf3' is a move of chess, which is no game here; "
         "you asked for connect4"),
        ("1. 1 2\n2. 9 1 1-0", "line 1: '9' is not a column"),
        ("1. 1 {open\n2. 2", "line 1: a comment is not closed"),
        ('1. 1 *\n[Result "1-0', "line 2: a tag pair is not complete"),
        ("1. 1 (2. 3", "cut short, a variation is not closed"),
        ("1. 1 2)", "line 1: a variation is closed that was not opened"),
        ('[Result "1-0"]\n', "cut short, the last game has tags and no moves"),
        ("1. 1 2 2. }", "line 1: '}' cannot be read"),
        ("1. 1 2", "line 1: the moves stop before the end of the game, and no result is told"),
        ("1-0", "line 1: there are no moves"),
    ],
)  # fmt: skip
def test_a_bad_game_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.pgn"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.pgn") as caught:
        import_pgn([path], Connect4(), Taken().add)
    assert message in str(caught.value)
    taken = Taken()
    (tmp_path / "good.pgn").write_text(FULL)
    imported = import_pgn([tmp_path], Connect4(), taken.add, skip_broken=True)
    whole = [line for line in taken.lines() if len(line) > 2]
    assert whole == [[0, 1, 0, 1, 0, 1, 0], [1, 0, 2, 0, 1, 0, 2, 0]]
    assert any(message in note for note in imported.notes)


def test_the_game_is_compared_with_the_tag() -> None:
    text = '[Variant "Tic-Tac-Toe"]\n1. 1 *'
    (told,) = parse_pgn(TicTacToe(), text, "a.pgn")
    assert isinstance(told, Transcript)
    (told,) = parse_pgn(Connect4(), text, "a.pgn")
    assert isinstance(told, Broken)
    (told,) = parse_pgn(Connect4(6, 5), '[Variant "connect4"]\n1. 1 *', "a.pgn")
    assert isinstance(told, Transcript)
