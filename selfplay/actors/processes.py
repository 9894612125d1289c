"""Actors in processes of their own: no two wait for one another's Python.

On a GPU each has a core and walks the trees of two actors in turns, and one server, in this
process, answers for all of them; on CPUs, for nets that no CUDA graph can hold and for play against
past selves, each has a core, one actor and nets of its own.  A seed and a number of actors give the
games that threads play.
"""

from __future__ import annotations

import copy
import os
import pickle
import select
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from envs.importing import Carried
from selfplay.actors import worker
from selfplay.actors.base import Actors, BackendSection, Part, Setup
from selfplay.actors.server import Device, Server, ServerUsage
from selfplay.actors.slot import IN_ORDER
from selfplay.actors.worker import Post
from selfplay.cached import CachedEvaluator, CancelledError, Usage
from selfplay.shared_rows import GROUPS
from selfplay.system.cores import core_count
from selfplay.system.workers import EndedError, Workers
from selfplay.types import Evaluation, Obs

if TYPE_CHECKING:  # a served process imports this package and must not load torch
    from selfplay.nets import Net

_LIVES = 3  # processes that may die in one place before a collect gives up


class Processes(BackendSection):
    """Section ``[backend]`` with ``kind = "processes"``: actors are processes of this machine,
    as is who tries problems or solves positions.
    """

    kind: Literal["processes"] = "processes"

    def make_actors(self, setup: Setup, net: Net, seed: int) -> Actors:
        return ProcessActors(setup, net, seed)


class ProcessActors(Actors):
    """In processes: one of each group in each where a server answers, else each in its own.

    A process that dies is followed by another, with a seed of its own: the games that were played
    there are lost, and the loss is counted.
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
        inference, games = setup.inference, setup.section.games
        served = setup.served(net) if served is None else served
        most = setup.section.threads or count_for(core_count(), served)
        part = part or Part.whole(min(most, games))
        self.count = part.size
        self._device: Device | None = None
        self._server: Server | None = None
        self._cancelled = False
        _compile(setup)
        cores = _cores_beside_server() if served else ()
        if served:
            rows = -(-games // part.total)
            device = self._device = inference.device_net(net, setup.game)
            self._server = Server(device, part.size, rows, spins=bool(cores))
            setup = setup._replace(inference=cast(Any, None))
        self._places = []
        size = GROUPS if served else 1
        for start in range(0, part.size, size):
            numbers = part.numbers()[start : start + size]
            post = Post(setup, inference.cache, seed, numbers, part.total, cores)
            self._places.append(_Place(post, start, self._server, part.life))

    def server_usage(self) -> ServerUsage | None:
        return None if self._server is None else self._server.usage

    def cancel(self) -> None:
        self._cancelled = True
        for place in self._places:
            place.workers.kill()

    def close(self) -> None:
        with ThreadPoolExecutor(len(self._places)) as pool:  # each waits for its process to end
            list(pool.map(lambda place: place.workers.close(), self._places))

    def play(self, net: Net, order: Any) -> list[tuple[Any, Usage]]:
        weights = None
        if self._device is None:
            weights = pickle.dumps(copy.deepcopy(net).cpu())
        else:
            self._device.load(net)
        before = self._device_s()
        try:
            (made, usage), *others = self._gather((weights, order))
        except BaseException:
            self.cancel()  # or those still at work would wait for answers for ever
            raise
        served_s = self._device_s() - before  # told once, of all
        return [(made, usage._replace(device_s=usage.device_s + served_s)), *others]

    def _device_s(self) -> float:
        return 0.0 if self._server is None else self._server.usage.device_s

    def _gather(self, task: tuple[bytes | None, Any]) -> list[tuple[Any, Usage]]:
        """What each actor has collected; who dies on the way begins anew."""
        poll = select.poll()
        lines: dict[int, _Place] = {}
        parts: dict[int, list[tuple[Any, Usage]]] = {}

        def ask(place: _Place) -> None:
            line = place.ask("collect", [task])
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
                if self._cancelled:  # before the new one was there to be ended
                    raise CancelledError
                ask(place)
            else:
                parts[place.first] = place.with_losses(answer)

        if self._server is not None:
            self._server.begin()
        for place in self._places:
            ask(place)
        while lines:
            if self._server is not None and self._server.awaited:
                self._server.serve(poll, hear)
            else:
                for line, _ in poll.poll():
                    hear(line)
        return [part for first in sorted(parts) for part in parts[first]]

    def states(self) -> list[Mapping[str, Any]]:
        return self._all("state", [None] * self.count)

    def restore(self, states: list[Mapping[str, Any]]) -> None:
        self._all("restore", states)

    def _all(self, method: str, arguments: Sequence[Any]) -> list[Any]:
        def ask(place: _Place) -> None:
            place.ask(method, arguments[place.first : place.first + len(place.post.numbers)])

        for place in self._places:
            ask(place)
        answers = []
        for place in self._places:
            while isinstance(answer := place.answer(), EndedError):
                place.begin_again(answer)
                ask(place)
            answers += answer
        return answers


def count_for(cores: int, served: bool) -> int:
    """How many actors play on so many cores."""
    return GROUPS * max(1, cores - 1) if served else cores


class _Place:
    """Where some actors play: their process, and the slots through which they ask."""

    def __init__(self, post: Post, first: int, server: Server | None, life: int) -> None:
        """``first``: the number of the first among those that the server answers."""
        self.post, self.first, self._server, self._life = post, first, server, life
        self._losses = 0
        self._begin()

    def _begin(self) -> None:
        post = Carried(self.post), self._life
        if self._server is None:
            from selfplay.actors import own_net  # loads torch

            self.workers = Workers(1, own_net.begin, *post)
            return
        slots = [self._server.enter(self.first + i) for i in range(len(self.post.numbers))]
        self.workers = Workers(1, worker.begin, *post, inherited=(slots,))
        for slot in slots:
            slot.line.close()  # or the server would not notice that nobody reads any more

    def begin_again(self, ended: EndedError) -> None:
        """Another process in the place of one that has ended, at other games."""
        self._losses += 1
        if self._losses == _LIVES:
            raise ValueError(
                f"{_LIVES} processes in one place have ended, the last so: {ended}; resume the run "
                f"with fewer actors (actor.threads) or games ({self.post.setup.games_option})"
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
        return answer

    def with_losses(self, parts: list[tuple[Any, Usage]]) -> list[tuple[Any, Usage]]:
        """The parts; the first tells how many processes were lost before they came."""
        (made, usage), *others = parts
        tally = made.tally._replace(lost=self._losses)
        self._losses = 0
        return [(made._replace(tally=tally), usage), *others]


def _cores_beside_server() -> tuple[int, ...]:
    """The cores that are left to processes where a server has one to itself; () where it has not.

    It is not held there: where another program works on that core, the server moves on.
    """
    if not hasattr(os, "sched_getaffinity") or not IN_ORDER:
        return ()
    return tuple(sorted(os.sched_getaffinity(0))[1:])


class _Silent(CachedEvaluator):
    """Has nothing to say of any position."""

    def _forward(self, obs: Obs, count: int) -> Evaluation:
        actions = self._cache.answers.shape[1] - 2
        zero = np.zeros(count, np.float32)
        return Evaluation(np.zeros((count, actions), np.float32), zero, zero)


def _compile(setup: Setup) -> None:
    """Compiles here once what all processes need; they find it on disk."""
    section = setup.section.model_copy(update={"games": 2})
    quick = setup._replace(section=section, search=setup.search.with_simulations(2))
    actor = quick.actor(0, 0, 1)
    actor.collect(_Silent(setup.game.num_actions, 1024), setup.maker.quick)
