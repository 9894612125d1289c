"""Run folders with planted curves, as a training writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq

from selfplay.stats import Interval, wilson

POSITIONS = 600  # that the planted rates are measured on
FLOPS = 10 ** np.arange(10.0, 14.01, 0.25)

Law = Callable[[float], float]  # FLOPs -> the true metric


def power(scale: float, exponent: float, floor: float = 0.0) -> Law:
    """L = floor + (scale / C) ** exponent, at most 0.7."""
    return lambda flops: min(0.7, floor + (scale / flops) ** exponent)


PLAYED = power(2.7424e8, 0.4)  # of self-play


def imitated(games: int, width: int) -> Law:
    """Of imitation: it ends on a floor that data lower most, and size a little."""
    return power(3e7, 0.42, 0.4 * games**-0.3 * (16 / width) ** 0.15)


CROSSING = float(brentq(lambda flops: PLAYED(flops) - imitated(10_000, 64)(flops), 1e11, 1e14))


def write_run(
    folder: Path,
    law: Law,
    *,
    kind: str = "selfplay",
    seed: int = 0,
    regime: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    width: int = 16,
    strength: dict[str, Any] | None = None,
    flops: np.ndarray = FLOPS,
    expert_s: float = 0.0,
    spread: float = 0.1,
    finished: bool = True,
) -> Path:
    """A run whose mistake rate follows ``law`` times exp(N(0, spread)), one draw a seed.

    ``data``: what provenance.json says of the expert's games: expert, games, positions, unique.
    The rate is measured on POSITIONS positions; the cross-entropy is twice the rate.  Learner and
    generation share the compute 3 to 1; the machine does 1e10 FLOPs a second.  The net is
    a layer of ``width`` between 18 inputs and heads of 9 and 3.
    """
    rng = np.random.default_rng([seed, *map(ord, kind), width])
    factor = float(np.exp(spread * rng.standard_normal()))
    proves = kind == "prove"
    config = {
        "name": folder.name, "game": "tictactoe", "problems": "", "seed": seed,
        "regime": {"kind": kind, **({"guided": True} if proves else {}), **(regime or {})},
        "net": {"kind": "mlp", "width": width, "layers": 1, "reply_head": False},
        "learner": {"lr": 0.003, "batch": 512},
        "strength": {
            "every_s": 60.0, "positions": "", "simulations": 64,
            **({"inferences": 0, "problems": 100, "guided": True} if proves else {}),
            **(strength or {}),
        },
        "budget": {"flops": 1e14, "seconds": None, "positions": None},
    }  # fmt: skip
    provenance = {"finished": finished, **({"data": data} if data else {})}
    unique = (data or {}).get("unique")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "provenance.json").write_text(json.dumps(provenance))
    lines: list[dict[str, Any]] = []
    for compute in map(float, flops):
        step = int(compute / 1e7)
        samples = compute / 1e6
        lines.append({"step": step, "phase": "learn", "time": 1.0, "learn/policy_loss": 1.0})
        rate = min(1.0, law(compute) * factor)
        share = wilson(float(rng.binomial(POSITIONS, rate)), POSITIONS)
        alone = Interval(*(min(1.0, 1.5 * each) for each in share))
        lines.append({
            "step": step, "phase": "strength", "time": 2.0,
            "cost/flops_learn": 0.75 * compute, "cost/flops_generate": 0.25 * compute,
            "cost/flops": compute, "cost/expert_s": expert_s, "cost/expert_flops": 0.0,
            "cost/tree_s": 0.1, "cost/wall_s": compute / 1e10, "cost/samples": samples,
            "cost/positions_unique": float(unique or step),
            "cost/effective_epochs": samples / (unique or step),
            "cost/games": float((data or {}).get("games") or step / 10),
            **share.scalars("strength/mistake_rate"), **alone.scalars("strength/net_mistake_rate"),
            "strength/optimal_mass": 1 - share.value,
            "strength/value_cross_entropy": 0.3 + rate,
            "strength/policy_cross_entropy": 2 * rate,
            "net/parameters": 31.0 * width + 12,
        })  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)
    return folder


def expert_data(games: int, expert: str = "solver, temperature 1") -> dict[str, Any]:
    """What a run that learns from ``games`` games of ``expert`` says of them."""
    return {"expert": expert, "games": games, "positions": 8 * games, "unique": 5 * games}


def write_sweep(folder: Path, seeds: int = 3) -> Path:
    """Self-play that overtakes imitation of 10,000 games at CROSSING, and its rivals.

    Imitation of 100, 1,000 and 10,000 games by two sizes of nets, policy gradients (behind), and
    frozen runs of two makers and two learners.  No noise but that of seeds and positions.
    """
    for seed in range(seeds):
        for games in (100, 1000, 10_000):
            for width in (16, 64):
                write_run(
                    folder / f"imitation-{games}-{width}-{seed}",
                    imitated(games, width),
                    kind="imitation",
                    seed=seed,
                    regime={"data": "runs/data/t1", "games": games},
                    data=expert_data(games),
                    width=width,
                    expert_s=games / 100,
                )
        write_run(folder / f"selfplay-{seed}", PLAYED, seed=seed, width=64)
        write_run(
            folder / f"gradient-{seed}", power(1e10, 0.15), kind="policy_gradient", seed=seed,
            width=64,
        )  # fmt: skip
        for maker, width in ((16, 16), (16, 64), (64, 16), (64, 64)):
            write_run(
                folder / f"frozen-{maker}-{width}-{seed}",
                power(1e9, 0.3, 0.02 * (64 / maker) * (64 / width) ** 0.5),
                kind="frozen",
                seed=seed,
                regime={"run": str(folder / f"imitation-100-{maker}-{seed}"), "unique": 5000},
                data={"expert": "another run", "positions": 9000, "unique": 5000},
                width=width,
            )
    (folder / "sweep.json").write_text("{}")
    return folder
