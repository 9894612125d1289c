"""Recorded games, one at a time: of files in every format that is read, of runs, and as typed.

What is saved here is a list of moves as ``selfplay data moves`` reads it, a game a line::

    # game: connect4
    4 4 3 3 5 5 6 # opening 0 seed 0, you against runs/x:200: 1-0

The first line names the game.  Behind the moves of a game that was not played to its end stands its
result, where there is one; the comment tells what of it the moves do not: how many of them were
random, the seed of a start that is random, who played, the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import envs
from envs import trust
from selfplay.data.readers import FORMATS, form_of, told_in
from selfplay.data.readers.importer import Broken, Notation, Transcript
from selfplay.data.readers.moves import HEADER
from selfplay.play.variations import Variations
from selfplay.system.files import write_text_atomically
from selfplay.system.printable import in_one_line
from selfplay.system.text import lines, read_text
from selfplay.types import Game

if TYPE_CHECKING:
    from selfplay.training.folder import RunFolder

RESULTS = {1: "1-0", 0: "1/2-1/2", -1: "0-1"}  # of who moved first
_NUMBERED = re.compile(r"\b(opening|seed) (\d{1,18})\b")
_PLAYERS = re.compile(r", (.+?) against (.+?)(?:: \S+)?$")
_HEAD_LINES = 20  # in which the game is named


class Recorded(NamedTuple):
    """A game as it was recorded; its moves are in order."""

    spec: str  # names the game
    where: str  # "games.txt, line 3"
    tree: Variations  # the line that was played, looked at where it ends
    opening: int = 0  # so many moves, the first, were random
    players: tuple[str, str] = ("first", "second")
    more: bool = False  # games stand behind it in the file


def save_game(
    path: str | Path,
    spec: str,
    tree: Variations,
    players: tuple[str, str] = ("first", "second"),
    result: int | None = None,
    opening: int = 0,
) -> None:
    """Writes the line that leads to where ``tree`` looks behind the games of a file, or begins it.

    ``result``: 1 who moved first won, 0 a draw, -1 he lost; None: as the moves tell, or unknown.
    Raises ValueError with a sentence where nothing was played, or the file holds something else.
    """
    path, game, line = Path(path), tree.game, tree.line(tree.at)
    if len(line) == 1:
        raise ValueError("no move has been played: there is nothing to save")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} to save {path.name} in; make it first")
    before = f"{HEADER}{spec}\n"
    if path.exists():
        before = read_text(path)
        if named_in(path) != spec:
            raise ValueError(f"{path} is no file of games of {spec}: name another file")
    if tree.now.over:
        paid = tree.now.paid[0]
        result = (paid > 0) - (paid < 0)
    moves = " ".join(game.action_name(tree.nodes[node].action) for node in line[1:])
    told = "*" if result is None else RESULTS[result]
    ended = "" if tree.now.over else f" {told}"
    first, second = (in_one_line(name).replace("#", "?") for name in players)
    comment = f"opening {opening} seed {tree.seed}, {first} against {second}: {told}"
    new_line = "" if before.endswith("\n") else "\n"
    write_text_atomically(path, f"{before}{new_line}{moves}{ended} # {comment}\n")


def named_in(path: Path) -> str | None:
    """The game that the head of a list of moves names, or None."""
    for line in islice(lines(read_text(path)), _HEAD_LINES):
        if line.startswith(HEADER):
            return line.removeprefix(HEADER).strip() or None
    return None


def spec_of(path: Path) -> str:
    """The game of a file: of its format, its head or the run whose folder it lies in.

    Raises ValueError with a sentence where nothing tells it, or where it is code of a stranger.
    """
    form = form_of(path)
    if implied := "othello" if form == "sgf" else FORMATS[form]:
        return implied
    if folder := run_of(path):
        from selfplay.training.folder import RunFolder  # imports torch

        run = RunFolder(Path(folder))
        run.config().rules()  # a stranger's game is refused here
        return run.config().game
    spec = named_in(path) if form == "moves" else None
    if spec is None and form == "moves" and not read_text(path).strip():
        raise ValueError(f"{path} is empty: there are no games in it")
    if spec is None:
        raise ValueError(f"{path} does not tell of which game it is: name it with --game GAME")
    trust.require(spec, path)
    return spec


def run_of(path: Path) -> str | None:
    """The folder of the run that has kept the games of a file, or None."""
    games = path.resolve().parent
    is_kept = games.name == "games" and (games.parent / "config.json").is_file()
    return str(path.parent.parent) if is_kept else None


def read_game(path: str | Path, number: int | None = None, spec: str | None = None) -> Recorded:
    """The game ``number`` (from 1; None: the last) of a file; ``spec``: the game that is played.

    Raises ValueError with a sentence that names file and line for what is not in order, where the
    file has fewer games, or where nothing tells which game it is.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    spec = spec or spec_of(path)
    game = envs.make(spec)
    wanted: Transcript | Broken | None = None
    seen, games = 0, told_in(path, game)
    for told in games:
        seen, wanted = seen + 1, told
        if seen == number:
            break
    if wanted is None:
        raise ValueError(f"{path} holds no games")
    if number is not None and seen < number:
        raise ValueError(f"{path} has {seen:,} games; there is no game {number:,}")
    return _recorded(spec, game, wanted)._replace(more=next(games, None) is not None)


def typed_game(spec: str, words: Sequence[str]) -> Recorded:
    """The game whose moves ``words`` are, in the game's notation."""
    game = envs.make(spec)
    split = Notation(game).split(" ".join(words))
    return _recorded(spec, game, Transcript("the moves typed", split))


def last_of_run(run: RunFolder, number: int | None = None) -> Recorded:
    """The game ``number`` (from 1; None: the last) of the last file with games of a run."""
    paths = run.all_games()
    if not paths:
        raise ValueError(f"{run.path} has kept no games")
    return read_game(paths[-1], number)


def _recorded(spec: str, game: Game, told: Transcript | Broken) -> Recorded:
    if isinstance(told, Broken):
        raise ValueError(told.reason)
    numbers = {name: int(value) for name, value in _NUMBERED.findall(told.comment)}
    named = _PLAYERS.search(told.comment)
    tree = Variations(game, numbers.get("seed", 0))
    try:
        for ply, (action, mover) in enumerate(_moves(game, told), start=1):
            if mover not in (None, tree.now.mover):
                raise ValueError(f"move {ply} is told of the player whose turn it is not")
            try:
                tree.play(action)
            except ValueError as error:
                raise ValueError(f"move {ply}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{told.where}: {error}") from error
    players = (named[1], named[2]) if named else ("first", "second")
    opening = min(numbers.get("opening", 0), len(tree.line(tree.at)) - 1)
    return Recorded(spec, told.where, tree, opening, players)


def _moves(game: Game, told: Transcript) -> Iterator[tuple[int, int | None]]:
    """The actions, each with who played it where that is told."""
    actions, movers = Notation(game).actions(told)
    told_of: list[int | None] = [*movers] if movers else [None] * len(actions)
    return zip(actions, told_of, strict=True)
