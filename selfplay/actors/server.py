"""Answers the questions of many actors' processes with one net on one device.

The actors form two groups.  A group is one batch once all of its actors that still play have asked,
so what is in a batch is a function of the games alone and a run repeats; while one group's batch
is computed, the other group's actors walk their trees.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from selfplay.actors.slot import ANSWER, FINITE, LEFT, QUESTION, ROWS, Bell, Slot, knock
from selfplay.shared_rows import GROUPS, Form, Room, SharedRows
from selfplay.system.workers import CONTEXT

if TYPE_CHECKING:
    from selfplay.nets import Net

_PAUSE_S = 2e-5  # between two looks at the device where the server has no core of its own
_NOBODY = np.empty(0, np.int64)


class AskedBatch(Protocol):
    """Answers on their way."""

    def ready(self) -> bool: ...

    def finite(self) -> bool:
        """Whether all are numbers; waits for them."""

    def device_s(self) -> float:
        """Seconds that the device took."""


class Channel(Protocol):
    """The way of one room's questions to a device and of its answers back."""

    def ask(self, counts: NDArray[np.int64]) -> AskedBatch:
        """Begins to answer the first ``counts`` [P] rows of the room's places, in place.

        They, and the answers, are left alone until the batch is ready.
        """


class Device(Protocol):
    """What computes answers: ``nets.device.DeviceNet``, or what is modelled on it."""

    actions: int

    @property
    def forms(self) -> Sequence[Form]:
        """Of the fields of an observation."""

    @property
    def graphs(self) -> int:
        """Computations that were prepared so far, each for one size of batch."""

    def load(self, net: Net) -> None:
        """Answers with the weights of ``net`` from now on."""

    def channel(self, room: Room) -> Channel: ...


class ServerUsage(NamedTuple):
    """What a server has done."""

    batches: int = 0
    positions: int = 0
    device_s: float = 0.0  # seconds that the device took for them
    serving_s: float = 0.0  # seconds in which actors played
    idle_s: float = 0.0  # of these, without any batch under way: too few had asked
    host_s: float = 0.0  # of these, the server's own: to hear, gather, launch and hand back

    graphs: int = 0  # computations that the device prepared

    def since(self, before: ServerUsage) -> ServerUsage:
        differences: Any = (now - then for now, then in zip(self, before, strict=True))
        return ServerUsage(*differences)


class _Group:
    """Actors that make up a batch together."""

    def __init__(self, channel: Channel, places: int) -> None:
        self.channel, self._places = channel, places
        self.members: list[int] = []  # that play, in order
        self.waiting: set[int] = set()  # of these, who have asked

    def add(self, number: int) -> None:
        """An actor that has not asked yet."""
        self.waiting.discard(number)
        self.members = sorted({*self.members, number})

    def remove(self, number: int) -> None:
        self.waiting.discard(number)
        if number in self.members:
            self.members.remove(number)

    def is_whole(self) -> bool:
        return bool(self.members) and len(self.waiting) == len(self.members)

    def send(self, asked: NDArray[np.int64], entered: NDArray[np.int64]) -> _UnderWay:
        """What all members have asked."""
        numbers, counts = np.array(self.members), np.zeros(self._places, np.int64)
        counts[numbers // GROUPS] = asked[numbers, ROWS]
        self.waiting.clear()
        batch, positions = self.channel.ask(counts), int(counts.sum())
        return _UnderWay(batch, positions, numbers, asked[numbers, QUESTION], entered[numbers])


class _UnderWay(NamedTuple):
    batch: AskedBatch
    positions: int
    numbers: NDArray[np.int64]  # of the actors that asked
    questions: NDArray[np.int64]  # that each asked
    entered: NDArray[np.int64]  # how many had held their slots: more by now where one died


class _Spent:
    """Sums of ServerUsage."""

    def __init__(self) -> None:
        self.batches = self.positions = 0
        self.device_s = self.serving_s = self.idle_s = self.host_s = 0.0


class Server:
    """Answers for ``slots`` actors, each known by its number, who ask for ``rows`` at most."""

    def __init__(self, device: Device, slots: int, rows: int, spins: bool = False) -> None:
        """``spins``: it has a core of its own, and looks for questions and answers all the time."""
        self._device, self._spins = device, spins
        self._memory = SharedRows(CONTEXT, device.forms, device.actions, slots, rows)
        views = self._memory.views()
        self._asked, self._told = views.asked, views.told
        self._groups = [_Group(device.channel(room), len(room.fields[0])) for room in views.rooms]
        self._bell = Bell(CONTEXT)
        self._lines: dict[int, Connection] = {}  # by number
        self._entered = np.zeros(slots, np.int64)  # how many held each slot
        self._everybody = np.arange(slots)
        self._heard = np.zeros(slots, np.int64)  # the latest question of each
        self._under_way: deque[_UnderWay] = deque()
        self._spent = _Spent()
        self._emptied = 0.0  # when it was last out of work

    @property
    def usage(self) -> ServerUsage:
        return ServerUsage(**vars(self._spent), graphs=self._device.graphs)

    def enter(self, number: int) -> Slot:
        """A slot for the actor of this number from now on, in the place of one that has ended.

        Its end of the line is to be closed here once its process has it.
        """
        if number in self._lines:
            self._lines[number].close()
        self._groups[number % GROUPS].add(number)
        self._heard[number] = self._asked[number] = self._told[number] = 0
        self._entered[number] += 1
        line, self._lines[number] = CONTEXT.Pipe(duplex=False)
        holder = int(self._entered[number])
        return Slot(self._memory, number, self._bell.knocker, line, holder, self._spins)

    def begin(self) -> None:
        """All that have entered are about to play."""
        self._under_way.clear()
        for number in self._lines:
            self._groups[number % GROUPS].add(number)

    @property
    def awaited(self) -> bool:
        """Whether somebody plays."""
        return any(group.members for group in self._groups)

    def serve(self, poll: select.poll, heard: Callable[[int], None]) -> None:
        """Answers until every actor has left.

        ``heard`` is told the file descriptors of ``poll`` that can be read and are no actor's.
        """
        bell = self._bell.line.fileno()
        poll.register(bell, select.POLLIN)
        awake = self._emptied = time.perf_counter()
        while self.awaited:
            # also where it need not wait: other threads, the learner's, get Python's lock by this
            events = poll.poll(0 if self._spins or self._under_way else None)
            now = time.perf_counter()
            self._spent.serving_s += now - awake
            awake = now
            rung = self._everybody if self._spins else _NOBODY
            for line, _ in events:
                if line == bell:
                    rung = np.array(self._bell.rung(self._entered), np.int64)
                else:
                    heard(line)
            asked = self._hear(rung)
            done = bool(self._under_way) and self._under_way[0].batch.ready()
            if done:
                self._answer()
            if events or asked or done:
                self._begin()
                self._spent.host_s += time.perf_counter() - awake
            elif not self._spins:
                time.sleep(_PAUSE_S)
        poll.unregister(bell)

    def _hear(self, among: NDArray[np.int64]) -> bool:
        """Whether anybody ``among`` the actors has asked, or has left, since the last call."""
        new = among[self._asked[among, QUESTION] != self._heard[among]]
        for number in new.tolist():
            group = self._groups[number % GROUPS]
            if self._asked[number, ROWS] == LEFT:
                group.remove(number)
            else:
                group.waiting.add(number)
            self._heard[number] = self._asked[number, QUESTION]
        return bool(len(new))

    def _begin(self) -> None:
        """Sends each group that is whole on its way."""
        for group in self._groups:
            if group.is_whole():
                if not self._under_way:
                    self._spent.idle_s += time.perf_counter() - self._emptied
                self._under_way.append(group.send(self._asked, self._entered))

    def _answer(self) -> None:
        batch, positions, numbers, questions, entered = self._under_way.popleft()
        finite = batch.finite()
        here = self._entered[numbers] == entered  # the others have died
        self._told[numbers[here], FINITE] = finite
        self._told[numbers[here], ANSWER] = questions[here]
        if not self._spins:
            for number in numbers[here].tolist():
                knock(self._lines[number])
        spent = self._spent
        spent.batches += 1
        spent.positions += positions
        spent.device_s += batch.device_s()
        self._emptied = time.perf_counter()
