"""Makes the compact results of a sweep: what ``selfplay compare`` reads of each finished run.

    python docs/ship_results.py runs/sweeps/exchange docs/results/exchange

Of each run: its recipe, where and with what it was made, the records of its measurements and,
position by position, its answers; with `--last N` those of its last N measurements, and none
`--without` an array, where nobody compares them.  Probabilities are rounded to 5 of their 11 bits,
which takes half the room, numbers of records to 6 digits.  Checkpoints, games and all other records
stay behind.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT = ("config.json", "provenance.json")
BITS = 5  # of a probability: to 2% of itself
DIGITS = 6  # of a number in a record


def rounded(array: NDArray[Any]) -> NDArray[Any]:
    """Of an array of probabilities p: p or 1 - p, whichever is smaller, with ``BITS`` bits."""
    if array.dtype.kind != "f":
        return array
    exact = array.astype(np.float64)
    part, power = np.frexp(np.minimum(exact, 1 - exact))
    small = np.ldexp(np.round(part * 2**BITS) / 2**BITS, power)
    return np.where(exact > 0.5, 1 - small, small).astype(array.dtype)


def short(record: dict[str, Any]) -> str:
    """The line of a record, with ``DIGITS`` of each measured number."""
    numbers = {name: number for name, number in record.items() if isinstance(number, float)}
    numbers.pop("time", None)
    shorter = {name: float(f"{number:.{DIGITS}g}") for name, number in numbers.items()}
    return json.dumps(record | shorter, separators=(",", ":"))


def ship(run: Path, out: Path, last: int, without: Collection[str]) -> None:
    """Writes what ships of ``run`` into ``out``."""
    (out / "strength").mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copyfile(run / name, out / name)
    found = sorted((run / "strength").glob("*.npz"))
    for answers in found[max(0, len(found) - last) :]:
        with np.load(answers) as arrays:
            np.savez_compressed(
                out / "strength" / answers.name,
                **{name: rounded(arrays[name]) for name in arrays if name not in without},
            )
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    phases = [record["phase"] for record in records]
    last_of = {phase: i for i, phase in enumerate(phases)}  # of "learn": how much was learned
    ends = {len(records) - 1, last_of.get("learn", 0)}
    kept = [short(each) for i, each in enumerate(records) if phases[i] == "strength" or i in ends]
    (out / "metrics.jsonl").write_text("\n".join(kept) + "\n")


def main() -> None:
    """Ships the runs of the sweep that are done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweep", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--last", type=int, default=1000)
    parser.add_argument("--without", nargs="*", default=[])
    options = parser.parse_args()
    for cell in json.loads((options.sweep / "sweep.json").read_text())["cells"]:
        if cell["state"] == "done":
            run, out = options.sweep / cell["name"], options.out / cell["name"]
            ship(run, out, options.last, options.without)


if __name__ == "__main__":
    main()
