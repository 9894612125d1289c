"""Prints how many inferences a second the unguided search does on one core.

    python docs/measure_proving.py FOLDER [--sample 60] [--seconds 2] [--seed 0]

FOLDER holds TPTP problems; ``sample`` of them are drawn, and each is searched for ``seconds``
seconds of this process's time, or until it is proved.  What is printed: the inferences of all
searches over their seconds, the same for the middle problem of those that used up their time, and
how many were proved.  Reading, clausifying and compiling are not counted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from envs.proving.calculus.deepening import deepen
from envs.proving.calculus.matrix import build_library
from envs.proving.logic.clausify import clausify
from envs.proving.logic.tptp import problem_files, read_problem


class Measured(NamedTuple):
    """One search."""

    problem: str
    proved: bool
    inferences: int
    seconds: float  # of this process


def measure(files: list[Path], seconds: float) -> list[Measured]:
    """A search of each problem."""
    warm = build_library([clausify(read_problem(files[0]))])
    deepen(warm.matrix, 0, inferences=10)  # compiles
    found = []
    for file in files:
        matrix = build_library([clausify(read_problem(file))]).matrix
        begun = time.process_time()
        ends = begun + seconds
        attempt = deepen(matrix, 0, stop=lambda ends=ends: time.process_time() >= ends)
        spent = time.process_time() - begun
        found.append(Measured(file.stem, attempt.proved, attempt.inferences, spent))
    return found


def report(found: list[Measured], seconds: float) -> str:
    """What was measured, as text."""
    total = sum(one.inferences for one in found)
    spent = sum(one.seconds for one in found)
    whole = sorted(one.inferences / one.seconds for one in found if one.seconds >= seconds)
    lines = [
        f"{len(found)} problems, at most {seconds:g} s each: {total:,} inferences "
        f"in {spent:.1f} s, {total / spent:,.0f} a second",
        f"proved: {sum(one.proved for one in found)}",
    ]
    if whole:
        lines.insert(
            1,
            f"of the {len(whole)} that used up their time: {whole[0]:,.0f} a second at least, "
            f"{whole[len(whole) // 2]:,.0f} in the middle, {whole[-1]:,.0f} at most",
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the unguided search on one core.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        files = problem_files(options.folder)
        size = min(options.sample, len(files))
        drawn = np.random.default_rng(options.seed).choice(len(files), size, replace=False)
        found = measure([files[i] for i in sorted(drawn.tolist())], options.seconds)
    except (OSError, ValueError) as error:
        sys.exit(f"measure_proving: {error}")
    print(report(found, options.seconds))
    print(f"one core of {os.cpu_count()}, {time.strftime('%Y-%m-%d')}")


if __name__ == "__main__":
    main()
