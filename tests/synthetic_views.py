"""Run folders that tell what views of a comparison beside strength against compute are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from synthetic_runs import power, write_run

from selfplay.measure.answers import Answers, answers_path, write_answers
from selfplay.types import Bool

POSITIONS = 400
STOCKS = (1000, 4000, 16_000, 64_000, 256_000)
WIDTHS = (16, 64, 256, 4096)  # of frozen nets; the last learns from all stocks
GAMMA = 0.7  # of E* ~ N ** GAMMA
PARTING = (1.1 ** (1 / 0.15) - 1) ** 0.5  # (1 + PARTING ** 2) ** 0.15 = 1.1
LADDER = (0, 1, 4, 16, 64, 256)
SLOPE = -2.0  # of lines of equal strength, while mistakes are few: 0.4 / 0.2
DIGEST = "0123456789abcdef"


def write_views(folder: Path, seeds: int = 3) -> Path:
    """Self-play that searches 2, 16 or 64 simulations, policy gradients, and frozen positions."""
    for seed in range(seeds):
        for i, simulations in enumerate((2, 16, 64)):
            law = power(10 ** (10.8 - 0.15 * i), 0.4)
            played = write_run(folder / f"played-{simulations}-{seed}", law, seed=seed, width=64)
            _search(played, simulations)
            _climb(played)
            write_history(played, seed, order=0.7, kind=0)
        trained = write_run(
            folder / f"gradient-{seed}", power(1e10, 0.3), kind="policy_gradient", seed=seed,
            width=64,
        )  # fmt: skip
        write_history(trained, seed, order=0.5, kind=1)
        for width in WIDTHS:
            for data in STOCKS if width == WIDTHS[-1] else STOCKS[-1:]:
                name = f"frozen-{width}-{data}-{seed}"
                _write_frozen(folder / name, folder / f"played-2-{seed}", width, data, seed)
    return folder


def change(folder: Path, of: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Writes the lines of a run's metrics anew."""
    path = folder / "metrics.jsonl"
    lines = [of(json.loads(line)) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _search(folder: Path, simulations: int) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text()) | {"search": {"simulations": simulations}}
    path.write_text(json.dumps(config))


def _climb(folder: Path) -> None:
    """Ten times the search are worth a factor of 10 ** 0.2 of mistakes."""
    path = folder / "metrics.jsonl"
    *lines, last = path.read_text().splitlines()
    line = json.loads(last)
    for rung in LADDER:
        factor = ((rung + 1) / 65) ** -0.2
        line[f"strength/ladder_mistake_rate/{rung}"] = line["strength/mistake_rate"] * factor
    path.write_text("\n".join([*lines, json.dumps(line)]) + "\n")


def write_history(folder: Path, seed: int, order: float, kind: int) -> None:
    """Answers at each measurement: a position is erred on until its time has come.

    ``order``: the share of the variance of these times that seeds and kinds have in common.
    """
    rng = np.random.default_rng([seed, kind])
    shared = np.random.default_rng(99).standard_normal(POSITIONS)
    time = np.sqrt(order) * shared + np.sqrt(1 - order) * rng.standard_normal(POSITIONS)
    steps = [
        line["step"]
        for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
        if line["phase"] == "strength"
    ]
    mass = np.full(POSITIONS, 0.5, np.float32)
    for clock, step in zip(
        np.linspace(-2, 1.5 + 0.1 * rng.random(), len(steps)), steps, strict=True
    ):
        wrong: Bool = clock < time
        searched = wrong & (rng.random(POSITIONS) < 0.7)
        answers = Answers(DIGEST, {"net": wrong, "search": searched}, {"net": mass, "search": mass})
        path = answers_path(folder, step)
        path.parent.mkdir(exist_ok=True)
        write_answers(path, answers)


def _write_frozen(folder: Path, maker: Path, width: int, data: int, seed: int) -> None:
    """One pass and, of the largest net, more: it comes down to what so many positions can teach."""
    passes = 4.0 if width == WIDTHS[-1] else 1.0
    samples = np.append(10 ** np.arange(2.5, np.log10(data) + 1e-9, 0.1), [passes * data])
    flops = samples * width * 2e5
    write_run(
        folder, power(1e9, 0.3), kind="frozen", seed=seed, width=width, flops=flops,
        regime={"run": str(maker), "unique": data}, data={"expert": "another run", "unique": data},
    )  # fmt: skip
    seen = dict(zip((flops / 1e7).astype(int).tolist(), samples.tolist(), strict=True))
    full = 6000 * (width / 16) ** GAMMA
    factor = np.exp(0.02 * np.random.default_rng([seed, width, data]).standard_normal())

    def look(line: dict[str, Any]) -> dict[str, Any]:
        at = seen[line["step"]]
        loss = 0.4 * (1000 / min(at, data)) ** 0.3
        loss *= (1 + (at / full) ** 2) ** 0.15 if at <= data else 1.0
        line |= {"cost/samples": at}
        if line["phase"] == "learn":
            return {**line, "learn/epoch": at / data}
        return {**line, "validation/policy_kl": float(loss * factor)}

    change(folder, look)
