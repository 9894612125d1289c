"""How a run came about: command, versions, commit, machine."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from selfplay.config import Config
from selfplay.system.cores import core_count


def provenance(precision: str) -> dict[str, Any]:
    """What ``provenance.json`` tells of one call of the program; ``precision``: of its nets."""
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
            timeout=10,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        commit = ""
    return {
        "command": shlex.join(["selfplay", *sys.argv[1:]]),
        "started": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "version": metadata.version("selfplay"),
        "commit": commit or None,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in ("torch", "numpy", "numba")},
        "machine": {
            "processor": _processor(),
            "cores": core_count(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "precision": precision,
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
