"""Plain move lists: a line a game, in the game's own notation, or a table with a column of moves.

As in position files: moves stand side by side where all names of actions have one length, else
spaces, commas or the like part them.  A line may number its moves, begin with names and a colon,
and tell the result first or last.  ``#`` begins a comment, so the ``games/*.txt`` of a run can be
read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfplay.data.readers.importer import (
    Broken,
    GameImporter,
    Imported,
    Notation,
    Told,
    Transcript,
    text_of,
    transcript,
)
from selfplay.data.readers.results import looks_like_result, read_result
from selfplay.lines.games import Games
from selfplay.system.text import lines
from selfplay.types import Game

ENDINGS = (".txt", ".moves")
HEADER = "# game: "  # begins the line in which a file may name its game
_MOVES = ("moves", "game_moves", "move_list", "movelist", "game", "transcript", "sequence", "kifu")
_RESULTS = ("winner", "result", "score")
_WINNERS = {"1": 1.0, "-1": -1.0, "2": -1.0, "0": 0.0}  # numbers in a column of that name
_DELIMITED = re.compile('"?sep=.?"?', re.IGNORECASE)  # what Excel writes before a table
_LONGEST = 100_000  # signs of a line
_LABEL = re.compile(r".*:\s+")  # names before the moves
_NUMBER = re.compile(r"(?<!\w)\d+[^\S\n]*(?:[.…][^\S\n]*)+|(?<!\S)\d+\)")
_BEFORE_COLON = re.compile(r"(?<!\S)\d+:(?=\s)")  # numbers a move where there are several


class Table(NamedTuple):
    """The columns of a table of games, from 0."""

    delimiter: str
    width: int
    moves: int
    result: int | None
    is_winner: bool  # the result is told as the number of a player


def import_moves(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the games of files, and of those with such endings in folders, to ``add``."""
    return GameImporter(game, add, skip_broken).take_in_files(paths, ENDINGS, parse_moves)


def parse_moves(game: Game, content: bytes, name: str) -> Told:
    """The games of a file's lines."""
    notation = Notation(game)
    table: Table | None = None
    first = True
    for number, line in enumerate(lines(text_of(content, name)), start=1):
        where = f"{name}, line {number}"
        if len(line) > _LONGEST:
            yield Broken(f"{where}: {len(line):,} signs are too many for a game")
            continue
        line = line.strip()
        if not line or line.startswith("#") or (first and _DELIMITED.fullmatch(line)):
            continue
        if first:
            first, table = False, _table(line)
            if table is not None:
                continue
        if table is not None:
            yield _row(game, notation, line, table, where)
        else:
            text, _, comment = line.partition("#")
            if text.strip():
                told = _line(game, notation, text.strip(), where)
                yield told._replace(comment=comment.strip())


def _line(game: Game, notation: Notation, line: str, where: str) -> Transcript:
    """The game of a line; words that are no moves are left for the game to refuse."""
    if len(_BEFORE_COLON.findall(line)) > 1:
        line = _BEFORE_COLON.sub(" ", line)
    label = _LABEL.match(line)
    if label and _are_moves(notation, label[0].rstrip(" :")):
        label = None  # no names: moves, and the colon is wrong
    told = [word for word in label[0].split() if looks_like_result(word)] if label else []
    text = _NUMBER.sub(" ", line[label.end() :] if label else line)
    words = [word.strip("()[]\"'.,;") for word in text.split()]
    words = [word for word in words if word]
    for at in (-1, 0):
        # what looks like a result and is not read as one may be moves with dashes, as "4-4"
        if words and looks_like_result(words[at]) and read_result(game, words[at]) is not None:
            told.append(words.pop(at))
    known = {result for word in told if (result := read_result(game, word)) is not None}
    results = [result for result in known if not np.isnan(result)]
    moves = _without_numbers(notation, notation.split(" ".join(words)))
    if len(results) > 1:
        doubt = f"the results {' and '.join(told)} do not agree"
        return Transcript(where, moves, doubt=doubt)
    return Transcript(where, moves, results[0] if results else np.nan)


def _row(
    game: Game, notation: Notation, line: str, table: Table, where: str
) -> Transcript | Broken:
    """The game of a line of a table."""
    try:
        fields = next(csv.reader([line], delimiter=table.delimiter))
    except csv.Error as error:
        return Broken(f"{where}: {error}")
    if len(fields) != table.width:
        return Broken(f"{where}: {len(fields)} columns, the header has {table.width}")
    told = fields[table.result].strip() if table.result is not None else ""
    found = _WINNERS.get(told) if table.is_winner else None
    result = read_result(game, told) if found is None else found
    moves = _without_numbers(notation, notation.split(_NUMBER.sub(" ", fields[table.moves])))
    return transcript(where, moves, result, f"the result {told!r} is not understood")


def _table(header: str) -> Table | None:
    """The columns of a table with that first line; None when it is no header."""
    for delimiter in ",;\t|":
        names = [name.strip(" \"'").casefold() for name in header.split(delimiter)]
        moves = [i for i, name in enumerate(names) if name.replace(" ", "_") in _MOVES]
        if moves:
            results = [i for i, name in enumerate(names) if name in _RESULTS]
            result = results[0] if results else None
            is_winner = result is not None and names[result] == "winner"
            return Table(delimiter, len(names), moves[0], result, is_winner)
    return None


def _without_numbers(notation: Notation, words: list[str]) -> list[str]:
    """The words without the numbers that count the moves, where no number is a move."""
    if notation.has_numbers:
        return words
    numbers = [word for word in words if word.isdecimal()]
    if numbers != [str(i + 1) for i in range(len(numbers))]:
        return words
    return [word for word in words if not word.isdecimal()]


def _are_moves(notation: Notation, text: str) -> bool:
    """Whether a text is several moves and nothing else."""
    words = notation.split(text)
    return len(words) > 1 and all(notation.is_move(word) for word in words)
