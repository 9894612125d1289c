"""What all importers share: games of strangers are replayed, judged, and handed on or left out.

A game is imported when every move is legal and its outcome is known: from the rules where it was
played to its end, else from the result that the file tells (resigned, lost on time).  The first
game that is not in order is an error that names it; ``skip_broken`` leaves such games out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import take
from selfplay.data.readers.results import is_pass
from selfplay.lines.games import Games, Refused, first_rows, replay, side_by_side
from selfplay.lines.openings import NO_MOVE
from selfplay.system.text import decode, read_bytes
from selfplay.types import Float, Game, Int

BATCH = 4096  # games replayed side by side
_SIGNS = r"[\s,;|\"'`\u2018-\u201f\u200b-\u200f\u2060]+"  # quotes, and what is not seen
_APART = re.compile(_SIGNS)
_APART_OR_DASHED = re.compile(_SIGNS + r"|(?<=[^\W_])-(?=[^\W_])")
_LONG_PASS = re.compile("pass|@@@@", re.IGNORECASE)
NAMED = 10  # broken games that the notes name; the others are only counted


class Transcript(NamedTuple):
    """One game as a file tells it."""

    where: str  # "games.txt, line 3"
    words: list[str]  # its moves in the game's notation, passes among them or not
    result: float = np.nan  # > 0: the first player won, < 0: lost, 0: a draw; NaN: not told
    players: tuple[int, ...] = ()  # who played each word: 0 began, 1 the other; () if not told
    doubt: str = ""  # why the game counts only if its moves lead to its end
    comment: str = ""  # what stands behind the moves, of the game as a whole


def transcript(
    where: str,
    words: list[str],
    result: float | None,
    unread: str,
    players: tuple[int, ...] = (),
    doubt: str = "",
) -> Transcript:
    """A game as told; ``unread`` is the doubt where the result is None: not understood."""
    if result is None:
        return Transcript(where, words, np.nan, players, doubt or unread)
    return Transcript(where, words, result, players, doubt)


class Broken(NamedTuple):
    """Stands in the place of a game, or of the rest of a file, that cannot be read."""

    reason: str  # a sentence that begins with the place


class Batch(NamedTuple):
    """G games as they were told, not yet played."""

    where: NDArray[np.str_]  # [G] the place of each, for messages
    moves: Int  # [G, L] i32, NO_MOVE behind the end
    result: Float  # [G] f32, by how much the first player won (< 0: lost); NaN where it is not told
    players: NDArray[np.int8]  # [G, L] i8, who moved: 0 = who began; -1 where it is not told
    doubt: NDArray[np.str_]  # [G], why a game counts only if it was played out; "" if it does


class Imported(NamedTuple):
    """What came in, for the source of a data set."""

    expert: str  # "WTHOR 1977-2021"
    games: int
    notes: tuple[str, ...]


Told = Iterator[Transcript | Broken]
Parse = Callable[[Game, bytes, str], Told]  # game, content, name of the file
Complaints = dict[int, str]  # game of a batch -> what is wrong with it
Judge = Callable[[Game, Games, Batch], Complaints]


class GameImporter:
    """Takes in games batch by batch and gives those that are in order to ``add``.

    Raises ValueError for the first that is not; with ``skip_broken`` these are left out.
    """

    def __init__(
        self,
        game: Game,
        add: Callable[[Games], None],
        skip_broken: bool,
        judge: Judge | None = None,
    ) -> None:
        self.game = game
        self._add, self._skip = add, skip_broken
        self._judge = judge or results_told
        self._games = self._unfinished = self._left_out = 0
        self._reasons: list[str] = []
        self._doubts: list[str] = []
        self._empty: list[str] = []

    def refuse(self, reason: str) -> None:
        """Takes note of what is broken; raises ValueError unless it may be left out."""
        if not self._skip:
            raise ValueError(f"{reason} (--skip-broken leaves out what is broken)")
        self._left_out += 1
        if len(self._reasons) < NAMED:
            self._reasons.append(f"left out: {reason}")

    def take_in_files(
        self, paths: Sequence[Path], endings: tuple[str, ...], parse: Parse
    ) -> Imported:
        """Takes in all games of the files that ``files_of`` names."""
        for path in files_of(paths, endings):
            self.take_in(_told(path, parse, self.game))
        return self.imported(", ".join(path.name or str(path) for path in paths))

    def take_in(self, transcripts: Iterable[Transcript | Broken]) -> None:
        """Replays the games, refuses those that are not in order, hands on the others."""
        notation = Notation(self.game)
        waiting: list[tuple[Transcript, list[int], list[int]]] = []
        for told in transcripts:
            if isinstance(told, Broken):
                self.refuse(told.reason)
                continue
            if not told.words:  # a player did not come, say: there is nothing to learn
                self._empty.append(f"{told.where}: there are no moves")
                continue
            try:
                waiting.append((told, *notation.actions(told)))
            except ValueError as error:
                self.refuse(f"{told.where}: {error}")
            if len(waiting) == BATCH:
                self._hand_on(_batch(waiting))
                waiting.clear()
        if waiting:
            self._hand_on(_batch(waiting))

    def imported(self, expert: str, notes: Iterable[str] = ()) -> Imported:
        """What came in; raises ValueError when that is nothing."""
        if not self._games:
            reasons = [*self._reasons, *(f"left out: {game}" for game in self._empty)]
            first = f" ({reasons[0]})" if reasons else ""
            raise ValueError(f"{expert}: there are no games of {self.game.name}{first}")
        lines = list(notes)
        if self._unfinished:
            lines.append(
                f"{self._unfinished:,} games stop before the end; their outcome is the result told"
            )
        if self._empty:
            lines.append(f"{len(self._empty):,} games without moves are left out")
            lines += [f"left out: {game}" for game in self._empty[:NAMED]]
        lines += self._doubts[:NAMED]
        if self._left_out:
            lines += [f"{self._left_out:,} broken games or files are left out", *self._reasons]
        return Imported(expert, self._games, tuple(lines))

    def _hand_on(self, batch: Batch) -> None:
        """Gives the games that are in order to ``add``."""
        refused: Refused = {}
        games = replay(self.game, batch.moves, refused)
        if refused:
            batch = self._without(batch, {g: error.sentence for g, error in refused.items()})
            games = replay(self.game, batch.moves)
        complaints = wrong_turns(games, batch) | self._judge(self.game, games, batch)
        if complaints:
            batch = self._without(batch, complaints)
            games = replay(self.game, batch.moves)
        if not len(batch.where):
            return
        self._games += len(batch.where)
        self._unfinished += int(np.isnan(games.outcome[first_rows(games.game)]).sum())
        for where, doubt in zip(batch.where, batch.doubt, strict=True):
            if doubt:
                self._doubts.append(f"played out, so taken: {where}: {doubt}")
        # games that stop before their end have the outcome that is told
        assert games.second is not None  # from replay
        told = np.where(games.second, -1, 1) * np.sign(batch.result[games.game])
        outcome = np.where(np.isnan(games.outcome), told, games.outcome)
        self._add(games._replace(outcome=outcome.astype(np.float32)))

    def _without(self, batch: Batch, complaints: Complaints) -> Batch:
        """The batch but for the games complained of, which are refused."""
        for g in sorted(complaints):
            self.refuse(f"{batch.where[g]}: {complaints[g]}")
        kept = np.setdiff1d(np.arange(len(batch.where)), list(complaints))
        rest: Batch = take(batch, kept)
        return rest


class Notation:
    """Reads moves in a game's notation; a table answers for the names that the game writes."""

    def __init__(self, game: Game) -> None:
        self._game = game
        names = [game.action_name(action) for action in range(game.num_actions)]
        self._known = {name: action for action, name in enumerate(names)}
        lengths = {len(name) for name in names}
        self._size = lengths.pop() if len(lengths) == 1 else None
        self.has_numbers = all(name.isdecimal() for name in names)
        self._apart = _APART if any("-" in name for name in names) else _APART_OR_DASHED

    def split(self, text: str) -> list[str]:
        """The moves of a line: side by side where all names have one length, else apart."""
        words = [word for word in self._apart.split(text) if word]
        if self._size is None:
            return words
        return [part for word in words for part in self._side_by_side(word, self._size)]

    def is_move(self, word: str) -> bool:
        """Whether the game reads the word as one of its moves."""
        if word in self._known:
            return True
        try:
            self._game.parse_action(word)
        except ValueError:
            return False
        return True

    def actions(self, told: Transcript) -> tuple[list[int], list[int]]:
        """The actions, and who played each (nothing where neither players nor passes tell).

        A pass is left out where the game has no such action: there the same player moves again.
        Raises ValueError with the game's sentence.
        """
        actions: list[int] = []
        turns: list[int] = []
        for turn, word in enumerate(told.words):
            action = self._known.get(word)
            if action is None:
                if is_pass(word):
                    continue
                action = self._game.parse_action(word)
            actions.append(action)
            turns.append(turn)
        if not actions:
            raise ValueError("there are no moves")
        if len(actions) > self._game.max_moves:
            raise ValueError(
                f"there are {len(actions):,} moves; no game of {self._game.name} has more than "
                f"{self._game.max_moves}: move {self._game.max_moves + 1} comes after the end of "
                f"the game"
            )
        if told.players:
            return actions, [told.players[turn] for turn in turns]
        passes = len(actions) < len(told.words)
        return actions, [turn % 2 for turn in turns] if passes else []

    def _side_by_side(self, word: str, size: int) -> Iterator[str]:
        """The moves of a word, and the passes of more than two signs between them."""
        if is_pass(word) and word not in self._known:
            yield word
            return
        at = 0
        while at < len(word):
            told = _LONG_PASS.match(word, at) if size > 1 else None
            end = told.end() if told else at + size
            yield word[at:end]
            at = end


def ending(game: Game, told: Transcript) -> str | None:
    """How a game in order ends: "played out", or it "stops" with a result; None if it is not."""
    try:
        batch = _batch([(told, *Notation(game).actions(told))])
        games = replay(game, batch.moves)
    except ValueError:
        return None
    if results_told(game, games, batch):
        return None
    return "stops" if np.isnan(games.outcome[0]) else "played out"


def wrong_turns(games: Games, batch: Batch) -> Complaints:
    """The games in which a move is told of the player whose turn it is not."""
    told, start = batch.players[batch.moves != NO_MOVE], first_rows(games.game)
    rows = np.flatnonzero((told >= 0) & (told != games.second))
    which, first = np.unique(games.game[rows], return_index=True)
    return {
        int(g): f"move {row - start[g] + 1} is told of the player whose turn it is not"
        for g, row in zip(which, rows[first], strict=True)
    }


def results_told(game: Game, games: Games, batch: Batch) -> Complaints:
    """The games whose result is not known, or is told otherwise than the moves lead to."""
    outcome = games.outcome[first_rows(games.game)]
    over, told = ~np.isnan(outcome), ~np.isnan(batch.result)
    stop = "the moves stop before the end of the game"
    complaints: Complaints = {}
    for g in np.flatnonzero(~over & (~told | (batch.doubt != ""))).tolist():
        doubt = batch.doubt[g]
        complaints[g] = f"{doubt}, and {stop}" if doubt else f"{stop}, and no result is told"
    for g in np.flatnonzero(over & told & (np.sign(outcome) != np.sign(batch.result))).tolist():
        complaints[g] = (
            f"the result told is {_named(batch.result[g])}, the moves lead to {_named(outcome[g])}"
        )
    return complaints


def text_of(content: bytes, name: str) -> str:
    """The text of a file whose encoding is told by nothing but its bytes."""
    # the marks of files that were joined to one are spaces
    return decode(content, name).translate({0x1A: " ", 0xFEFF: " "})


def _told(path: Path, parse: Parse, game: Game) -> Told:
    """What a file tells; one that cannot be read tells why."""
    try:
        yield from parse(game, read_bytes(path), str(path))
    except ValueError as error:
        yield Broken(str(error))


def files_of(paths: Sequence[Path], endings: tuple[str, ...]) -> list[Path]:
    """The files that paths name: themselves, or those of a folder with one of the endings.

    Raises ValueError with a sentence where there is none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ValueError(f"there is no file or folder {path}")
        inside = sorted(path.iterdir()) if path.is_dir() else []
        fit = [file for file in inside if file.name.lower().removesuffix(".gz").endswith(endings)]
        if path.is_dir() and not fit:
            raise ValueError(f"there are no {' or '.join(endings)} files in {path}")
        found += fit or [path]
    return found


def _batch(told: Sequence[tuple[Transcript, list[int], list[int]]]) -> Batch:
    """The games side by side: as told, the actions, and who played each."""
    moves = side_by_side([actions for _, actions, _ in told])
    players = np.full(moves.shape, -1, np.int8)
    for row, (_, _, who) in zip(players, told, strict=True):
        row[: len(who)] = who
    where, result, doubt = (
        np.array([getattr(game, field) for game, _, _ in told])
        for field in ("where", "result", "doubt")
    )
    return Batch(where, moves, result.astype(np.float32), players, doubt)


def _named(result: float) -> str:
    """A return of the first player in words."""
    return "a draw" if result == 0 else f"a win of the {'first' if result > 0 else 'second'} player"
