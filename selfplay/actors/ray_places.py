"""Actors in places that Ray keeps, each a machine or a GPU.

In a place they are processes, or the place itself where it is one actor.  A seed and a number of
actors give the games that threads play, unless samples are taken from whichever place has some.
"""

from __future__ import annotations

import contextlib
import itertools
import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from envs.importing import Carried
from selfplay.actors.base import HELD, Actors, LocalActors, Part, Setup, combined
from selfplay.actors.harvest import Harvest, loaded_harvest, saved_harvest
from selfplay.actors.processes import ProcessActors, count_for
from selfplay.actors.ray import Ray, Room, shares
from selfplay.actors.server import ServerUsage
from selfplay.cached import CancelledError, Usage
from selfplay.nets import Net
from selfplay.system.ray_cluster import Cluster
from selfplay.system.ray_workers import Published, RayWorker, answer, publish, ready
from selfplay.system.workers import EndedError, Work

Parts = list[tuple[Any, Usage]]  # of the actors of a place, in their order

_UNDER_WAY = 2  # asks of a place: one is played while the next waits for it, or it to be learned
_LIVES = 3  # that a place may lose without a harvest between
_OWN_LIVES = 1 << 16  # of one actor within one life of its place
_LOOK_S = 0.2  # between two looks at whether to give up
_ROOM_S = 300.0  # for a machine with room to come

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # numpy has no bfloat16


class RayActors(Actors):
    """Actors in places.

    A place that dies, or whose machine does, is followed by another, with a seed of its own: the
    games that it was playing and what it has not handed over are lost, and its actors counted.
    """

    def __init__(self, setup: Setup, net: Net, seed: int, section: Ray, cluster: Cluster) -> None:
        """``cluster`` is closed with the actors.

        Raises ValueError when there is no room, or the game cannot be handed to another process.
        """
        if not section.address and torch.device(setup.inference.device).type == "cpu":
            section = section.model_copy(update={"gpus": False})
        rooms = section.rooms(cluster.nodes())
        on_gpu = setup.inference._replace(device="cuda:0")
        served = setup._replace(inference=on_gpu).served(net)
        sizes = [count_for(room.cores, room.gpu and served) for room in rooms]
        self.count = min(setup.section.threads or sum(sizes), setup.section.games)
        self._cluster, self._section = cluster, section
        self._dtype = setup.inference.dtype
        self._published = Published(0, [])
        self._cancelled = False
        self._lost = 0  # actors since the last harvest
        self._lags: list[tuple[int, float]] = []  # of the latest collect: in versions, of positions
        self._game = setup.game
        self._held: list[tuple[int, tuple[Harvest, Usage]]] = []  # versions, of a run that went on
        carried = pickle.dumps(Carried((setup, net.fused().to("cpu", self._dtype))))
        sizes = shares(self.count, sizes)
        starts = itertools.accumulate([0, *sizes])
        self._places = [
            _Place(cluster, carried, seed, room, Part(first, size, self.count), setup.games_option)
            for room, first, size in zip(rooms, starts, sizes, strict=False)
            if size
        ]

    def metrics(self) -> dict[str, float]:
        if not self._lags:
            return {}
        mean = sum(lag * made for lag, made in self._lags) / sum(made for _, made in self._lags)
        return {"selfplay/lag": mean, "selfplay/lag_max": max(lag for lag, _ in self._lags)}

    def server_usage(self) -> ServerUsage | None:
        used = [place.used for place in self._places if place.used is not None]
        return ServerUsage(*map(sum, zip(*used, strict=True))) if used else None

    def cancel(self) -> None:
        self._cancelled = True

    def close(self) -> None:
        for place in self._places:
            place.worker.kill()
        self._cluster.close()

    def collect(self, net: Net, positions: int) -> tuple[Harvest, Usage]:
        if self._section.order == "places":
            return super().collect(net, positions)
        with self._ended_by_errors():
            self._publish(net)
            return combined(self._counted(self._first(positions)))

    def play(self, net: Net, order: Any) -> Parts:
        with self._ended_by_errors():
            self._publish(net)
            played = self._all("play", [order] * len(self._places))
        places = zip(self._places, played, strict=True)
        return self._counted([part for place, heard in places for part in place.took(heard)])

    def states(self) -> list[Mapping[str, Any]]:
        with self._ended_by_errors():
            states = self._all("states", [None] * len(self._places))
        return [state for place in states for state in place]

    def restore(self, states: list[Mapping[str, Any]]) -> None:
        parts = [place.part for place in self._places]
        with self._ended_by_errors():
            self._all("restore", [states[p.first : p.first + p.size] for p in parts])

    def state_dict(self) -> dict[str, Any]:
        """The games under way, and what was played to get there and is not taken yet."""
        states = super().state_dict()  # first: they come after all that was asked before
        held: dict[str, Any] = {}
        for asked in (asked for place in self._places for asked in place.asked):
            value = answer(asked.ref)
            if isinstance(value, _Played):  # else whoever takes it hears why not
                behind = self._published.number - value.version
                held[str(len(held))] = {"behind": behind, **saved_harvest(*combined(value.parts))}
        return states | ({HELD: held} if held else {})

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        super().load_state_dict(saved)
        if self._section.order == "any":
            held = saved.get(HELD, {}).values()
            self._held = [(-int(each["behind"]), loaded_harvest(each, self._game)) for each in held]

    def _publish(self, net: Net) -> None:
        """The weights are a new version, fetched once by each place."""
        tensors = net.fused().to("cpu", self._dtype).state_dict()
        number = self._published.number + 1
        weights = {name: _bits(tensor).numpy() for name, tensor in tensors.items()}
        self._published = publish(number, ("weights", (number, weights)))

    def _all(self, method: str, arguments: Sequence[Any]) -> list[Any]:
        """The answers of all places, in their order; who dies begins anew and is asked again."""
        asked = {
            place.worker.ask((method, arguments[i]), self._published): i
            for i, place in enumerate(self._places)
        }
        answers: dict[int, Any] = {}
        while asked:
            for each in self._ready(list(asked)):
                i = asked.pop(each)
                place, value = self._places[i], answer(each)
                if isinstance(value, EndedError):
                    self._lost += place.begin_again(value)
                    asked[place.worker.ask((method, arguments[i]), self._published)] = i
                elif isinstance(value, Exception):
                    raise value
                else:
                    answers[i] = value
        return [answers[i] for i in range(len(self._places))]

    def _first(self, positions: int) -> Parts:
        """At least ``positions`` new samples of whichever places have some."""
        task = "play", -(-positions // self.count)
        held, self._held = self._held, []
        parts: Parts = [part for _, part in held]
        number = self._published.number
        self._lags = [(number - version, part[0].tally.positions) for version, part in held]
        made = sum(positions for _, positions in self._lags)
        for place in self._places:
            place.worker.tell(self._published)
            place.fill(task, self._published)
        while waiting := self._places if made < positions else self._late():
            asked = {place.asked[0].ref: place for place in waiting}
            done = [asked[each] for each in self._ready(list(asked))]
            for place in sorted(done, key=lambda place: place.asked[0].version):
                if made >= positions and place not in self._late():
                    continue
                value = answer(place.asked.popleft().ref)
                if isinstance(value, EndedError):
                    self._lost += place.begin_again(value)
                elif isinstance(value, Exception):
                    raise value
                else:
                    gained = sum(harvest.tally.positions for harvest, _ in value.parts)
                    self._lags.append((self._published.number - value.version, gained))
                    parts += place.took(value)
                    made += gained
                place.fill(task, self._published)
        return parts

    def _counted(self, parts: Parts) -> Parts:
        """The parts, and how many actors have been lost since the last ones."""
        (harvest, usage), *others = parts
        lost, self._lost = self._lost, 0
        tally = harvest.tally._replace(lost=harvest.tally.lost + lost)
        return [(harvest._replace(tally=tally), usage), *others]

    def _late(self) -> list[_Place]:
        """Places of which what they play could be too old when the next version is learned."""
        oldest = self._published.number + 1 - self._section.max_lag
        return [place for place in self._places if place.begun and place.asked[0].version < oldest]

    def _ready(self, asked: Sequence[Any]) -> list[Any]:
        """Those of ``asked`` that are answered, one at least."""
        while not (done := ready(asked, _LOOK_S)):
            if self._cancelled:
                raise CancelledError
            for place in self._places:
                place.look()
        return done

    @contextlib.contextmanager
    def _ended_by_errors(self) -> Iterator[None]:
        """Places whose answers nobody will hear are ended."""
        try:
            yield
        except BaseException:
            for place in self._places:
                place.worker.kill()
            raise


class _Played(NamedTuple):
    """What a place answers."""

    version: int  # of the weights that it played with
    parts: Parts
    used: ServerUsage | None  # so far, by the server of the place


class _Asked(NamedTuple):
    """What a place has been asked."""

    version: int  # of the weights then
    ref: Any  # stands for the answer


class _Place:
    """Where some actors play: the worker that Ray keeps there, and what it has been asked."""

    def __init__(
        self,
        cluster: Cluster,
        carried: bytes,
        seed: int,
        room: Room,
        part: Part,
        games_option: str = "actor.games",
    ) -> None:
        self._cluster, self._carried, self._seed = cluster, carried, seed
        self._room, self.part, self._games_option = room, part, games_option
        self.asked: deque[_Asked] = deque()
        self._lives = _LIVES
        self.used: ServerUsage | None = None
        self._begin(room.node)

    def _begin(self, node: str | None) -> None:
        room = self._room
        started = pickle.dumps((_begin, (self._carried, self._seed, self.part, room.gpu)))
        # on this machine alone nobody else counts its cores
        cores = room.cores if self._cluster.address else 0
        self.worker = RayWorker(started, node, cores, int(room.gpu))
        self.begun = False
        self._since = time.monotonic()

    def begin_again(self, ended: EndedError) -> int:
        """Another worker in the place of one that has ended; how many actors were at games."""
        self._lives -= 1
        if not self._lives:
            raise ValueError(
                f"a place on Ray has ended {_LIVES} times before it had played anything, the last "
                f"time so: {ended}; resume the run with fewer actors (actor.threads) or games "
                f"({self._games_option})"
            )
        self.worker.kill()
        self.asked.clear()
        lost = self.part.size if self.begun else 0
        self.part = self.part._replace(life=self.part.life + _OWN_LIVES)
        # a machine that has gone is told of late: who did not begin there may begin anywhere
        alive = {node.id for node in self._cluster.nodes()}
        self._begin(self._room.node if self.begun and self._room.node in alive else None)
        return lost

    def fill(self, task: Any, published: Published) -> None:
        """Asks as often as may be at a time."""
        while len(self.asked) < _UNDER_WAY:
            self.asked.append(_Asked(published.number, self.worker.ask(task, published)))

    def look(self) -> None:
        """Raises ValueError when there is no room for it and none has come for long."""
        self.begun = self.begun or self.worker.pid(0) is not None
        if not self.begun and time.monotonic() - self._since > _ROOM_S:
            raise ValueError(
                f"the Ray cluster has had no room for a place of {self._room.cores} cores for "
                f"{_ROOM_S:.0f} s; start machines, or resume the run with smaller backend.places"
            )

    def took(self, played: _Played) -> Parts:
        """What it has played."""
        self.used, self._lives, self.begun = played.used, _LIVES, True
        return played.parts


def _begin(halted: Callable[[], bool], carried: bytes, seed: int, part: Part, gpu: bool) -> Work:
    """What the worker of a place does with its tasks."""
    torch.set_num_threads(1)
    setup, net = pickle.loads(carried)
    inference = setup.inference._replace(device="cuda:0" if gpu else "cpu")
    setup = setup._replace(inference=inference)
    alone = part.size == 1 and not gpu
    actors = (LocalActors if alone else ProcessActors)(setup, net, seed, part)
    version = 0

    def work(task: tuple[str, Any]) -> Any:
        nonlocal version
        method, argument = task
        if method == "weights":
            version, weights = argument
            _load(net, weights)
            return None
        if method == "play":
            parts = actors.play(net, argument)
            return _Played(version, parts, actors.server_usage())
        return actors.states() if method == "states" else actors.restore(argument)

    return work


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.view(_BITS[tensor.element_size()]) if tensor.is_floating_point() else tensor


def _load(net: Net, weights: Mapping[str, NDArray[Any]]) -> None:
    for name, tensor in net.state_dict().items():
        _bits(tensor).copy_(torch.from_numpy(np.array(weights[name])))
