"""SGF: game trees as text, FF[3] and FF[4]; the main line of each tree is one game.

Othello (GM[2]) is read: points are a column and a row from the upper left, "dc" or "d3", passes
are empty.  Source: red-bean.com/sgf, "SGF FF[4]".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfplay.data.games import Games
from selfplay.data.intake import Broken, Imported, Transcript, import_texts
from selfplay.types import Game

ENDINGS = (".sgf",)
OTHELLO = 2
KINDS = {
    1: "Go", 2: "Othello", 3: "chess", 4: "Gomoku or Renju", 5: "Nine Men's Morris",
    6: "Backgammon", 7: "Chinese chess", 8: "Shogi", 9: "Lines of Action", 10: "Ataxx",
    11: "Hex", 12: "Jungle", 13: "Neutron", 14: "Philosopher's Football", 16: "Trax",
    18: "Amazons", 21: "Twixt",
}  # fmt: skip
PASSES = ("", "tt", "pass", "pa", "--")

_TOKEN = re.compile(
    r"(?P<skip>\s+)|(?P<mark>[();])|(?P<name>[A-Za-z]+)|\[(?P<value>(?:[^\]\\]|\\.)*)\]", re.DOTALL
)


class Property(NamedTuple):
    """A property of a node with its values, escapes resolved."""

    name: str  # capitals only: FF[3] may write "White" for "W"
    values: list[str]


class Tree(NamedTuple):
    """The main line of one game tree."""

    line: int  # where it begins
    properties: list[Property]  # of its nodes, in order


def import_sgf(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the games of files, or of all .sgf files in folders, to ``add``.

    A result must agree with the moves of a game played to its end, and decides one that was not.
    Raises ValueError for the first game that is not in order, and for a game other than Othello;
    with ``skip_broken`` broken games are left out and counted.
    """
    if game.name.partition("-")[0] != "othello":
        raise ValueError(
            f"SGF files are read for othello only; you asked for {game.name}: write its games as "
            f"move lists and use 'selfplay data moves'"
        )
    return import_texts(paths, ENDINGS, parse_sgf, game, add, skip_broken)


def parse_sgf(game: Game, content: str, name: str) -> Iterator[Transcript | Broken]:
    """The games of a file's trees; what cannot be read ends it."""
    for tree in main_lines(content):
        if isinstance(tree, Broken):
            yield Broken(f"{name}, {tree.reason}")
            continue
        where = f"{name}, line {tree.line}"
        try:
            yield _transcript(game, where, tree)
        except ValueError as error:
            yield Broken(f"{where}: {error}")


def main_lines(content: str) -> Iterator[Tree | Broken]:
    """The main line of each tree of a collection: the first variation wherever there are some.

    The last item is a Broken ("line 3: ...") when the text ends early or cannot be read.
    """
    line, at = 1, content.find("(")
    if at < 0:
        yield Broken("line 1: there is no game tree, which begins with '('")
        return
    line += content.count("\n", 0, at)
    tree = Tree(line, [])
    branches: list[int] = []  # for each open tree, how many variations it has so far
    aside = 0  # so many of the open trees, the innermost, are not of the main line
    while at < len(content):
        token = _TOKEN.match(content, at)
        if token is None:
            what = (
                "a value is not closed" if content[at] == "[" else f"{content[at]!r} is misplaced"
            )
            yield Broken(f"line {line}: {what}")
            return
        if token["mark"] == "(":
            if not branches:
                tree = Tree(line, [])
            elif aside or branches[-1]:
                aside += 1
            if branches:
                branches[-1] += 1
            branches.append(0)
        elif token["mark"] == ")":
            if not branches:
                yield Broken(f"line {line}: a tree is closed that was not opened")
                return
            branches.pop()
            aside = max(0, aside - 1)
            if not branches:
                yield tree
        elif not branches and not token["skip"]:
            yield Broken(f"line {line}: {token[0]!r} stands outside of a tree")
            return
        elif token["name"]:
            if not aside:
                tree.properties.append(Property(re.sub("[a-z]", "", token["name"]), []))
        elif token["value"] is not None and not aside:
            if not tree.properties:
                yield Broken(f"line {line}: a value stands before the first property")
                return
            tree.properties[-1].values.append(_unescape(token["value"]))
        line += token[0].count("\n")
        at = token.end()
    if branches:
        yield Broken(f"line {tree.line}: cut short, the game tree is not closed")


def _transcript(game: Game, where: str, tree: Tree) -> Transcript:
    """The game of a main line; raises ValueError with a sentence."""
    told = [prop for prop in tree.properties if prop.values]
    root = {prop.name: prop.values[0].strip() for prop in reversed(told)}  # the first counts
    kind = root.get("GM", "1")
    if kind != str(OTHELLO):
        named = KINDS.get(int(kind), "a game unknown here") if kind.isdecimal() else "unreadable"
        raise ValueError(
            f"GM[{kind}] is {named}; of the games of SGF only Othello (GM[{OTHELLO}]) exists here"
        )
    size = round(game.num_actions**0.5)
    if root.get("SZ", "8") != str(size):
        raise ValueError(f"the board is SZ[{root.get('SZ', '8')}]; {game.name} has SZ[{size}]")
    words, players = [], []
    placed: set[str] = set()
    for name, values in tree.properties:
        if name in ("B", "W"):
            word = values[0].strip() if values else ""
            words.append("--" if word.casefold() in PASSES else _point(word))
            players.append(int(name == "W"))
        elif name in ("AB", "AW", "AE"):
            placed.update(f"{name[1]}{_point(value.strip())}" for value in values)
    low, high = size // 2, size // 2 + 1
    left, right = chr(ord("a") + low - 1), chr(ord("a") + high - 1)
    start = {f"B{right}{low}", f"B{left}{high}", f"W{left}{low}", f"W{right}{high}"}
    if placed and placed != start:
        raise ValueError("the game begins from a set-up position, not from the start")
    return Transcript(where, words, _result(root.get("RE", "")), tuple(players))


def _point(text: str) -> str:
    """A point as the game names it: "dc" and "D3" are d3."""
    point = text.casefold()
    if re.fullmatch(r"[a-z][a-z]", point):
        return f"{point[0]}{ord(point[1]) - ord('a') + 1}"
    return point


def _result(text: str) -> float:
    """What RE tells: "B+12", "W+R", "0", "Draw"; NaN for "?", "Void" and anything else."""
    word = text.strip().casefold()
    if word[:2] in ("b+", "w+"):
        return 1.0 if word[0] == "b" else -1.0
    return 0.0 if word in ("0", "draw") else np.nan


def _unescape(value: str) -> str:
    """A value without its backslashes; one before a line's end joins the lines."""
    return re.sub(r"\\(\r\n|\n\r|\n|\r|.)", lambda m: m[1].strip("\r\n"), value, flags=re.DOTALL)
