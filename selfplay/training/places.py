"""Where runs lie, known without what trains them."""

from __future__ import annotations

from pathlib import Path

import envs

RUNS = Path("runs")  # of the user
SHIPPED = Path(__file__).resolve().parents[2] / "runs"


def shipped_agent(game: str) -> Path | None:
    """The folder of the agent that ships for a game, by its name or spec; None where none does."""
    name = envs.short(game)
    path = SHIPPED / "reference" / name
    known = name in envs.GAMES or name in envs.SHORT
    return path if known and (path / "config.json").is_file() else None
