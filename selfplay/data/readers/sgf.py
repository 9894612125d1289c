"""SGF: game trees as text, FF[1] to FF[4]; the main line of each tree is one game.

Othello (GM[2]) is read: points are a column and a row from the upper left, "dc" or "d3", passes
are empty.  Source: red-bean.com/sgf, "SGF FF[4]".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from string import ascii_lowercase

from selfplay.data.readers.importer import (
    Broken,
    GameImporter,
    Imported,
    Told,
    Transcript,
    transcript,
)
from selfplay.data.readers.results import UNREAD, is_named, is_pass, read_result
from selfplay.data.readers.sgf_trees import Tree, main_lines
from selfplay.lines.games import Games
from selfplay.system.text import decode, split_mark
from selfplay.types import Game

ENDINGS = (".sgf",)
OTHELLO = 2
KINDS = {
    1: "Go", 2: "Othello", 3: "chess", 4: "Gomoku or Renju", 5: "Nine Men's Morris",
    6: "Backgammon", 7: "Chinese chess", 8: "Shogi", 9: "Lines of Action", 10: "Ataxx",
    11: "Hex", 12: "Jungle", 13: "Neutron", 14: "Philosopher's Football", 16: "Trax",
    18: "Amazons", 21: "Twixt",
}  # fmt: skip


def import_sgf(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the games of files, and of the .sgf files in folders, to ``add``; Othello's only."""
    if game.name.partition("-")[0] != "othello":
        raise ValueError(
            f"SGF files are read for othello only; you asked for {game.name}: write its games as "
            f"move lists and use 'selfplay data moves'"
        )
    return GameImporter(game, add, skip_broken).take_in_files(paths, ENDINGS, parse_sgf)


def parse_sgf(game: Game, content: bytes, name: str) -> Told:
    """The games of a file's trees; behind one that cannot be read, the next root goes on."""
    if split_mark(content)[0] is not None:  # its encoding is known, whatever the trees declare
        content = decode(content, name).encode()
    for tree in main_lines(content):
        if isinstance(tree, Broken):
            yield Broken(f"{name}, {tree.reason}")
            continue
        where = f"{name}, line {tree.line}"
        try:
            yield _transcript(game, where, tree)
        except ValueError as error:
            yield Broken(f"{where}: {error}")


def _transcript(game: Game, where: str, tree: Tree) -> Transcript:
    """The game of a main line; raises ValueError with a sentence."""
    told = [prop for prop in tree.properties if prop.values]
    root = {prop.name: prop.values[0].strip() for prop in reversed(told)}  # the first counts
    kind = " ".join(root.get("GM", "").split())  # where no game is named, the moves tell it
    if kind and not _is_othello(kind, game):
        named = KINDS.get(int(kind), "a game unknown here") if _is_number(kind) else "unreadable"
        raise ValueError(
            f"GM[{kind[:20]}] is {named}; of the games of SGF only Othello (GM[{OTHELLO}]) exists "
            f"here"
        )
    size = round(game.num_actions**0.5)
    board = "".join(root.get("SZ", "").split())
    if board not in ("", str(size), f"{size}:{size}"):
        unnamed = "" if kind else ", and it names no game (GM), as only Go may"
        raise ValueError(f"the board is SZ[{board[:20]}]; {game.name} has SZ[{size}]{unnamed}")
    words, players = [], []
    placed: set[str] = set()
    for name, values in tree.properties:
        if name in ("B", "W"):
            word = values[0].strip() if values else ""
            words.append("--" if not word or is_pass(word) else _point(word))
            players.append(int(name == "W"))
        elif name in ("AB", "AW", "AE"):
            placed.update(f"{name[1]}{_point(value.strip())}" for value in values)
    if placed and placed != _start(size):
        raise ValueError("the game begins from a set-up position, not from the start")
    result = 0.0 if root.get("RE") == "0" else read_result(game, root.get("RE", ""))
    unread = UNREAD.format(root.get("RE", "")[:80])
    return transcript(where, words, result, unread, tuple(players), tree.doubt)


def _start(size: int) -> set[str]:
    """The discs of the start as set-up properties place them."""
    low, high = size // 2, size // 2 + 1
    left, right = ascii_lowercase[low - 1], ascii_lowercase[high - 1]
    return {f"B{right}{low}", f"B{left}{high}", f"W{left}{low}", f"W{right}{high}"}


def _is_othello(kind: str, game: Game) -> bool:
    """Whether a tree says that it is of Othello: by its number, or by its name in plain words."""
    return int(kind) == OTHELLO if _is_number(kind) else is_named(kind, game)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _point(text: str) -> str:
    """A point as the game names it: "dc" and "D3" are d3."""
    point = text.casefold()
    if re.fullmatch(r"[a-z][a-z]", point):
        return f"{point[0]}{ascii_lowercase.index(point[1]) + 1}"
    return point
