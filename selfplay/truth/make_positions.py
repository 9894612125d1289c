"""Positions of a game's stages, with truth: what the position files that ship were made by.

Connect Four: six sets after Pascal Pons' benchmark (blog.gamesolver.org, "Test protocol"): how much
has been played, and how much would still be played by two perfect players.
Othello: its end, by the number of empty squares.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from envs.othello import Othello
from selfplay.arrays import take
from selfplay.lines.keys import canonical_keys
from selfplay.lines.openings import (
    NO_MOVE,
    Openings,
    any_move,
    random_positions,
)
from selfplay.truth.positions import write_positions
from selfplay.truth.solver import optimal_moves, solver_for
from selfplay.types import Float, Game, Int, State

STAGES = {"begin": (0, 14), "middle": (15, 28), "end": (29, 41)}  # plies played, both included
SETS = ("begin-easy", "begin-medium", "begin-hard", "middle-easy", "middle-medium", "end-easy")
EMPTIES = (9, 12, 15, 18)  # of the sets of Othello; odd numbers are mostly White's to move
CANDIDATES = 512  # random games played at a time

_LOST = 0.3  # the share of positions of Othello in which every move loses
_CARELESS = 0.25  # the share of random moves in play that otherwise counts replies


def label_stages(game: Game, path: str | Path, count: int, seed: int) -> None:
    """Writes a position file of ``count`` positions for each set, solved exactly.

    None of them is over, and none equals another or its mirror image.  Of Connect Four they come
    from random legal play, its length drawn evenly from the stage's.  Of Othello half come from
    random play and half from play that leaves the opponent few replies; in seven of ten some moves
    keep the best result and others spoil it, in the rest every move loses.
    The same seed writes the same bytes.  Raises ValueError for other games, and when the solver is
    not installed.
    """
    if isinstance(game, Othello):
        labelled = _label_othello(game, count, seed)
    elif game.name == "connect4":
        labelled = _label_connect4(game, count, seed)
    else:
        raise ValueError(f"stages are known for connect4 and othello only, not for {game.name}")
    scores = np.stack([each.scores for each in labelled])
    sets, moves = [each.set_name for each in labelled], [each.moves for each in labelled]
    write_positions(game, path, sets, moves, scores)


class Labelled(NamedTuple):
    """A position and its truth."""

    set_name: str
    moves: list[int]
    scores: Float  # [A] f32


def _label_connect4(game: Game, count: int, seed: int) -> list[Labelled]:
    solver = solver_for(game)
    rng = np.random.default_rng(seed)
    seen: set[int] = set()
    wanted = dict.fromkeys(SETS, count)
    labelled: list[Labelled] = []
    for stage, (fewest, most) in STAGES.items():
        of_stage = [name for name in SETS if name.startswith(stage)]
        while any(wanted[name] for name in of_stage):
            plies = rng.integers(fewest, most + 1, CANDIDATES)
            for moves, state in _fresh(game, random_positions(game, plies, rng), seen):
                if not any(wanted[name] for name in of_stage):
                    break
                row = solver.scores(state)[0]
                name = f"{stage}-{_difficulty(float(np.nanmax(row)), len(moves))}"
                if wanted.get(name):
                    wanted[name] -= 1
                    labelled.append(Labelled(name, moves, row))
    return sorted(labelled, key=lambda each: SETS.index(each.set_name))


def _label_othello(game: Othello, count: int, seed: int) -> list[Labelled]:
    solver = solver_for(game)
    rng = np.random.default_rng(seed)
    seen: set[int] = set()
    labelled: list[Labelled] = []
    lost = round(_LOST * count)
    for empties in EMPTIES:
        plies = np.full(CANDIDATES, game.max_moves - empties)  # each fills a square
        for half, rule in enumerate((any_move, few_replies)):
            wanted = {True: (lost + half) // 2, False: (count - lost + 1 - half) // 2}
            while any(wanted.values()):
                for moves, state in _fresh(game, random_positions(game, plies, rng, rule), seen):
                    if game.legal(state).sum() < 2 or not any(wanted.values()):
                        continue
                    scores = solver.scores(state)
                    is_lost = bool(np.nanmax(scores) < 0)
                    hangs = int(optimal_moves(scores).sum()) < int(game.legal(state).sum())
                    if (is_lost or hangs) and wanted[is_lost]:
                        wanted[is_lost] -= 1
                        labelled.append(Labelled(f"{empties}-empties", moves, scores[0]))
    return labelled


def few_replies(game: Game, state: State, rng: np.random.Generator) -> Int:
    """[B] i32, moves that leave the other player as few replies as can be, but for careless ones.

    A beginner's rule for Othello: who has few moves must soon give something away.
    """
    legal = game.legal(state)
    rows, actions = np.nonzero(legal)
    after, paid = game.step(take(state, rows), actions.astype(np.int32))
    replies = np.where(paid.discount < 0, game.legal(after).sum(axis=1), 0)
    appeal = np.full(legal.shape, -np.inf)
    appeal[rows, actions] = rng.random(len(rows)) - replies
    careless = rng.random(len(legal)) < _CARELESS
    chosen = np.where(careless, any_move(game, state, rng), appeal.argmax(axis=1))
    moves: Int = chosen.astype(np.int32)
    return moves


def plies_left(score: float, played: int) -> int:
    """How many plies two perfect players would still play after ``played`` plies.

    ``score``: the solver's for the player to move.  s > 0: he wins with his (22 - s)-th stone.
    """
    if score > 0:
        return 2 * int(22 - score - played // 2) - 1
    if score < 0:
        return 2 * int(22 + score - (played + 1) // 2)
    return 42 - played


def _difficulty(score: float, played: int) -> str:
    left = plies_left(score, played)
    return "easy" if left < 14 else "medium" if left <= 28 else "hard"


def _fresh(game: Game, reached: Openings, seen: set[int]) -> Iterator[tuple[list[int], State]]:
    """The moves and the state of each position not seen before; it is seen from now on."""
    for i, key in enumerate(canonical_keys(game, reached.state).tolist()):
        if key not in seen:
            seen.add(key)
            line = reached.moves[i]
            yield line[line != NO_MOVE].tolist(), take(reached.state, slice(i, i + 1))
