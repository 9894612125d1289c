"""Small trained runs of the proving game, for tests."""

from __future__ import annotations

from pathlib import Path

import torch

from envs.proving.game import OWN, Proving
from selfplay.config import parse_config
from selfplay.learning import checkpoint
from selfplay.training.folder import RunFolder

BELIEFS = {
    "walks": {"kind": "walks", "features": 4, "width": 8},
    "graph": {"kind": "graph", "features": 8, "rounds": 1},
}


def write_prover(folder: Path, kind: str = "walks") -> Path:
    """A run whose net was never trained; its problems are no longer where they were."""
    config = parse_config(
        {
            "game": "proving?nodes=150",
            "problems": str(folder / "gone"),
            "net": BELIEFS[kind],
            "search": {"kind": "puct", "simulations": 100, "look_ahead": False},
        }
    )
    library = Proving(str(OWN / "pelletier" / "pelletier_24.p")).library
    torch.manual_seed(0)
    net = config.net.build(Proving(nodes=150, view=kind, library=library))  # type: ignore[arg-type]
    run = RunFolder(folder)
    run.path.mkdir(parents=True)
    (run.path / "checkpoints").mkdir()
    run.write_json("config.json", config.dump())
    checkpoint.save(run.checkpoint(7), {"game": config.game, "net": net.state_dict()})
    return folder
