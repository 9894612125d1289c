"""Actors in processes of their own: no two wait for one another's Python.

On a GPU two processes a core walk the trees and one server, in this process, answers for all of
them; on CPUs, and for nets that no CUDA graph can hold, each has a core and a net of its own.  A
seed and a number of actors give the games that threads play.
"""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import select
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from envs.importing import Carried
from selfplay import arrays
from selfplay.actors.base import Actors, BackendSection, Part, Setup
from selfplay.actors.harvest import Harvest
from selfplay.actors.server import Server, ServerUsage
from selfplay.actors.slot import RemoteEvaluator, Slot
from selfplay.nets import Net
from selfplay.nets.base import Entry, example
from selfplay.nets.cached import CachedEvaluator, CancelledError, Usage
from selfplay.nets.device import DeviceNet
from selfplay.system.cores import core_count
from selfplay.system.workers import EndedError, Work, Workers
from selfplay.types import Evaluation, Obs

_A_CORE = 2  # processes, where a server answers: one walks its trees while the other waits
_LIVES = 3  # processes that may die in the place of one actor before a collect gives up


class Processes(BackendSection):
    """Section ``[backend]`` with ``kind = "processes"``: actors are processes of this machine."""

    kind: Literal["processes"] = "processes"

    def make_actors(self, setup: Setup, net: Net, seed: int) -> Actors:
        return ProcessActors(setup, net, seed)


class ProcessActors(Actors):
    """Each in a process of its own.

    One that dies is followed by another, with a seed of its own: the games that it was playing are
    lost, and counted.
    """

    def __init__(
        self,
        setup: Setup,
        net: Net,
        seed: int,
        part: Part | None = None,
        served: bool | None = None,
    ) -> None:
        """``part``: which of all actors they are; None: all, as many as the cores ask for.

        ``served``: whether one server answers for all; None: on a GPU that can capture the net.
        Raises ValueError when the game cannot be handed to another process.
        """
        game, inference, games = setup.game, setup.inference, setup.section.games
        if served is None:
            on_gpu = torch.device(inference.device).type == "cuda"
            served = on_gpu and isinstance(net.entry, Entry)  # others choose shapes by numbers
        cores = core_count()
        most = setup.section.threads or (_A_CORE * max(1, cores - 1) if served else cores)
        part = part or Part.whole(min(most, games))
        self.count = part.size
        self._net: DeviceNet | None = None
        self._server: Server | None = None
        self._cancelled = False
        _compile(setup)
        if served:
            fields = arrays.leaves(example(game))
            self._net = DeviceNet(net, fields, game.num_actions, inference.device, inference.dtype)
            self._server = Server(self._net)
        self._places = [
            _Place(_Post(setup, seed, i, part.total), self._server, part.life)
            for i in part.numbers()
        ]

    def server_usage(self) -> ServerUsage | None:
        return None if self._server is None else self._server.usage

    def cancel(self) -> None:
        self._cancelled = True
        for place in self._places:
            place.workers.kill()

    def close(self) -> None:
        for place in self._places:
            place.workers.close()

    def play(self, net: Net, positions: int) -> list[tuple[Harvest, Usage]]:
        weights = None
        if self._net is None:
            weights = pickle.dumps(copy.deepcopy(net).cpu())
        else:
            self._net.load(net)
        try:
            return self._gather((weights, positions))
        except BaseException:
            self.cancel()  # or those still at work would wait for answers for ever
            raise

    def _gather(self, task: tuple[bytes | None, int]) -> list[tuple[Harvest, Usage]]:
        """What each actor has collected; who dies on the way begins anew."""
        poll = select.poll()
        lines: dict[int, _Place] = {}
        parts: dict[int, tuple[Harvest, Usage]] = {}

        def ask(place: _Place) -> None:
            line = place.ask("collect", task)
            lines[line] = place
            poll.register(line, select.POLLIN)

        def hear(line: int) -> None:
            place = lines.pop(line)
            poll.unregister(line)
            answer = place.answer()
            if isinstance(answer, EndedError):
                if self._cancelled:
                    raise CancelledError
                place.begin_again(answer)
                ask(place)
            else:
                parts[place.post.number] = place.with_losses(answer)

        for place in self._places:
            ask(place)
        if self._server is not None:
            self._server.serve(poll, hear)
        while lines:
            for line, _ in poll.poll():
                hear(line)
        return [parts[i] for i in sorted(parts)]

    def states(self) -> list[Mapping[str, Any]]:
        return self._all("state", [None] * self.count)

    def restore(self, states: list[Mapping[str, Any]]) -> None:
        self._all("restore", states)

    def _all(self, method: str, arguments: Sequence[Any]) -> list[Any]:
        for place, argument in zip(self._places, arguments, strict=True):
            place.ask(method, argument)
        answers = []
        for place, argument in zip(self._places, arguments, strict=True):
            while isinstance(answer := place.answer(), EndedError):
                place.begin_again(answer)
                place.ask(method, argument)
            answers.append(answer)
        return answers


class _Post(NamedTuple):
    """Which actor it is."""

    setup: Setup
    seed: int
    number: int
    actors: int  # in all


class _Place:
    """Where one actor plays: its process, and the slot through which it asks."""

    def __init__(self, post: _Post, server: Server | None, life: int) -> None:
        self.post, self._server, self._life = post, server, life
        self._losses = 0
        self._begin()

    def _begin(self) -> None:
        setup, _, number, count = self.post
        self._slot: Slot | None = None
        if self._server is not None:
            rows = -(-setup.section.games // count)
            context = multiprocessing.get_context("spawn")
            self._slot = Slot(context, example(setup.game), setup.game.num_actions, rows)
        post = Carried(self.post)
        self.workers = Workers(1, _begin, post, self._life, inherited=(self._slot,))
        if self._server is not None and self._slot is not None:
            self._slot.actor.close()  # or nobody would hear that the process has died
            self._server.enter(number, self._slot)

    def begin_again(self, ended: EndedError) -> None:
        """Another process in the place of one that has ended, at other games."""
        self._losses += 1
        if self._losses == _LIVES:
            raise ValueError(
                f"{_LIVES} processes of one actor have ended, the last so: {ended}; resume the run "
                "with fewer actors (actor.threads) or games (actor.games)"
            )
        self._life += 1
        self.workers.close()
        self._begin()

    def ask(self, method: str, argument: Any) -> int:
        """Gives the process a task; the file descriptor on which its answer will come."""
        self.workers.give((method, argument), method)
        (line,) = self.workers.busy
        return line.fileno()

    def answer(self) -> Any:
        """The answer to the last task, or the EndedError of a process that died; raises others."""
        ((_, answer),) = self.workers.answers()
        if isinstance(answer, Exception) and not isinstance(answer, EndedError):
            raise answer
        if self._server is not None and not isinstance(answer, EndedError):
            self._server.leave(self.post.number)
        return answer

    def with_losses(self, part: tuple[Harvest, Usage]) -> tuple[Harvest, Usage]:
        """The part, and how often the actor was lost before it came."""
        harvest, usage = part
        tally = harvest.tally._replace(lost=self._losses)
        self._losses = 0
        return harvest._replace(tally=tally), usage


def _begin(halted: Callable[[], bool], post: _Post, life: int, slot: Slot | None) -> Work:
    """What an actor's process does with its tasks."""
    torch.set_num_threads(1)
    setup, seed, number, count = post
    actor = setup.actor(seed, number, count, life)
    evaluator: Any = None
    if slot is not None:
        slot.server.close()  # or this process would not hear that the other one is gone
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
    quick = setup._replace(section=section, search=setup.search.with_simulations(2))
    actor = quick.actor(0, 0, 1)
    actor.collect(_Silent(setup.game.num_actions, 1024), 1)
