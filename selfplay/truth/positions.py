"""Position files: positions of a game with the exact score of every action.

A .csv or .csv.gz whose header names the columns ``set``, ``moves`` and ``s1`` to ``sA``, in any
order and with any further ones between, which are ignored: the name of a set, the moves that lead
to the position in the game's own notation ("44444345"), and the score of each action for the
player to move, empty where it is illegal.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import length, put, rank_within, take
from selfplay.lines.games import IllegalMoveError, recorded, side_by_side
from selfplay.lines.keys import position_keys
from selfplay.system.text import lines, read_text
from selfplay.types import Float, Game, Int, State

BYTES = 1 << 27  # of a position file, unpacked
MOST = 1_000_000  # positions of a file
NAMES = ("stages", "informative", "validation")  # of the files that ship for some games
DELIMITERS = ",;\t"


class Positions(NamedTuple):
    """M positions with their truth."""

    set_names: tuple[str, ...]  # in the order of the file
    set_index: Int  # [M] i32, into set_names
    state: State  # [M]
    scores: Float  # [M, A] f32, exact score for the player to move; NaN where illegal
    group: NDArray[np.int64] | None = None  # [M], equal where they are of one game; None: unknown


class Row(NamedTuple):
    """One line of a file, read but not yet played."""

    line: int  # 1-based, the header is line 1
    set_name: str
    actions: list[int]
    scores: Float  # [A]


def shipped_positions(game: Game, name: str) -> Path | None:
    """The position file ``name`` that ships for ``game``, or None."""
    path = Path(__file__).parent / "shipped" / f"{game.name}_{name}.csv.gz"
    return path if path.exists() else None


def default_positions(game: Game) -> Path | None:
    """The position file that ships for ``game`` and is taken where none is named, or None."""
    return shipped_positions(game, NAMES[0])


def find_positions(game: Game, wish: str) -> Path | None:
    """The file that ``wish`` names: one that ships, else a path; empty: ``default_positions``."""
    return (shipped_positions(game, wish) or Path(wish)) if wish else default_positions(game)


def digest(positions: Positions) -> str:
    """16 hex digits, the same for the same positions with the same sets and scores."""
    content = hashlib.blake2b(digest_size=8)
    for part in (position_keys(positions.state), positions.set_index, positions.scores):
        content.update(np.ascontiguousarray(part).tobytes())
    content.update("\n".join(positions.set_names).encode())
    return content.hexdigest()


def first_of_sets(positions: Positions, each: int) -> Positions:
    """The first ``each`` positions of every set, or all of a set that has fewer."""
    index = positions.set_index
    rows = np.flatnonzero(rank_within(index) < each)
    return positions._replace(
        set_index=index[rows],
        state=take(positions.state, rows),
        scores=positions.scores[rows],
        group=None if positions.group is None else positions.group[rows],
    )


def read_positions(game: Game, path: str | Path) -> Positions:
    """The positions of a file.

    Raises ValueError naming file and line when something in it cannot be.
    """
    if not Path(path).exists():
        ship = [name for name in NAMES if shipped_positions(game, name)]
        named = f"; {game.name} ships with {', '.join(ship)}" if ship else ""
        raise ValueError(f"there is no position file {path}{named}")
    rows = _read_rows(game, read_text(path, limit=BYTES), path)
    names = tuple(dict.fromkeys(row.set_name for row in rows))
    index = {name: i for i, name in enumerate(names)}
    moves = side_by_side([row.actions for row in rows])
    scores = np.stack([row.scores for row in rows])
    state = _played(game, moves, [f"{path}, line {row.line}" for row in rows])
    _check_scores(game, state, scores, rows, path)
    set_index = np.array([index[row.set_name] for row in rows], np.int32)
    return Positions(names, set_index, state, scores)


def write_positions(
    game: Game, path: str | Path, sets: Sequence[str], moves: Sequence[Sequence[int]], scores: Float
) -> None:
    """Writes M positions: the name of the set, the line of play and the scores [M, A] of each.

    The same content gives the same bytes.
    """
    names = [game.action_name(action) for action in range(game.num_actions)]
    separator = "" if len({len(name) for name in names}) == 1 else " "
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_columns(game))
    for set_name, played, row in zip(sets, moves, scores.tolist(), strict=True):
        line = separator.join(names[action] for action in played)
        writer.writerow([set_name, line, *("" if s != s else f"{s:g}" for s in row)])
    content = out.getvalue().encode()
    if str(path).endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    Path(path).write_bytes(content)


def parse_moves(game: Game, text: str) -> list[int]:
    """The actions of a line of play in the game's notation.

    Moves stand side by side where all names of actions have one length ("44435"), else they are
    separated by spaces or commas.  Raises ValueError with a sentence.
    """
    words = text.replace(",", " ").split()
    lengths = {len(game.action_name(action)) for action in range(game.num_actions)}
    if len(lengths) == 1:
        size = lengths.pop()
        words = [word[i : i + size] for word in words for i in range(0, len(word), size)]
    return [game.parse_action(word) for word in words]


def _read_rows(game: Game, text: str, path: str | Path) -> list[Row]:
    left = lines(text)
    names, delimiter = _read_header(game, next(left, "").rstrip("\n"), path)
    reader = csv.reader(left, delimiter=delimiter)
    rows: list[Row] = []
    try:
        for fields in filter(None, reader):  # no empty lines
            line = reader.line_num + 1
            where = f"{path}, line {line}"
            if len(rows) == MOST:
                raise ValueError(f"{where}: more than {MOST:,} positions; split the file")
            if len(fields) != len(names):
                raise ValueError(f"{where}: {len(fields)} columns, the header has {len(names)}")
            try:
                rows.append(_read_row(game, dict(zip(names, fields, strict=True)), line))
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from error
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as a position file: {error}") from error
    if not rows:
        raise ValueError(f"{path} holds no positions, only a header")
    return rows


def _read_header(game: Game, line: str, path: str | Path) -> tuple[list[str], str]:
    """The names of the columns, and what parts them; ValueError when they do not do."""
    wanted = _columns(game)
    columns: dict[str, list[str]] = {}
    for each in DELIMITERS:
        fields = next(csv.reader([line], delimiter=each), [])
        columns[each] = [name.strip().casefold() for name in fields]
    delimiter = max(DELIMITERS, key=lambda each: len({*wanted} & {*columns[each]}))
    names = columns[delimiter]
    missing = [name for name in wanted if name not in names]
    beyond = f"s{game.num_actions + 1}"
    if missing:
        wrong = f"the columns {', '.join(missing)} are missing"
    elif beyond in names:
        wrong = f"the column {beyond} is of a game of more actions"
    elif len(wanted) < sum(name in wanted for name in names):
        wrong = "a column is there twice"
    else:
        return names, delimiter
    shown = f"{line[:200]}..." if len(line) > 200 else line
    raise ValueError(
        f"{path}, line 1: the header is {shown!r}: {wrong}; positions of {game.name} "
        f"({game.num_actions} actions) cannot be read by it: name set, moves and s1 to {wanted[-1]}"
    )


def _columns(game: Game) -> list[str]:
    return ["set", "moves", *(f"s{i + 1}" for i in range(game.num_actions))]


def _read_row(game: Game, fields: dict[str, str], line: int) -> Row:
    """A line; raises ValueError with a sentence."""
    cells = [fields[name].strip() for name in _columns(game)[2:]]
    scores = np.array([float(score) if score else np.nan for score in cells], np.float64)
    for score, value in zip(cells, scores.tolist(), strict=True):
        if score and not abs(value) < 1e30:
            raise ValueError(f"the score {score!r} is no number that counts")
    actions = parse_moves(game, fields["moves"])
    if len(actions) > game.max_moves:
        raise ValueError(
            f"{len(actions):,} moves; no game of {game.name} has more than {game.max_moves}"
        )
    return Row(line, fields["set"], actions, scores.astype(np.float32))


def _played(game: Game, moves: Int, where: Sequence[str]) -> State:
    """The states [M] after ``moves`` [M, L]; ``where`` names the lines in error messages."""
    state = game.init(np.random.default_rng(0), len(moves))
    over = np.zeros(len(moves), np.bool_)
    try:
        for turn, _, after, paid in recorded(game, moves):
            put(state, turn.lane, after)
            over[turn.lane] = paid.discount == 0
    except IllegalMoveError as error:
        name = game.action_name(int(moves[error.game, error.ply]))
        reason = "comes after the end of the game" if over[error.game] else "is illegal"
        raise ValueError(
            f"{where[error.game]}: move {error.ply + 1} ({name}) {reason} in\n"
            f"{game.text(state, error.game)}"
        ) from error
    if over.any():
        raise ValueError(f"{where[int(np.argmax(over))]}: the game is over, there is no move left")
    return state


def _check_scores(
    game: Game, state: State, scores: Float, rows: Sequence[Row], path: str | Path
) -> None:
    """Raises ValueError unless exactly the legal actions have a score."""
    for start in range(0, length(state), 4096):
        legal = game.legal(take(state, slice(start, start + 4096)))
        wrong: NDArray[np.bool_] = np.isnan(scores[start : start + 4096]) == legal
        if wrong.any():
            i, action = (int(k) for k in np.argwhere(wrong)[0])
            problem = "is legal and has no score" if legal[i, action] else "is illegal and has one"
            raise ValueError(
                f"{path}, line {rows[start + i].line}: action {game.action_name(action)} {problem}"
            )
