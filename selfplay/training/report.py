"""What a run tells of itself: how it came about (provenance.json), what it came to (report.md)."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch

from selfplay.config import Config
from selfplay.nets.evaluator import describe_device
from selfplay.nets.inference import Inference
from selfplay.system.cores import core_count
from selfplay.system.files import write_text_atomically
from selfplay.system.version import version
from selfplay.training.folder import RunFolder
from selfplay.training.metrics import ENDS
from selfplay.training.metrics_file import STOPPED, read_metrics, updated
from selfplay.truth.positions import default_positions

_ROWS = 12  # lines of the strength table


def write_report(folder: RunFolder, config: Config) -> None:
    """Writes ``report.md`` from the metrics of the run."""
    lines = read_metrics(folder.path)
    known = default_positions(config.rules()) is not None
    latest: dict[str, float] = {}
    for line in lines:
        latest = updated(latest, line)
    positions = max((int(line["step"]) for line in lines), default=0)
    stopped = f" It stopped early, by `{config.budget.watch}`." if STOPPED in latest else ""
    text = "\n".join(
        [
            f"# {config.name}",
            "",
            f"{config.game}, {config.regime.kind}, net {config.net.kind}, seed {config.seed}: "
            f"{latest.get('cost/games', 0):,.0f} games, {positions:,} positions, "
            f"{latest.get('cost/wall_s', 0) / 60:.1f} minutes.{stopped}",
            "",
            *_strength(lines),
            "## Last values",
            "",
            "| metric | value |",
            "|---|---|",
            *(f"| {key} | {value:.6g} |" for key, value in sorted(latest.items())),
            "",
            "## Go on",
            "",
            f"    selfplay train {folder.path}          resume",
            f"    selfplay play {folder.path}           play against it",
            *([f"    selfplay evaluate {folder.path}       measure it"] if known else []),
            f"    tensorboard --logdir {folder.path}    see its curves",
            "",
        ]
    )
    write_text_atomically(folder.path / "report.md", text)


def _strength(lines: list[dict[str, Any]]) -> list[str]:
    """The course of the strength as a table."""
    measured, minutes = [], 0.0  # of training: pauses between a stop and a resume do not count
    for line in lines:
        minutes = line.get("cost/wall_s", 60 * minutes) / 60
        if line["phase"] == "strength" and len(line) > 3:
            measured.append({**line, "minutes": minutes})
    if not measured:
        return []
    names = [
        key
        for key in measured[-1]
        if key.startswith("strength/") and key.count("/") == 1 and not key.endswith(ENDS)
    ]
    rows = [["positions", "minutes", *(name.removeprefix("strength/") for name in names)]]
    stride = -(-len(measured) // _ROWS)
    for line in measured[::-1][::stride][::-1]:
        values = (f"{line[name]:.4f}" if name in line else "" for name in names)
        rows.append([f"{line['step']:,}", f"{line['minutes']:.1f}", *values])
    title, *cells = (f"| {' | '.join(row)} |" for row in rows)
    return ["## Strength", "", title, "|" + "---|" * len(rows[0]), *cells, ""]


def provenance(inference: Inference) -> dict[str, Any]:
    """What ``provenance.json`` tells of one call of the program, which runs its nets so."""
    return {
        "command": shlex.join(["selfplay", *sys.argv[1:]]),
        "started": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "version": version(),
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {each.__name__: str(each.__version__) for each in (torch, np, numba)},
        "machine": {
            "processor": _processor(),
            "cores": core_count(),
            "device": describe_device(inference.device),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "precision": inference.precision.sentence,
    }


def about(config: Config, parameters: int) -> dict[str, float | str]:
    """What sets one run apart from another, as TensorBoard's HParams shows it."""
    return {
        "game": config.game,
        "regime": config.regime.kind,
        "net": config.net.kind,
        "parameters": parameters,
        "search": config.search.kind,
        "simulations": config.search.simulations,
        "lr": config.learner.lr,
        "batch": config.learner.batch,
        "reuse": config.learner.reuse,
        "seed": str(config.seed),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _commit() -> str | None:
    """Of this project, where it runs out of its repository."""
    root = Path(__file__).resolve().parents[2]
    words = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    if not (root / ".git").exists():  # else a repository around it would be told
        return None
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
