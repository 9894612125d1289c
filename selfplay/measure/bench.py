"""How fast self-play is, and what share of the time the net takes: ``selfplay bench``."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

import envs
from selfplay.actors import Actors, Backend, Setup, Threads
from selfplay.actors.actor import ActorSection
from selfplay.actors.server import ServerUsage
from selfplay.cached import Usage
from selfplay.measure.bounds import DeviceAlone, net_bounds, tree_bound
from selfplay.nets import Net, NetSection, forward_flops, obs_tensors
from selfplay.nets.inference import EvaluatorSection
from selfplay.search import Search
from selfplay.system.cores import core_count

_HERE = Threads()


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
    ``net_positions_per_s`` is the same net on batches of that size in as many threads; on a GPU as
    a server asks it, in batches of the server's size, or of all games where there is none;
    ``net_share`` is the part of the actors' time spent in the net.
    """
    torch.manual_seed(0)
    game = envs.make(spec)
    net = net_section.build(game)
    inference = evaluator.inference(net, game, modelled=True)
    setup = Setup(game, search, actor, inference)
    actors = backend.make_actors(setup, net, seed=0)
    count, batch = actors.count, actor.games // actors.count
    try:
        positions = _warm(actors, net, actor.games, seconds)
        served = actors.server_usage()
        if served is not None:
            at_once = max(1, served.positions // max(1, served.batches))
        else:  # threads on a GPU ask it in small batches, which says nothing of the net
            at_once = actor.games if inference.serves(net) else 0
        raw = DeviceAlone(setup, net, at_once) if at_once else _NetAlone(setup, net, batch, count)
        before = raw.positions_per_s(seconds / 8)
        played = _play(actors, net, positions, seconds)
        alone = (before + raw.positions_per_s(seconds / 8)) / 2
    finally:  # also on Ctrl-C: threads still at work would keep the program from ending
        actors.cancel()
        actors.close()
    simulations, wall = played.simulations, played.wall
    asked, evaluations, inside, *_ = played.cost
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
        **_of_server(played.server, wall),
        **_bounds(setup, net, batch, played, seconds / 16),
    }


class _Played(NamedTuple):
    """What was played, and what it cost."""

    simulations: float
    wall: float  # seconds
    cost: NDArray[np.float64]  # [4], as Usage
    server: ServerUsage | None


def _warm(actors: Actors, net: Net, games: int, seconds: float) -> int:
    """Plays until all is compiled and the games are spread over their stages.

    Returns how many positions to ask for at a time, so that the clock is looked at often: for an
    eighth of the time or a move of every game, whichever is more.
    """
    actors.collect(net, 1)
    start, positions, graphs = time.perf_counter(), games, 0
    while True:
        before, usage = time.perf_counter(), actors.server_usage()
        made = actors.collect(net, positions)[0].tally.positions
        now = time.perf_counter()
        positions = int(max(games, made / (now - before) * seconds / 8))
        captured, graphs = (
            usage is not None and usage.graphs != graphs,
            usage.graphs if usage else 0,
        )
        if now - start > seconds or (now - start > seconds / 2 and not captured):
            return positions


def _play(actors: Actors, net: Net, positions: int, seconds: float) -> _Played:
    before, simulations, cost = actors.server_usage(), 0.0, np.zeros(len(Usage._fields))
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        harvest, usage = actors.collect(net, positions)
        simulations += harvest.tally.simulations
        cost += usage
    wall, after = time.perf_counter() - start, actors.server_usage()
    server = after.since(before) if after is not None and before is not None else None
    return _Played(simulations, wall, cost, server)


def _of_server(used: ServerUsage | None, wall: float) -> dict[str, float]:
    """What one server for all actors did, if there is one: shares of the time that it served."""
    if used is None:
        return {}
    return {
        "server_batch": used.positions / used.batches,
        "device_share": used.device_s / used.serving_s,
        "server_waiting_share": used.idle_s / used.serving_s,
        "server_host_share": used.host_s / used.serving_s,
        "server_host_us_a_batch": used.host_s / used.batches * 1e6,
        "server_ms_a_batch": used.serving_s / used.batches * 1e3,
        "server_graphs": used.graphs,
        "serving_share": used.serving_s / wall,
    }


def _bounds(
    setup: Setup, net: Net, lanes: int, played: _Played, seconds: float
) -> dict[str, float]:
    """``bound_*``, simulations a second that self-play cannot exceed here."""
    cores, batch = core_count(), lanes
    if (used := played.server) is not None:
        cores, batch = max(1, cores - 1), max(1, used.positions // used.batches)
    evaluations = played.cost[1] / played.simulations
    found = {
        f"bound_{name}": rate / evaluations
        for name, rate in net_bounds(setup, net, batch, seconds).items()
    }
    alone = tree_bound(setup, lanes, seconds)
    return found | {"tree_us_per_simulation": 1e6 / alone, "bound_tree": alone * cores}


class _NetAlone:
    """The inference net on a batch of random positions, in the threads that self-play has."""

    def __init__(self, setup: Setup, net: Net, batch: int, threads: int) -> None:
        game, inference = setup.game, setup.inference._replace(cache=0)
        obs = game.observe(game.init(np.random.default_rng(0), batch))
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


def _name(section: NetSection) -> str:
    if section.kind == "resnet":
        return f"resnet {section.blocks}x{section.channels}"
    if section.kind == "mlp":
        return f"mlp {section.layers}x{section.width}"
    return f"{section.kind} {section.width}"
