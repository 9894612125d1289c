"""PGN of games that are not chess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from examples import example
from imported import PASSED, POINTS, Taken, numbered, othello

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.data.readers import pgn
from selfplay.data.readers.importer import Broken, Transcript
from selfplay.data.readers.pgn import import_pgn, parse_pgn

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
    return list(parse_pgn(Connect4(), text.encode(), "a.pgn"))


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
    assert taken.parts[0].outcome.tolist() == [-1, 1, -1, 0, 0]
    assert imported.notes == ("2 games stop before the end; their outcome is the result told",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1. 1 2 2. 1 2 3. 1 2 4. 1 0-1", "line 1: the result told is a win of the second player, "
         "the moves lead to a win of the first player"),
        ('[Result "1-0"]\n1. 1 0-1', "line 1: the tag tells the result 1-0, the moves end in 0-1"),
        ('[Result "2-0"]\n1. 1 *', "line 1: the result '2-0' is none of 1-0, 0-1, 1/2-1/2, *, and "
         "the moves stop"),
        ('\n[Variant "Gomoku"]\n1. 1 *', "line 2: the game is 'Gomoku'; you asked for connect4"),
        ('[FEN "7/8"]\n1. 1 1-0', "line 1: the game begins from a set-up position"),
        ("1. e4 e5 2. Nf3 Nc6 1-0", "line 1: 'Nf3' is a move of chess, which is no game here; "
         "you asked for connect4"),
        ("1. 1 2\n2. 9 1 1-0", "line 1: '9' is not a column"),
        ('1. 1 *\n[Result "1-0', "line 2: a tag pair is not complete"),
        ('[Result "1-0"]\n', "cut short, the last game has tags and no moves"),
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
    for game, variant, kind in (
        (TicTacToe(), "Tic-Tac-Toe", Transcript),
        (Connect4(), "Tic-Tac-Toe", Broken),
        (Connect4(6, 5), "connect4", Transcript),
    ):
        (told,) = parse_pgn(game, f'[Variant "{variant}"]\n1. 1 *'.encode(), "a.pgn")
        assert isinstance(told, kind)


def read(tmp_path: Path, content: bytes, skip: bool = False) -> tuple[list[list[str]], list[float]]:
    return othello(tmp_path / "o.pgn", content, skip)


@pytest.mark.parametrize(
    "form",
    [
        "{0}. {1} {2}", "{0}.{1} {2}", "{0} {1} {2}", "{0}. {1} {{x}} {0}. ... {2}",
        "{0}. {1} {0}... {2}", "{0}. {1} {0}… {2}", "{0} . {1} {2}", "{0}.\xa0{1} ... {2}",
        "{0}. {1} {0} . . . {2}", "{0}.. {1} {0} … {2}", "7. {1} 7. {2}", "{1} {2}", "{0}{1} {2}",
        "{0}. {1}{2}", "{0}.{1},{2}", "{0}. {1}-{2}",
        "{0}. {1}! $1 {2}?! +-", "{0}. {1} !? {2} =", "{0}. {1} ({0}. a1 {{)}} (d3)) {2} ; 1-0\n",
    ],
)  # fmt: skip
def test_numbers_stand_apart_from_their_points(tmp_path: Path, form: str) -> None:
    content = f'[Result "1-0"]\n\n{numbered(form)} 1-0\n'
    assert read(tmp_path, content.encode()) == ([POINTS], [1])


def test_numbers_without_points_where_moves_are_numbers(tmp_path: Path) -> None:
    (told,) = parsed("1 1 2 2 1 2 3 1 2 4 1 1-0")
    assert told == Transcript("a.pgn, line 1", list("1212121"), 1.0)
    (told,) = parsed("1 4 4 2 3 1-0")
    assert told == Broken(
        "a.pgn, line 1: 1 2... may be moves or their numbers; write points behind the numbers"
    )
    (told,) = parsed("1. 1 4 2. 4 2 3. 3 1-0")
    assert told == Transcript("a.pgn, line 1", list("14423"), 1.0)


@pytest.mark.parametrize(("end", "encoding"), [("\r\n", "utf-16"), ("\u2028", "utf-8-sig")])
def test_line_ends_of_any_system(tmp_path: Path, end: str, encoding: str) -> None:
    lines = ['[Event "½"]', "", "1. f5 d6 ; well known 0-1", "% 1. a1", *POINTS[2:], "1-0", ""]
    assert read(tmp_path, end.join(lines).encode(encoding)) == ([POINTS], [1])


TEXT = numbered("{0}. {1} {2}")


def test_results_are_checked_where_the_moves_tell_them(tmp_path: Path) -> None:
    for tag, end in (("35-29", "1–0"), ("Black wins", "*"), ("*", "B+6"), ("nonsense", "")):
        content = f'[Result "{tag}"]\n\n{TEXT} {end}\n'.encode()
        assert read(tmp_path, content) == ([POINTS], [1])
    with pytest.raises(ValueError, match="the result told is a win of the second player, the "):
        read(tmp_path, f'[Result "29-35"]\n\n{TEXT} 29-35\n'.encode())
    assert read(tmp_path, b'[Result "30-34"]\n\n1. f5 d6') == ([["f5", "d6"]], [-1])


def test_winners_never_run_into_the_next_game() -> None:
    again = '[Event "A"]\n[Result "0-1"]\n[Event "B"]\n[Result "*"]\n\n1. 4 4 *'
    apart = '[White "A"]\n[Result "0-1"]\n \n[Black "B"]\n\n1. 4 4'
    for text, line in ((again, 3), (apart, 4)):
        first, second = parsed(text)
        assert first == Transcript("a.pgn, line 1", [], -1.0)
        assert isinstance(second, Transcript)
        assert (second.where, second.words) == (f"a.pgn, line {line}", ["4", "4"])
        assert np.isnan(second.result)
    (told,) = parsed('[Event "A"]\n[Result "0-1"]\n{no tags}\n\n1. 4 4')
    assert told == Transcript("a.pgn, line 1", ["4", "4"], -1.0)


def test_games_without_moves_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "o.pgn"
    path.write_text(
        '[Event "A"]\n[Result "0-1"]\n\n\n[Event "B"]\n[Result "1-0"]\n\n1. f5 d6 1-0\n'
    )
    taken = Taken()
    imported = import_pgn([path], example("othello"), taken.add)
    assert (taken.outcomes(), imported.games) == ([1], 1)
    assert f"left out: {path}, line 1: there are no moves" in imported.notes


@pytest.mark.parametrize("word", ["--", "PA", "@@@@", "Z0", "0000", "—", None])
def test_passes_by_any_spelling_or_none(tmp_path: Path, word: str | None) -> None:
    points = [PASSED[i : i + 2] for i in range(0, len(PASSED), 2)]
    told = [*points, *([word] if word else []), "a4"]
    content = " ".join(f"{i // 2 + 1}. {point}" for i, point in enumerate(told)) + " 33-31"
    assert read(tmp_path, content.encode()) == ([[*points, "a4"]], [1])


GOOD = f'\n\n[Event "next"]\n[Result "1-0"]\n\n{TEXT} 1-0\n'


@pytest.mark.parametrize(
    ("damaged", "sentence"),
    [
        ("1. f5 d6 {never closed 1-0", "line 1: a comment is not closed"),
        ("1. f5 (1. f4 {x} d6", "line 1: cut short, a variation is not closed"),
        ("1. f5 d6) c5", "line 1: a variation is closed that was not opened"),
        ("1. f5 d6 } c5", "line 1: '}' cannot be read"),
        ('[Event "torn]\n\n1. f5 d6 1-0', "line 1: a tag pair is not complete"),
        ("1. f5 d6 $ c5", "line 1: '$' cannot be read"),
        ("f5 " * 101, "line 1: there are more than 100 moves, or signs of one"),
        ("1. f5 k9 1-0", "line 1: 'k9' is not a square"),
    ],
)
def test_the_game_behind_a_damaged_one_comes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str, sentence: str
) -> None:
    monkeypatch.setattr(pgn, "_MOST", 100)
    with pytest.raises(ValueError, match=r"o\.pgn, ") as caught:
        read(tmp_path, (damaged + GOOD).encode())
    assert sentence in str(caught.value)
    assert read(tmp_path, (damaged + GOOD).encode(), skip=True)[0][-1] == POINTS


@pytest.mark.parametrize(
    "tags",
    [
        '[White "\x95\\"]\n[Black "One"]',  # a letter of Shift-JIS that ends in a backslash
        '[Event "The \\"Big\\" one \\\\ [x]"]',
        '[Event "a } b { c ; d ( e"]',
        '[TimeControl "66.6[White "Two"]',
        '[Event ""]\n[Variant "Reversi"]\n[SetUp "0"]',
    ],
)
def test_what_stands_in_tags_is_no_move(tmp_path: Path, tags: str) -> None:
    content = f'{tags}\n[Result "1-0"]\n\n{{an outer {{inner}} one}} {TEXT} 1-0\n=====\n'
    assert read(tmp_path, content.encode("latin-1")) == ([POINTS], [1])


def test_files_that_were_joined_to_one(tmp_path: Path) -> None:
    parts = [f'\ufeff[Result "1-0"]\r\n\r\n{TEXT} 1-0\r\n\x1a'.encode() for _ in range(2)]
    assert read(tmp_path, b"".join(parts)) == ([POINTS] * 2, [1, 1])
    latin = parts[0].replace(b"1-0", b"1-0 {\xe9}")
    assert read(tmp_path, latin.replace(b'"1-0 {\xe9}"', b'"1-0"') + parts[1])[0] == [POINTS] * 2


def test_long_files_take_linear_time() -> None:
    many = 5_000
    for text in (
        "{" * many, "(" * many, "[" * many, "\n" * many, "1 " * many, "." * many, "{}" * many,
        '[a "' * many, "{ {} " * many, "\n\n[a" * many, "-" * many, '[a "\\' * many,
    ):  # fmt: skip
        assert len(parsed(text)) <= many + 1
