"""How files write results, in points or in words, passes, and the names of games."""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from selfplay.types import Game

PASSES = frozenset(
    [
        "pass", "passe", "passes", "passed", "pa", "ps", "p", "--", "-", "@@@@", "@@", "tt", "zz",
        "z0", "0000", "null", "skip",
    ]
)  # fmt: skip
POINTS = re.compile(r"(\d+(?:\.\d+)?)[-:](\d+(?:\.\d+)?)")
UNREAD = "the result {!r} is none of 1-0, 0-1, 1/2-1/2, *"

_OTHER_NAMES = {
    "reversi": "othello",
    "connectfour": "connect4",
    "fourinarow": "connect4",
    "4inarow": "connect4",
}

_LONGEST = 200  # signs of a result
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58]")
_UNTOLD = ("", "*", "?", "void", "unknown", "unfinished", "-")
_SCORES = {"1-0": 1.0, "0-1": -1.0, "1/2-1/2": 0.0, "1/2": 0.0, "0.5-0.5": 0.0}
_DRAWS = ("draw", "drawn", "tie", "tied", "jigo", "=", "b+0", "w+0")
_COLOUR = r"(black|white|b|w|first|second|player [12])(?: player)?"
_SCORE = re.compile(r"[\d./]+[-:][\d./]+|(?:b|w|black|white)\+[\w.]*")
_REMARK = re.compile(r"\s*\([^()]*\)$")
_BY = re.compile(rf"{_COLOUR}(?: by [\d.]+)?")
_EACH = re.compile(r"(?:b|black):?\s*(\d+)[\s,;:/-]+(?:w|white):?\s*(\d+)")
_WON = re.compile(rf"{_COLOUR}(?:'s)? (?:has )?(?:wins?|won|victory|beats?|defeats)\b")
_WON_BY = re.compile(
    rf"(?:wins?|won|victory|winner|winner is) ?(?:of|for|by|:)? ?(?:the )?{_COLOUR}\b"
)
_LOST = re.compile(
    rf"{_COLOUR} (?:has )?(?:resign\w*|los\w*|forfeit\w*|abandon\w*|disconnect\w*|"
    r"time[sd]? ?out|ran out of time)\b"
)


def counts_points(game: Game) -> bool:
    """Whether who has more points wins, so that a result may be told as a score."""
    return game.name.partition("-")[0] == "othello"


def is_named(text: str, game: Game) -> bool:
    """Whether a text names the game; its board is told by nothing but its moves."""
    word = re.sub(r"[^a-z0-9]", "", text.casefold())
    return _OTHER_NAMES.get(word, word) == game.name.partition("-")[0]


def is_pass(word: str) -> bool:
    """Whether the word writes a pass; nothing does, too, where a move must stand."""
    return _plain(word) in PASSES


def looks_like_result(word: str) -> bool:
    """Whether a word among moves, none itself, is there to tell a result."""
    plain = _plain(word)
    return plain in ("*", "1/2") or bool(_SCORE.fullmatch(plain))


def read_result(game: Game, text: str) -> float | None:
    """1, 0 or -1 as the player who began won, drew or lost; NaN where nothing is told.

    None when the words are not understood.  Scores ("35-29", of the player who began first) count
    in games of points only.
    """
    plain = _plain(text)
    if len(plain) > _LONGEST:
        return None
    score = plain.replace(":", "-")
    if plain in _UNTOLD:
        return np.nan
    if score in _SCORES:
        return _SCORES[score]
    if plain in _DRAWS:
        return 0.0
    points = POINTS.fullmatch(plain) or _EACH.fullmatch(plain)
    if points and counts_points(game) and float(points[1]) + float(points[2]) > 0:
        return float(np.sign(float(points[1]) - float(points[2])))
    bare = _REMARK.sub("", plain)  # "1-0 (time)"
    return read_result(game, bare) if bare not in ("", plain) else _in_words(game, plain)


def _in_words(game: Game, plain: str) -> float | None:
    """The same for "B+6", "White wins by 4", "Black resigns" and their like."""
    short = re.fullmatch(r"(b|w|black|white)\+.*", plain)
    if short:
        return _won_by(game, short[1])
    if by := _BY.fullmatch(plain):
        return _won_by(game, by[1])
    words = re.sub(r"[^a-z0-9':,;]+", " ", plain).strip()
    told = {_won_by(game, found) for found in (*_WON.findall(words), *_WON_BY.findall(words))}
    told |= {-_won_by(game, found) for found in _LOST.findall(words)}
    if re.search(r"\b(draws?|drawn|ties?|tied)\b", words):
        told.add(0.0)
    return told.pop() if len(told) == 1 else None


def _won_by(game: Game, who: str) -> float:
    """1 when that is the player who began, else -1."""
    if who[0] in "bw":
        # PGN's white begins where the game has no colours
        return 1.0 if who[0] == ("b" if counts_points(game) else "w") else -1.0
    return 1.0 if who in ("first", "player 1") else -1.0


def _plain(text: str) -> str:
    """In small letters, dashes and fractions in ASCII, no spaces around signs."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2044", "/")
    folded = " ".join(_DASHES.sub("-", folded).split())
    return re.sub(r"\s*([-+:/])\s*", r"\1", folded)
