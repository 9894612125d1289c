"""Answers the questions of many actors' processes with one net on one device.

The slots form two groups.  A group is one batch once all of its actors that still play have asked,
so what is in a batch is a function of the games alone and a run repeats; while one group's batch
is computed, the other group's actors walk their trees.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.actors.slot import ANSWERED, NOT_FINITE, Slot, knock
from selfplay.types import Float

if TYPE_CHECKING:
    from selfplay.nets.device import Batch, DeviceNet

_PAUSE_S = 2e-5  # between two looks at the device while no one asks


class ServerUsage(NamedTuple):
    """What a server has done."""

    batches: int = 0
    positions: int = 0
    device_s: float = 0.0  # seconds that the device took for them


class Server:
    """Answers for the actors behind slots, each known by its number."""

    def __init__(self, net: DeviceNet) -> None:
        self._net, self.forms, self.actions = net, net.forms, net.actions
        self._slots: dict[int, Slot] = {}
        self._views: dict[int, tuple[NDArray[np.int64], list[NDArray[Any]], Float]] = {}
        self._playing: set[int] = set()
        self._asked: set[int] = set()
        self._batches: deque[tuple[list[tuple[Connection, Float]], Batch]] = deque()
        self.usage = ServerUsage()

    def enter(self, number: int, slot: Slot) -> None:
        """This slot is that actor's from now on, in the place of an earlier one's."""
        if self._playing:
            with contextlib.suppress(KeyError):  # it was heard that the process is gone
                self._poll.unregister(self._slots[number].server.fileno())
            self._poll.register(slot.server.fileno(), select.POLLIN)
        self._slots[number], self._views[number] = slot, slot.views()
        self._asked.discard(number)

    def serve(self, poll: select.poll, heard: Callable[[int], None]) -> None:
        """Answers until every actor that has entered has left.

        ``heard`` is told the file descriptors of ``poll`` that can be read and are no slot's; it
        says by ``leave`` who has left by that.
        """
        self._poll, self._playing, self._asked = poll, set(self._slots), set()
        for slot in self._slots.values():
            poll.register(slot.server.fileno(), select.POLLIN)
        while self._playing:
            numbers = {slot.server.fileno(): number for number, slot in self._slots.items()}
            events = poll.poll(0 if self._batches else None)
            for line, _ in events:
                if line in numbers:
                    self._hear(numbers[line], line)
            for line, _ in events:  # may put new slots in the place of some that were just heard
                if line not in numbers:
                    heard(line)
            self._begin()
            if self._batches and self._batches[0][1].ready():
                self._answer()
            elif self._batches and not events:
                time.sleep(_PAUSE_S)

    def leave(self, number: int) -> None:
        """The actor will not ask any more."""
        self._playing.discard(number)
        self._asked.discard(number)

    def _hear(self, number: int, line: int) -> None:
        with contextlib.suppress(ConnectionResetError):
            if os.read(line, 1):
                self._asked.add(number)
                return
        self._poll.unregister(line)  # its process has died, which its other line says

    def _begin(self) -> None:
        """Sends each group that is whole on its way."""
        for parity in range(2):
            group = sorted(number for number in self._playing if number % 2 == parity)
            if group and self._asked.issuperset(group) and len(self._batches) < self._net.under_way:
                parts, rooms = [], []
                for number in group:
                    count, fields, answers = self._views[number]
                    parts.append([field[: count[0]] for field in fields])
                    rooms.append((self._slots[number].server, answers[: count[0]]))
                self._batches.append((rooms, self._net.ask(parts)))
                self._asked.difference_update(group)

    def _answer(self) -> None:
        rooms, batch = self._batches.popleft()
        answers, finite = batch.answers()
        start = 0
        for line, room in rooms:
            room[:] = answers[start : start + len(room)]
            start += len(room)
            knock(line, ANSWERED if finite else NOT_FINITE)
        used = self.usage
        device_s = used.device_s + batch.device_s()
        self.usage = ServerUsage(used.batches + 1, used.positions + start, device_s)
