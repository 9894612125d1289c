"""Compiles the kernels that many tests of proving use, once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from program import run
from provers import write_prover

from envs.proving.calculus.matrix import build_library
from envs.proving.game import OWN, SMALL, Proving, load_library
from selfplay.checks import check_game
from selfplay.config import parse_config
from selfplay.nets.inference import EvaluatorSection
from selfplay.proving.workers import Effort, TrialSetup, TrialWorkers
from selfplay.search import Puct

EFFORT = Effort(
    inferences=20, unguided_inferences=50, lanes=4, failures=1, hindsight=1, smoothing=0.1
)


def proofs(place: Path) -> None:
    """Proofs with a net of either kind and without, and a round of training."""
    problem = place / "theorem.p"
    problem.write_text(SMALL.read_text())
    run(place, "prove", problem.name, "--net", "none")
    for kind in ("walks", "graph"):
        write_prover(place / "runs" / kind, kind)
        run(place, "prove", problem.name, "--run", kind, "--inferences", "500")
        run(place, "explore", kind, problem.name, "--simulations", "4")
    game = Proving(library=build_library(load_library(str(OWN / "pelletier")).forms[18:22]))
    net = parse_config({"net": {"kind": "walks", "features": 8, "width": 16}}).net.build(game)
    search = Puct(simulations=3, look_ahead=False)
    section = EvaluatorSection(device="cpu", precision="float32", cache=0)
    workers = TrialWorkers(TrialSetup(game, search, EFFORT, section.inference(net, game)), 1)
    for how in ("guided", "in order"):
        workers.work(net, np.arange(4), how, np.random.default_rng(0))
    check_game(Proving(), games=2)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        proofs(Path(folder))
