"""Compiles the kernels that many tests of boards use, once; see also proving/kernels.py.

On a machine that has none yet, each of the processes that run tests would compile them for itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from program import run
from training.test_run import RECIPE, RICH_RECIPE


def boards(place: Path) -> None:
    """Searches of every kind on boards, and their solvers."""
    for name, recipe in (("small", RECIPE), ("rich", RICH_RECIPE)):
        (place / f"{name}.toml").write_text(recipe)
        run(place, "train", f"{name}.toml", "--set", "budget.positions=300")
    for game in ("tictactoe", "connect4", "othello?size=6", "nim"):
        run(place, "check", game, "--games", "2")
        run(place, "match", "random", "mcts:8", "minimax:2", "--game", game, "--games", "2")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        boards(Path(folder))
