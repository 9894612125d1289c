"""How fast processes walk trees of Connect Four when nobody has to wait for a net.

    python docs/measure_trees.py

For one process, one on each core but one, and two on each of these, a line of JSON: simulations a
second of all and of each, when answers are there at once.  Where each falls from one process to
many, cores share something: an execution unit (hyperthreads), memory, another program's time.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import time

import envs
from selfplay.actors import Setup
from selfplay.actors.actor import ActorSection
from selfplay.actors.processes import ProcessActors
from selfplay.nets import Mlp
from selfplay.nets.inference import EvaluatorSection
from selfplay.search import Gumbel
from selfplay.system.cores import core_count

LANES = 256  # games of each process


def simulations_per_s(processes: int, seconds: float) -> float:
    """Of so many processes together."""
    game = envs.make("connect4")
    net = Mlp(width=4, layers=1).build(game)  # is never asked
    section = EvaluatorSection(device="fake:0,0", cache=1 << 17)
    inference = section.inference(net, game, modelled=True)
    actor = ActorSection(games=LANES * processes, threads=processes)
    actors = ProcessActors(Setup(game, Gumbel(), actor, inference), net, 0, served=False)
    try:
        actors.collect(net, 1)
        start, simulations = time.perf_counter(), 0.0
        while time.perf_counter() - start < seconds:
            harvest, _ = actors.collect(net, 8 * LANES * processes)
            simulations += harvest.tally.simulations
        return simulations / (time.perf_counter() - start)
    finally:
        actors.cancel()
        actors.close()


def topology() -> dict[str, str]:
    """Whether the cores are halves of cores, and what memory they share, as lscpu says."""
    if not shutil.which("lscpu"):
        return {}
    said = subprocess.run(["lscpu"], capture_output=True, text=True).stdout
    told = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    wanted = ("Thread(s) per core", "Core(s) per socket", "Socket(s)", "NUMA node(s)")
    wanted += ("L2 cache", "L3 cache", "CPU max MHz", "BogoMIPS", "Hypervisor vendor")
    return {name: told[name].strip() for name in wanted if name in told}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3.0)
    words = parser.parse_args()
    cores = core_count()
    for processes in sorted({1, max(1, cores - 1), 2 * max(1, cores - 1)}):
        rate = simulations_per_s(processes, words.seconds)
        each = rate / processes
        found = {"processes": processes, "simulations_per_s": rate, "each": each, **topology()}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
