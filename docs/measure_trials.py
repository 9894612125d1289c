"""Guided trials by many workers: one net that answers for all, against a net in each process.

    python docs/measure_trials.py [--device cuda:0] [--workers 15] [--lanes 8] [--rounds 2]

The problems that ship, by the net and the search of configs/prove.toml.  A line of JSON for either:
inferences and positions judged a second, the share of the time in which the GPU was at work for
them, and the memory of it that all programs have; the first round, in which processes start, is not
counted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import time

import numpy as np
import torch

from envs.proving.game import Proving
from selfplay.config import load_config
from selfplay.proving.workers import Effort, TrialSetup, TrialWorkers


def gpu_mib() -> int | None:
    """What all programs have of the first GPU's memory."""
    if not shutil.which("nvidia-smi"):
        return None
    words = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return int(subprocess.run(words, capture_output=True, text=True).stdout.split()[0])


def measure(options: argparse.Namespace, served: bool) -> dict[str, float | int | None]:
    overrides = [f"evaluator.device={options.device}"]
    config = load_config("configs/prove.toml", overrides)
    game = config.rules()
    assert isinstance(game, Proving)
    torch.manual_seed(0)
    net = config.net.build(game)
    inference = config.evaluator.inference(net, game)
    effort = Effort(options.inferences, 1000, options.lanes, 4, 2, 0.1)
    setup = TrialSetup(game, config.search, effort, inference)
    workers = TrialWorkers(setup, options.workers, served=served)
    rng, problems = np.random.default_rng(0), np.arange(len(game.library.forms))
    try:
        workers.work(net, problems, "guided", rng)
        begun, parts = time.perf_counter(), []
        for _ in range(options.rounds):
            parts += workers.work(net, rng.permutation(problems), "guided", rng)
        seconds = time.perf_counter() - begun
        memory = gpu_mib()
    finally:
        workers.close()
    inferences = sum(trial.inferences for part in parts for trial in part.trials)
    device_s = sum(part.usage.device_s for part in parts)
    return {
        "one_net": served,
        "workers": options.workers,
        "problems": len(problems),
        "inferences_per_s": round(inferences / seconds),
        "evaluations_per_s": round(sum(part.usage.evaluated for part in parts) / seconds),
        "device_share": round(device_s / seconds, 3),
        "gpu_mib": memory,
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=15)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--inferences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    for served in (True, False):
        print(json.dumps(measure(options, served)), flush=True)


if __name__ == "__main__":
    main()
