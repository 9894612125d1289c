"""Compiles the kernels that many tests of boards use, once; see also proving/kernels.py.

On a machine that has none yet, each of the processes that run tests would compile them for itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from program import run
from training.conftest import RECIPE
from training.test_stops import RICH


def boards(place: Path) -> None:
    """Searches of every kind on boards, and their solvers."""
    (place / "small.toml").write_text(RECIPE)
    for overrides in ([], RICH):
        options = [
            word for each in (*overrides, "budget.positions=300") for word in ("--set", each)
        ]
        run(place, "train", "small.toml", *options)
    for game in ("tictactoe", "connect4", "othello?size=6", "nim"):
        run(place, "check", game, "--games", "2")
        run(place, "match", "random", "mcts:8", "minimax:2", "--game", game, "--games", "2")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        boards(Path(folder))
