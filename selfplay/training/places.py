"""Where runs lie, known without what trains them."""

from __future__ import annotations

from pathlib import Path

RUNS = Path("runs")  # of the user
SHIPPED = Path(__file__).resolve().parents[2] / "runs"
