"""How fast self-play is, and what share of the time the net takes: ``selfplay bench``."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

import envs
from selfplay import arrays
from selfplay.actors import Backend, Setup, Threads
from selfplay.actors.actor import ActorSection
from selfplay.actors.server import ServerUsage
from selfplay.cached import Usage
from selfplay.nets import Net, NetSection, forward_flops, obs_tensors
from selfplay.nets.base import example
from selfplay.nets.device import UNDER_WAY, DeviceNet
from selfplay.nets.inference import EvaluatorSection, Inference
from selfplay.search import Search
from selfplay.types import Game

_HERE = Threads()
_MOVES = 8  # moves of every game between two looks at the clock


def bench(
    spec: str,
    net_section: NetSection,
    search: Search,
    actor: ActorSection,
    evaluator: EvaluatorSection,
    seconds: float = 20.0,
    backend: Backend = _HERE,
) -> dict[str, Any]:
    """Figures of real self-play with a fresh net, and of the same net alone before and after.

    ``simulations_per_s`` counts games x simulations played a second of wall time;
    ``net_positions_per_s`` is the same net on batches of that size, in as many threads or as the
    server asks it; ``net_share`` is the part of the actors' time spent in the net.
    """
    torch.manual_seed(0)
    game = envs.make(spec)
    net = net_section.build(game)
    inference = evaluator.inference(net, game)
    actors = backend.make_actors(Setup(game, search, actor, inference), net, seed=0)
    count, batch = actors.count, actor.games // actors.count
    simulations, cost = 0.0, np.zeros(len(Usage._fields))
    try:
        actors.collect(net, 1)  # compiles the kernels and spreads the games over all stages
        warm = actors.server_usage()
        alone_at = _NetAlone if warm is None else _DeviceAlone
        each = batch if warm is None else warm.positions // warm.batches
        raw = alone_at(game, net, inference._replace(cache=0), each, count)
        before = raw.positions_per_s(seconds / 4)
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            harvest, usage = actors.collect(net, _MOVES * actor.games)
            simulations += harvest.tally.simulations
            cost += usage
        wall = time.perf_counter() - start
        alone = (before + raw.positions_per_s(seconds / 4)) / 2
    finally:  # also on Ctrl-C: threads still at work would keep the program from ending
        actors.cancel()
        actors.close()
    asked, evaluations, inside, *_ = cost
    return {
        "game": game.name,
        "net": _name(net_section),
        "device": inference.device,
        "precision": str(inference.dtype).removeprefix("torch."),
        "threads": count,
        "batch": batch,
        "simulations": search.simulations,
        "simulations_per_s": simulations / wall,
        "net_positions_per_s": alone,
        "ratio": simulations / wall / alone,
        "net_share": inside / (wall * count),
        "evaluations_per_s": evaluations / wall,
        "evaluations_per_simulation": evaluations / simulations,
        "merged_share": 1 - evaluations / max(1.0, asked),
        "other_us_per_simulation": (wall * count - inside) / simulations * 1e6,
        "net_mflops": forward_flops(net, game) / 1e6,
        "seconds": wall,
        **_of_server(warm, actors.server_usage(), wall),
    }


def _of_server(
    before: ServerUsage | None, after: ServerUsage | None, wall: float
) -> dict[str, float]:
    """What one server for all actors did in ``wall`` seconds, if there is one."""
    if before is None or after is None:
        return {}
    batches = after.batches - before.batches
    return {
        "server_batch": (after.positions - before.positions) / batches,
        "device_share": (after.device_s - before.device_s) / wall,
        "server_ms_a_batch": wall / batches * 1e3,
    }


class _NetAlone:
    """The inference net on a batch of random positions, in the threads that self-play has."""

    def __init__(
        self, game: Game, net: Net, inference: Inference, batch: int, threads: int
    ) -> None:
        rng = np.random.default_rng(0)
        obs = game.observe(game.init(rng, batch))
        self._fields = [field.to(inference.device) for field in obs_tensors(obs)]
        self._net = inference.evaluator(net, game).net
        self._batch, self._threads = batch, threads
        self._stopped = False

    def positions_per_s(self, seconds: float) -> float:
        self._stopped = False
        with ThreadPoolExecutor(
            self._threads, initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            try:
                return sum(pool.map(self._run, [seconds] * self._threads))
            finally:
                self._stopped = True

    def _run(self, seconds: float) -> float:
        with torch.inference_mode():
            self._net(self._fields)
            start, rounds = time.perf_counter(), 0
            while time.perf_counter() - start < seconds and not self._stopped:
                self._net(self._fields).policy_MA.float().cpu()
                rounds += 1
        return rounds * self._batch / (time.perf_counter() - start)


class _DeviceAlone:
    """The net on its device, asked for random positions as a server asks it."""

    def __init__(self, game: Game, net: Net, inference: Inference, batch: int, _: int) -> None:
        fields = arrays.leaves(example(game))
        self._net = DeviceNet(net, fields, game.num_actions, inference.device, inference.dtype)
        obs = game.observe(game.init(np.random.default_rng(0), batch))
        self._fields, self._batch = arrays.leaves(obs), batch

    def positions_per_s(self, seconds: float) -> float:
        under_way = [self._net.ask([self._fields]) for _ in range(UNDER_WAY)]
        start, batches = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            under_way.pop(0).answers()
            under_way.append(self._net.ask([self._fields]))
            batches += 1
        return batches * self._batch / (time.perf_counter() - start)


def _name(section: NetSection) -> str:
    if section.kind == "resnet":
        return f"resnet {section.blocks}x{section.channels}"
    if section.kind == "mlp":
        return f"mlp {section.layers}x{section.width}"
    return f"{section.kind} {section.width}"
