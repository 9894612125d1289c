"""Answers the questions of many actors' processes with one net on one device.

The slots form two groups.  A group is one batch once all of its actors that still play have asked,
so what is in a batch is a function of the games alone and a run repeats; while one group's batch
is computed, the other group's actors walk their trees.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from selfplay.actors.slot import ANSWERED, NOT_FINITE, Slot, knock
from selfplay.nets.device import UNDER_WAY, Batch, DeviceNet

_PAUSE_S = 2e-5  # between two looks at the device while no one asks


class ServerUsage(NamedTuple):
    """What a server has done."""

    batches: int = 0
    positions: int = 0
    device_s: float = 0.0  # seconds that the device took for them


class Server:
    """Answers for the actors behind ``slots`` until each has been said to have left."""

    def __init__(self, slots: Sequence[Slot], net: DeviceNet) -> None:
        self._net = net
        self._lines = [slot.server for slot in slots]
        self._views = [slot.views() for slot in slots]
        self._number = {line.fileno(): i for i, line in enumerate(self._lines)}
        self._playing: set[int] = set()
        self._asked: set[int] = set()
        self._batches: deque[tuple[list[int], Batch]] = deque()
        self.usage = ServerUsage()

    def serve(self, others: Sequence[int], heard: Callable[[int], int | None]) -> None:
        """Answers until no one plays.

        ``others`` are file descriptors to listen to besides: ``heard`` is told which can be read
        and says which actor has left by that.
        """
        self._playing, self._asked = set(range(len(self._lines))), set()
        self._poll = poll = select.poll()
        for line in (*self._number, *others):
            poll.register(line, select.POLLIN)
        while self._playing:
            events = poll.poll(0 if self._batches else None)
            for line, _ in events:
                if line in self._number:
                    self._hear(line)
                elif (gone := heard(line)) is not None:
                    self._playing.discard(gone)
                    self._asked.discard(gone)
                    poll.unregister(line)
            self._begin()
            if self._batches and self._batches[0][1].ready():
                self._answer()
            elif self._batches and not events:
                time.sleep(_PAUSE_S)

    def _hear(self, line: int) -> None:
        if os.read(line, 1):
            self._asked.add(self._number[line])
        else:  # its process has died, which the other line says
            self._poll.unregister(line)

    def _begin(self) -> None:
        """Sends each group that is whole on its way."""
        for parity in range(2):
            group = sorted(i for i in self._playing if i % 2 == parity)
            whole = group and all(i in self._asked for i in group)
            if whole and len(self._batches) < UNDER_WAY:
                parts = []
                for i in group:
                    count, fields, _ = self._views[i]
                    parts.append([field[: count[0]] for field in fields])
                self._batches.append((group, self._net.ask(parts)))
                self._asked.difference_update(group)

    def _answer(self) -> None:
        group, batch = self._batches.popleft()
        answers, finite = batch.answers()
        start = 0
        for i in group:
            count, _, room = self._views[i]
            end = start + int(count[0])
            room[: count[0]] = answers[start:end]
            start = end
            knock(self._lines[i], ANSWERED if finite else NOT_FINITE)
        used = self.usage
        device_s = used.device_s + batch.device_s()
        self.usage = ServerUsage(used.batches + 1, used.positions + start, device_s)
