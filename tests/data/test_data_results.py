"""Results in points and in words, and the spellings of a pass."""

from __future__ import annotations

import math

import pytest
from examples import example

from envs.connect4 import Connect4
from selfplay.data.readers.results import is_pass, looks_like_result, read_result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1-0", 1), ("1:0", 1), ("1–0", 1), ("1 - 0", 1), ("0-1", -1), ("0 : 1", -1),
        ("1/2-1/2", 0), ("½-½", 0), ("½–½", 0), ("1/2", 0), ("½", 0), ("0.5-0.5", 0),
        ("Draw", 0), ("drawn", 0), ("=", 0), ("Drawn game", 0),
        ("35-29", 1), ("29:35", -1), ("32-32", 0), ("64–0", 1), ("0-64", -1), ("35.5-28.5", 1),
        ("B+6", 1), ("W+10", -1), ("B+R", 1), ("W+Time", -1), ("b+", 1), ("Black+6", 1), ("B+0", 0),
        ("Black wins", 1), ("White wins 29-35", -1), ("Black wins 35-29", 1), ("black won by 6", 1),
        ("White resigns", 1), ("Black resigned.", -1), ("White lost on time", 1),
        ("Win for White", -1), ("Winner: Black", 1), ("White resigns, Black wins", 1),
        ("Black wins, white resigns", 1), ("Black wins (White resigned)", 1), ("1-0 (time)", 1),
        ("29-35 (adj)", -1), ("White", -1), ("b", 1), ("Black by 6", 1), ("W by 2.5", -1),
        ("Black: 35, White: 29", 1), ("B29 W35", -1), ("White timeout", 1), ("draws", 0),
        ("Black abandoned the game", -1), ("White disconnected", 1), ("White beats Black", -1),
    ],
)  # fmt: skip
def test_results_of_a_game_that_black_begins(text: str, result: float) -> None:
    assert read_result(example("othello"), text) == result


@pytest.mark.parametrize("text", ["", " ", "*", "?", "Void", "void"])
def test_what_tells_no_result(text: str) -> None:
    told = read_result(example("othello"), text)
    assert told is not None
    assert math.isnan(told)


@pytest.mark.parametrize(
    "text",
    [
        "0", "1", "0-0", "maybe", "2-1-0", "Black wins, White wins", "1-0-", "-6",
        "black" + 300_000 * " " + "x", 5000 * "()",
    ],
    ids=lambda text: text[:10],
)  # fmt: skip
def test_what_is_not_understood(text: str) -> None:
    assert read_result(example("othello"), text) is None


def test_without_colours_white_begins_as_in_pgn_and_there_are_no_points() -> None:
    game = Connect4()
    told = [read_result(game, text) for text in ("1-0", "White wins", "B+", "Black resigns", "½")]
    assert told == [1, 1, -1, 1, 0]
    assert read_result(game, "second player wins") == -1
    assert read_result(game, "35-29") is None


def test_words_among_moves_that_tell_results() -> None:
    told = ["1-0", "½-½", "1/2", "*", "35-29", "0:1", "1–0"]
    assert [word for word in told if looks_like_result(word)] == told
    assert not any(looks_like_result(word) for word in ("12", "f5", "--", "a1-b2", "4-4-3", "-"))


@pytest.mark.parametrize(
    "word", ["pass", "PASS", "Pass ", "PA", "ps", "p", "--", "—", "@@@@", "tt", "zz", "Z0", "0000"]
)
def test_spellings_of_a_pass(word: str) -> None:
    assert is_pass(word)
    assert not is_pass("f5")
