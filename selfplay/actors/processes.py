"""Actors in processes of their own: no two wait for one another's Python.

On a GPU two processes a core walk the trees and one server, in this process, answers for all of
them; on CPUs each process has a core and a net of its own.  A seed and a number of actors give the
games that threads play.
"""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch

from selfplay import arrays
from selfplay.actors.base import Actors, BackendSection, Setup
from selfplay.actors.harvest import Harvest
from selfplay.actors.server import Server, ServerUsage
from selfplay.actors.slot import CANCELLED, RemoteEvaluator, Slot, knock
from selfplay.nets import Net
from selfplay.nets.base import example
from selfplay.nets.cached import CachedEvaluator, Usage
from selfplay.nets.device import DeviceNet
from selfplay.system.cores import core_count
from selfplay.system.workers import Work, Workers
from selfplay.types import Evaluation, Obs

_A_CORE = 2  # processes, where a server answers: one walks its trees while the other waits


class Processes(BackendSection):
    """Section ``[backend]`` with ``kind = "processes"``: actors are processes of this machine."""

    kind: Literal["processes"] = "processes"

    def make_actors(self, setup: Setup, net: Net, seed: int) -> Actors:
        return ProcessActors(setup, net, seed)


class ProcessActors(Actors):
    """Each in a process of its own."""

    def __init__(self, setup: Setup, net: Net, seed: int) -> None:
        game, inference, games = setup.game, setup.inference, setup.section.games
        served = torch.device(inference.device).type == "cuda"
        cores = core_count()
        most = setup.section.threads or (_A_CORE * max(1, cores - 1) if served else cores)
        self.count = count = min(most, games)
        _compile(setup)
        context = multiprocessing.get_context("spawn")
        self._slots: list[Slot | None] = [None] * count
        self._server: Server | None = None
        if served:
            seen = example(game)
            slots = [
                Slot(context, seen, game.num_actions, -(-games // count)) for _ in range(count)
            ]
            self._slots = [*slots]
            fields = arrays.leaves(seen)
            self._net = DeviceNet(net, fields, game.num_actions, inference.device, inference.dtype)
            self._server = Server(slots, self._net)
        self._workers = [
            Workers(1, _begin, setup, seed, i, count, inherited=(slot,))
            for i, slot in enumerate(self._slots)
        ]

    def server_usage(self) -> ServerUsage | None:
        return None if self._server is None else self._server.usage

    def cancel(self) -> None:
        for workers, slot in zip(self._workers, self._slots, strict=True):
            if slot is None:
                workers.kill()
            else:
                knock(slot.server, CANCELLED)

    def close(self) -> None:
        for workers in self._workers:
            workers.close()

    def _play(self, net: Net, positions: int) -> list[tuple[Harvest, Usage]]:
        if self._server is None:
            weights = pickle.dumps(copy.deepcopy(net).cpu())
            return self._all("collect", [(weights, positions)] * self.count)
        self._net.load(net)
        return self._all("collect", [(None, positions)] * self.count)

    def _all(self, method: str, arguments: list[Any]) -> list[Any]:
        """What all answer, in their order, answering their questions meanwhile."""
        for workers, argument in zip(self._workers, arguments, strict=True):
            workers.give((method, argument), method)
        lines = {line.fileno(): i for i, w in enumerate(self._workers) for line in w.busy}
        answers: dict[int, Any] = {}

        def heard(line: int) -> int:
            number = lines[line]
            [(_, answers[number])] = self._workers[number].answers()
            return number

        if self._server is not None and method == "collect":
            self._server.serve(list(lines), heard)
        for line, number in lines.items():
            if number not in answers:
                heard(line)
        for answer in answers.values():
            if isinstance(answer, Exception):
                raise answer
        return [answers[i] for i in range(self.count)]

    def _states(self) -> list[Mapping[str, Any]]:
        return self._all("state", [None] * self.count)

    def _restore(self, states: list[Mapping[str, Any]]) -> None:
        self._all("restore", states)


def _begin(
    halted: Callable[[], bool], setup: Setup, seed: int, number: int, count: int, slot: Slot | None
) -> Work:
    """What an actor's process does with its tasks."""
    torch.set_num_threads(1)
    actor = setup.actor(seed, number, count)
    evaluator: Any = None
    if slot is not None:
        slot.server.close()  # else this process would not see that the other one is gone
        evaluator = RemoteEvaluator(slot, setup.inference.cache)

    def work(task: tuple[str, Any]) -> Any:
        nonlocal evaluator
        method, argument = task
        if method == "state":
            return actor.state_dict()
        if method == "restore":
            return actor.load_state_dict(argument)
        weights, positions = argument
        if weights is None:
            evaluator.forget()
        elif evaluator is None:
            evaluator = setup.inference.evaluator(pickle.loads(weights), setup.game)
        else:
            evaluator.load(pickle.loads(weights))
        return actor.collect(evaluator, positions), evaluator.take_usage()

    return work


class _Silent(CachedEvaluator):
    """Has nothing to say of any position."""

    def _forward(self, obs: Obs, count: int) -> Evaluation:
        actions = self._cache.logits.shape[1]
        zero = np.zeros(count, np.float32)
        return Evaluation(np.zeros((count, actions), np.float32), zero, zero)


def _compile(setup: Setup) -> None:
    """Compiles here once what all processes need; they find it on disk."""
    section = setup.section.model_copy(update={"games": 2})
    actor = setup._replace(section=section).actor(0, 0, 1)
    actor.collect(_Silent(setup.game.num_actions, 1024), 1)
