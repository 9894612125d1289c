"""Answers the questions of many actors' processes with one net on one device.

The actors form two groups.  A group is one batch once all of its actors that still play have asked,
so what is in a batch is a function of the games alone and a run repeats; while one group's batch
is computed, the other group's actors walk their trees.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from selfplay.actors.slot import (
    ANSWERED,
    NOT_FINITE,
    QUESTION,
    ROWS,
    Form,
    SharedRows,
    Slot,
    knock,
)
from selfplay.jit import kernel
from selfplay.types import Float

if TYPE_CHECKING:
    from selfplay.nets import Net

GROUPS = 2  # of actors: one walks its trees while the other waits
_PAUSE_S = 2e-5  # between two looks at the device where the server has no core of its own


class AskedBatch(Protocol):
    """Answers on their way."""

    def ready(self) -> bool: ...

    def answers(self) -> tuple[Float, bool]:
        """[M, A + 2] f32, logits, value and probability of a draw, and whether all are finite."""

    def device_s(self) -> float:
        """Seconds that the device took."""


class Device(Protocol):
    """What computes answers: ``nets.device.DeviceNet``, or what is modelled on it."""

    actions: int
    under_way: int  # batches that may be neither answered nor read

    @property
    def forms(self) -> Sequence[Form]:
        """Of the fields of an observation."""

    @property
    def graphs(self) -> int:
        """Computations that were prepared so far, each for one size of batch."""

    def load(self, net: Net) -> None:
        """Answers with the weights of ``net`` from now on."""

    def ask(self, count: int, fill: Callable[[Sequence[NDArray[Any]]], None]) -> AskedBatch:
        """Begins to answer for ``count`` positions, which ``fill`` writes into the first rows of
        the fields that it is handed.
        """


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

    def __init__(self, members: Sequence[int]) -> None:
        self.members = sorted(members)  # that play
        self.waiting: set[int] = set()  # of these, who have asked

    def remove(self, number: int) -> None:
        self.waiting.discard(number)
        if number in self.members:
            self.members.remove(number)

    def is_whole(self) -> bool:
        return bool(self.members) and len(self.waiting) == len(self.members)


class _UnderWay(NamedTuple):
    batch: AskedBatch
    numbers: NDArray[np.int64]  # of the actors that asked
    counts: NDArray[np.int64]  # their positions
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
        self._context = get_context("spawn")
        self._memory = SharedRows(self._context, device.forms, device.actions, slots, rows)
        self._views = self._memory.views()
        self._bytes = [_rows_of_bytes(field, 2) for field in self._views.fields]
        self._bell, self._knocker = self._context.Pipe(duplex=False)
        self._lines: dict[int, Connection] = {}  # by number
        self._entered = np.zeros(slots, np.int64)
        self._heard = np.zeros(slots, np.int64)  # the latest question of each
        self._groups: list[_Group] = []
        self._under_way: deque[_UnderWay] = deque()
        self._spent = _Spent()
        self._since = self._emptied = 0.0  # when it began to serve; when it was last out of work

    @property
    def usage(self) -> ServerUsage:
        return ServerUsage(**vars(self._spent), graphs=self._device.graphs)

    def enter(self, number: int) -> Slot:
        """A slot for the actor of this number from now on, in the place of one that has ended.

        Its end of the line is to be closed here once its process has it.
        """
        if number in self._lines:
            self._lines[number].close()
        for group in self._groups:
            group.waiting.discard(number)
        self._heard[number] = 0
        self._views.asked[number] = 0
        self._entered[number] += 1
        line, self._lines[number] = self._context.Pipe(duplex=False)
        return Slot(self._memory, number, self._knocker, line, self._spins)

    def serve(self, poll: select.poll, heard: Callable[[int], None]) -> None:
        """Answers until every actor that has entered has left.

        ``heard`` is told the file descriptors of ``poll`` that can be read and are no actor's; it
        says by ``leave`` who has left by that.
        """
        self._under_way.clear()
        every = list(self._lines)
        self._groups = [_Group([n for n in every if n % GROUPS == k]) for k in range(GROUPS)]
        bell = self._bell.fileno()
        poll.register(bell, select.POLLIN)
        awake = self._emptied = time.perf_counter()
        while any(group.members for group in self._groups):
            # also where it need not wait: other threads, the learner's, get Python's lock by this
            events = poll.poll(0 if self._spins or self._under_way else None)
            now = time.perf_counter()
            self._spent.serving_s += now - awake
            awake = now
            for line, _ in events:
                if line == bell:
                    os.read(line, 4096)
                else:
                    heard(line)
            asked = self._hear()
            done = bool(self._under_way) and self._under_way[0].batch.ready()
            if done:
                self._answer()
            if events or asked or done:
                self._begin()
                self._spent.host_s += time.perf_counter() - awake
            elif not self._spins:
                time.sleep(_PAUSE_S)
        poll.unregister(bell)

    def leave(self, number: int) -> None:
        """The actor will not ask any more."""
        for group in self._groups:
            group.remove(number)

    def _hear(self) -> bool:
        """Whether anybody has asked since the last call."""
        questions = self._views.asked[:, QUESTION]
        (new,) = np.nonzero(questions != self._heard)
        for number in new.tolist():
            self._groups[number % GROUPS].waiting.add(number)
            self._heard[number] = questions[number]
        return bool(len(new))

    def _begin(self) -> None:
        """Sends each group that is whole on its way."""
        for group in self._groups:
            if group.is_whole() and len(self._under_way) < self._device.under_way:
                self._send(group.members)
                group.waiting.clear()

    def _send(self, members: Sequence[int]) -> None:
        numbers = np.array(members, np.int64)
        counts = self._views.asked[numbers, ROWS]

        def fill(rooms: Sequence[NDArray[Any]]) -> None:
            for field, room in zip(self._bytes, rooms, strict=True):
                _gather(field, numbers, counts, _rows_of_bytes(room, 1))

        batch = self._device.ask(int(counts.sum()), fill)
        if not self._under_way:
            self._spent.idle_s += time.perf_counter() - self._emptied
        self._under_way.append(_UnderWay(batch, numbers, counts, self._entered[numbers]))

    def _answer(self) -> None:
        batch, numbers, counts, entered = self._under_way.popleft()
        answers, finite = batch.answers()
        _hand_back(answers, numbers, counts, self._views.answers)
        word = ANSWERED if finite else NOT_FINITE
        for number in numbers[self._entered[numbers] == entered].tolist():  # the others have died
            knock(self._lines[number], word)
        spent = self._spent
        spent.batches += 1
        spent.positions += len(answers)
        spent.device_s += batch.device_s()
        self._emptied = time.perf_counter()


def _rows_of_bytes(array: NDArray[Any], axes: int) -> NDArray[np.uint8]:
    """The rows of a contiguous array behind its first ``axes``, as bytes [..., W]."""
    flat = array.reshape(*array.shape[:axes], -1)
    return flat.view(np.uint8)


@kernel
def _gather(
    slots: NDArray[np.uint8],
    numbers: NDArray[np.int64],
    counts: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Copies the first ``counts`` rows of the slots [S, R, W] of these ``numbers`` to ``out``."""
    end = 0
    for k in range(numbers.shape[0]):
        rows = counts[k]
        out[end : end + rows] = slots[numbers[k], :rows]
        end += rows


@kernel
def _hand_back(
    answers: Float, numbers: NDArray[np.int64], counts: NDArray[np.int64], slots: Float
) -> None:
    """The way back: ``answers`` [M, A + 2] to the slots [S, R, A + 2]."""
    end = 0
    for k in range(numbers.shape[0]):
        rows = counts[k]
        slots[numbers[k], :rows] = answers[end : end + rows]
        end += rows
