"""Run folders of tic-tac-toe that tests let grow: the files that a training writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from envs.tictactoe import TicTacToe
from selfplay.config import parse_config
from selfplay.learning import checkpoint

GAME = "1 5 2 4 3 # opening 2 seed 7\n"  # the first player takes the upper row
CONFIG: dict[str, Any] = {
    "game": "tictactoe",
    "net": {"kind": "mlp", "width": 8, "layers": 1},
    "search": {"kind": "gumbel", "simulations": 8},
    "evaluator": {"precision": "float32", "device": "cpu"},
    "budget": {"seconds": 100},
}


def begin(folder: Path, **changes: Any) -> None:
    """A run that has not told anything yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))


def report(folder: Path, step: int, phase: str, **scalars: float) -> None:
    """Appends a line to the metrics; ``learn__policy_loss`` is learn/policy_loss."""
    line = {"step": step, "phase": phase, "time": 1000.0 + step}
    line |= {name.replace("__", "/"): value for name, value in scalars.items()}
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def iterate(folder: Path, iteration: int) -> None:
    """What an iteration of ten seconds and a hundred positions tells and leaves behind."""
    positions = 100 * iteration
    report(folder, positions, "selfplay", selfplay__simulations_per_s=1000.0 * iteration,
           selfplay__seconds=4.0)  # fmt: skip
    report(folder, positions, "learn", learn__policy_loss=2 / iteration,
           learn__value_loss=1 / iteration, cost__wall_s=10.0 * iteration,
           cost__games=20.0 * iteration)  # fmt: skip


def measure(folder: Path, iteration: int, rate: float) -> None:
    """The strength after an iteration."""
    ends = {"strength__own_mistake_rate_low": rate / 2, "strength__own_mistake_rate_high": 2 * rate}
    rates = {"strength__own_mistake_rate": rate, "strength__own_net_mistake_rate": 3 * rate}
    report(folder, 100 * iteration, "strength", cost__wall_s=10.0 * iteration, **rates, **ends)


def save(folder: Path, iteration: int, games: str = GAME) -> None:
    """A checkpoint of an untrained net, and the games before it."""
    for name in ("checkpoints", "games"):
        (folder / name).mkdir(exist_ok=True)
    torch.manual_seed(iteration)
    net = parse_config(CONFIG).net.build(TicTacToe())
    (folder / "games" / f"{iteration:06}.txt").write_text(games)
    content = {"game": "tictactoe", "iteration": iteration, "net": net.state_dict()}
    checkpoint.save(folder / "checkpoints" / f"{iteration:06}.pt", content)
