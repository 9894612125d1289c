"""What Ray costs on this machine: calls, harvests, weights, deaths; the constants of docs/scale.md.

    python docs/measure_places.py [--places 4] [--seconds 5]

Harvests of Connect Four are answered from memory, so only their way is measured.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pickle
import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import envs
from selfplay import arrays
from selfplay.actors import Ray
from selfplay.actors.actor import ActorSection
from selfplay.actors.base import Setup, combined
from selfplay.nets import Mlp, ResNet
from selfplay.nets.inference import EvaluatorSection
from selfplay.search import Gumbel
from selfplay.system.ray_cluster import connect
from selfplay.system.workers import EndedError, Work

SAMPLES = 200, 2000  # of a harvest


def begin(halted: Callable[[], bool], harvests: bytes) -> Work:
    """Answers with the harvest of that size, with its process, or with nothing."""
    parts = pickle.loads(harvests)

    def work(task: Any) -> Any:
        return os.getpid() if task == "pid" else parts.get(task) if isinstance(task, int) else None

    return work


def harvests() -> dict[int, Any]:
    """By their size, each by one actor."""
    torch.manual_seed(0)
    game = envs.make("connect4")
    small = ResNet(channels=8, blocks=1).build(game)
    inference = EvaluatorSection(device="cpu", precision="float32").inference(small, game)
    actor = Setup(game, Gumbel(simulations=2), ActorSection(games=64), inference).actor(0, 0, 1)
    evaluator = inference.evaluator(small, game)
    return {size: [(actor.collect(evaluator, size), evaluator.take_usage())] for size in SAMPLES}


def small_actors(places: int) -> tuple[Any, Any, int]:
    """Actors in so many places of one core, a small net, and positions for one collect."""
    torch.manual_seed(0)
    game = envs.make("connect4")
    net = Mlp(width=16, layers=1).build(game)
    inference = EvaluatorSection(device="cpu", precision="float32").inference(net, game)
    section = ActorSection(games=64 * places)
    setup = Setup(game, Gumbel(simulations=4), section, inference)
    backend = Ray(places=places, cores=1, order="any")
    return backend.make_actors(setup, net, 0), net, 1000 * places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    parts = harvests()
    net = ResNet(channels=64, blocks=5).build(envs.make("connect4"))
    start = time.perf_counter()
    cluster = connect("")
    told = {"ray started, s": time.perf_counter() - start}
    from selfplay.system.ray_workers import RayWorker, RayWorkers, answer

    start = time.perf_counter()
    here = importlib.import_module("measure_places")  # as its workers find it
    workers = RayWorkers(cluster, options.places, here.begin, pickle.dumps(parts))
    list(workers.map(["nothing"] * options.places))
    told[f"{options.places} workers up, s"] = time.perf_counter() - start

    told["calls a second"] = rate(workers, "nothing", options.seconds)[0]
    for size in SAMPLES:
        each_s, cpu_s, bytes_of_one = rate(workers, size, options.seconds)
        told[f"harvests of {size} samples a second"] = each_s
        told[f"harvests of {size} samples, MB a second"] = each_s * bytes_of_one / 1e6
        told[f"driver CPU a harvest of {size}, ms"] = cpu_s * 1e3

    weights = {name: tensor.numpy() for name, tensor in net.fused().state_dict().items()}
    size = sum(array.nbytes for array in weights.values())
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        workers.publish(("weights", weights))
        list(workers.map(["nothing"] * options.places))
        seconds.append(time.perf_counter() - start)
    told[f"weights of {size / 1e6:.1f} MB in all workers, ms"] = float(np.median(seconds)) * 1e3

    started = workers._started
    noticed, back = [], []
    for _ in range(5):
        worker = RayWorker(started)
        pid = answer(worker.ask("pid"))
        asked = worker.ask("nothing")
        answer(asked)
        os.kill(pid, signal.SIGKILL)
        start = time.perf_counter()
        assert isinstance(answer(worker.ask("nothing")), EndedError)
        noticed.append(time.perf_counter() - start)
        answer(RayWorker(started).ask("nothing"))
        back.append(time.perf_counter() - start)
    told["a death is noticed after, s"] = float(np.median(noticed))
    told["and another worker answers after, s"] = float(np.median(back))
    workers.close()
    cluster.close()
    for name, value in told.items():
        print(f"{name:45s} {value:12,.3f}")


def rate(workers: Any, task: Any, seconds: float) -> tuple[float, float, float]:
    """Answers a second, CPU seconds of this process for each, and the bytes of one."""
    done, size = 0, 0
    start, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        while len(workers.busy) < workers.count:
            workers.give(task)
        for _, parts in workers.answers():
            done += 1
            if parts is not None:
                size = arrays.bytes_of(combined(parts)[0].samples)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    while workers.busy:
        list(workers.answers())
    return done / wall, cpu / done, size


if __name__ == "__main__":
    main()
