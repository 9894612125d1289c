"""Makes the compact results of a sweep: what ``selfplay compare`` reads of each finished run.

    python docs/ship_results.py runs/sweeps/exchange docs/results/exchange

Of each run: its recipe, where and with what it was made, the records of its measurements and,
position by position, its answers.  Checkpoints, games and all other records stay behind.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

KEPT = ("config.json", "provenance.json")


def ship(run: Path, out: Path) -> None:
    """Writes what ships of ``run`` into ``out``."""
    (out / "strength").mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copyfile(run / name, out / name)
    for answers in sorted((run / "strength").glob("*.npz")):
        shutil.copyfile(answers, out / "strength" / answers.name)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    phases = [json.loads(line)["phase"] for line in lines]
    measured = [line for line, phase in zip(lines, phases, strict=True) if phase == "strength"]
    ended = [] if phases[-1] == "strength" else lines[-1:]
    (out / "metrics.jsonl").write_text("\n".join([*measured, *ended]) + "\n")


def main(sweep: Path, out: Path) -> None:
    """Ships the runs of ``sweep`` that are done."""
    for cell in json.loads((sweep / "sweep.json").read_text())["cells"]:
        if cell["state"] == "done":
            ship(sweep / cell["name"], out / cell["name"])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
