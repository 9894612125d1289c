"""Compiles the kernels that many tests use, once: ``python tests/kernels.py boards|proofs``.

On a machine that has none yet, each of the processes that run tests would compile them for itself.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from program import run
from provers import write_prover
from training.test_run import RECIPE, RICH_RECIPE

from envs.proving.calculus.matrix import build_library
from envs.proving.game import OWN, Proving, load_library
from selfplay.checks import check_game
from selfplay.config import parse_config
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.workers import Effort, TrialWorkers
from selfplay.search import Puct

EFFORT = Effort(
    inferences=20, unguided_inferences=50, lanes=4, failures=1, hindsight=1, smoothing=0.1
)


def boards(place: Path) -> None:
    """Searches of every kind on boards, and their solvers."""
    for name, recipe in (("small", RECIPE), ("rich", RICH_RECIPE)):
        (place / f"{name}.toml").write_text(recipe)
        run(place, "train", f"{name}.toml", "--set", "budget.positions=300")
    for game in ("tictactoe", "connect4", "othello?size=6", "nim"):
        run(place, "check", game, "--games", "2")
        run(place, "match", "random", "mcts:8", "minimax:2", "--game", game, "--games", "2")


def proofs(place: Path) -> None:
    """Proofs with a net of either kind and without, and a round of training."""
    problem = place / "theorem.p"
    problem.write_text((OWN / "pelletier" / "pelletier_24.p").read_text())
    run(place, "prove", problem.name, "--net", "none")
    for kind in ("walks", "graph"):
        write_prover(place / "runs" / kind, kind)
        run(place, "prove", problem.name, "--run", kind, "--inferences", "500")
        run(place, "explore", kind, problem.name, "--simulations", "4")
    game = Proving(library=build_library(load_library(str(OWN / "pelletier")).forms[18:22]))
    net = parse_config({"net": {"kind": "walks", "features": 8, "width": 16}}).net.build(game)
    search = Puct(simulations=3, look_ahead=False)
    workers = TrialWorkers(
        game, search, EFFORT, lambda net: NetEvaluator(net, 64, "cpu", torch.float32, 0), 1
    )
    for how in ("guided", "in order"):
        workers.work(net, np.arange(4), how, np.random.default_rng(0))
    check_game(Proving(), games=2)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        {"boards": boards, "proofs": proofs}[sys.argv[1]](Path(folder))
