"""Connect Four positions of all stages of the game, with truth.

Six sets after Pascal Pons' benchmark (blog.gamesolver.org, "Test protocol"): how much has been
played, and how much would still be played by two perfect players.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import take
from selfplay.openings import NO_MOVE, canonical_keys, random_positions
from selfplay.positions import write_positions
from selfplay.solver import solver_for
from selfplay.types import Float, Game

STAGES = {"begin": (0, 14), "middle": (15, 28), "end": (29, 41)}  # plies played, both included
SETS = ("begin-easy", "begin-medium", "begin-hard", "middle-easy", "middle-medium", "end-easy")
CANDIDATES = 512  # random games played at a time


def label_stages(game: Game, path: str | Path, count: int, seed: int) -> None:
    """Writes a position file of ``count`` positions for each of SETS, solved exactly.

    The positions come from random legal play, its length drawn evenly from the stage's; none is
    over, and none equals another or its mirror image.  The same seed writes the same bytes.
    Raises ValueError unless ``game`` is Connect Four on 7 x 6 and its solver is installed.
    """
    if game.name != "connect4":
        raise ValueError(f"stages are known for connect4 only, not for {game.name}")
    solver = solver_for(game)
    rng = np.random.default_rng(seed)
    seen: set[int] = set()
    wanted = dict.fromkeys(SETS, count)
    found: dict[str, list[tuple[list[int], Float]]] = {name: [] for name in SETS}
    for stage, (fewest, most) in STAGES.items():
        of_stage = [name for name in SETS if name.startswith(stage)]
        while any(wanted[name] for name in of_stage):
            plies = rng.integers(fewest, most + 1, CANDIDATES)
            reached = random_positions(game, plies, rng)
            fresh = take(reached, _fresh(canonical_keys(game, reached.state), seen))
            for i, line in enumerate(fresh.moves):
                if not any(wanted[name] for name in of_stage):
                    break
                row = solver.scores(take(fresh.state, slice(i, i + 1)))[0]
                moves = line[line != NO_MOVE].tolist()
                name = f"{stage}-{_difficulty(float(np.nanmax(row)), len(moves))}"
                if wanted.get(name):
                    wanted[name] -= 1
                    found[name].append((moves, row))
    sets = [name for name in SETS for _ in found[name]]
    chosen = [pair for name in SETS for pair in found[name]]
    scores = np.stack([row for _, row in chosen])
    write_positions(game, path, sets, [line for line, _ in chosen], scores)


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


def _fresh(keys: NDArray[np.uint64], seen: set[int]) -> NDArray[np.int64]:
    """The rows whose key was not seen before; they are seen from now on."""
    rows = []
    for i, key in enumerate(keys.tolist()):
        if key not in seen:
            seen.add(key)
            rows.append(i)
    return np.array(rows, np.int64)
