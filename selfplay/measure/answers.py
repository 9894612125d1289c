"""What players answered, position by position, at one measurement of a run: RUN/strength/STEP.npz.

Runs that were judged on the same positions can be compared pair by pair, which takes out how hard
the positions are.  One file a measurement, of 17 kB for 6,000 positions; no pickles.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import read_arrays
from selfplay.system.files import write_atomically
from selfplay.types import Bool, Float

FOLDER = "strength"  # of a run
MOVERS = "net", "search"  # players whose moves are kept
NOTHING: Mapping[str, Any] = MappingProxyType({})
_DIGEST = re.compile(r"[0-9a-f]{16}")


class Answers(NamedTuple):
    """Who erred where, on M positions of a file.

    Players: ``net`` alone, its ``value`` one move ahead, the ``search``, and ``search_S`` for each
    number S of ``strength.ladder``.  With ``strength.searched`` all but the first are judged on the
    first K positions of the sets, see ``truth.positions.first_of_sets``: arrays of equal length
    under equal digests are of the same positions.

    ``moves`` are kept of the first and the third, so that one can see whether the net comes to play
    what its search did; files of before have none.
    """

    positions: str  # digest of the position file: 16 hex digits
    mistakes: dict[str, Bool]  # [M] by player: the move played spoils the best result
    mass: dict[str, Float]  # [M] f32 by player: probability of moves that do not
    moves: Mapping[str, NDArray[np.uint16]] = NOTHING  # [M] by player: the action played

    def of(self, players: Sequence[str], rows: Any = slice(None)) -> Answers:
        """What these players answered, those that there are, in some of the positions."""
        parts = (
            {player: part[player][rows] for player in players if player in part}
            for part in (self.mistakes, self.mass, self.moves)
        )
        return Answers(self.positions, *parts)


def answers_path(run: Path, step: int) -> Path:
    """Where the run in a folder keeps what was answered at ``step`` positions."""
    return run / FOLDER / f"{step:09}.npz"


def write_answers(path: Path, answers: Answers) -> None:
    """Writes a file aside and renames it; ValueError when the disk does not take it.

    Mistakes take a bit each.  Of the mass it is the rest up to 1 that is kept as float16: there the
    numbers of a good player are small, and exact to 0.05%.
    """
    fields = {"positions": np.array(answers.positions)}
    for player, mistakes in answers.mistakes.items():
        rest = np.clip(1 - answers.mass[player].astype(np.float64), 0, 1)
        fields[f"mistakes_{player}"] = np.packbits(mistakes)
        fields[f"rest_{player}"] = rest.astype(np.float16)
    for player, moves in answers.moves.items():
        fields[f"moves_{player}"] = moves.astype(np.min_scalar_type(moves.max(initial=0)))
    write_atomically(path, lambda file: np.savez_compressed(file, **fields))  # type: ignore[arg-type]


def read_answers(path: Path) -> Answers:
    """What ``write_answers`` wrote; ValueError with a sentence where it is missing or damaged."""
    try:
        held = read_arrays(path)
        digest = str(held.pop("positions"))
        players = [name.removeprefix("rest_") for name in held if name.startswith("rest_")]
        mass = {player: _mass(held.pop(f"rest_{player}")) for player in players}
        mistakes = {
            player: _unpacked(held.pop(f"mistakes_{player}"), len(mass[player]))
            for player in players
        }
        movers = [name.removeprefix("moves_") for name in held if name.startswith("moves_")]
        moves = {
            player: _moves(held.pop(f"moves_{player}"), len(mass[player])) for player in movers
        }
        if held or not _DIGEST.fullmatch(digest):
            raise ValueError("it holds something else")
    except Exception as error:  # ``read_arrays`` may raise almost anything
        raise ValueError(
            f"{path} is missing or damaged: what was answered there is only known again when a run "
            f"of the same recipe is trained anew"
        ) from error
    return Answers(digest, mistakes, mass, moves)


def read_packed_mistakes(path: Path, player: str) -> NDArray[np.uint8]:
    """Where one player erred, 8 positions a byte as ``np.packbits`` has it; the rest is not read.

    Raises ValueError with a sentence where the file is missing, damaged, or without the player.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            packed: NDArray[np.uint8] = file[f"mistakes_{player}"]
        if packed.dtype != np.uint8 or packed.ndim != 1:
            raise ValueError("it holds something else")
    except Exception as error:  # as in ``read_answers``
        raise ValueError(f"{path} is missing, damaged, or without {player}") from error
    return packed


def truncate_answers(run: Path, step: int | None) -> None:
    """Removes what the run in a folder answered after ``step`` (None: all): it is done again."""
    for path in (run / FOLDER).glob("[0-9]*.npz"):
        if path.stem.isdecimal() and (step is None or int(path.stem) > step):
            path.unlink()


def _mass(rest: NDArray[Any]) -> Float:
    if rest.dtype != np.float16 or rest.ndim != 1 or not ((rest >= 0) & (rest <= 1)).all():
        raise ValueError("a mass that is no probability")
    mass: Float = 1 - rest.astype(np.float32)
    return mass


def _moves(moves: NDArray[Any], count: int) -> NDArray[np.uint16]:
    if moves.dtype not in (np.uint8, np.uint16) or moves.shape != (count,):
        raise ValueError("moves that are none")
    return moves.astype(np.uint16)


def _unpacked(packed: NDArray[Any], count: int) -> Bool:
    if packed.dtype != np.uint8 or packed.shape != (-(-count // 8),):
        raise ValueError("lists of unequal length")
    bits: Bool = np.unpackbits(packed, count=count).view(np.bool_)
    return bits
