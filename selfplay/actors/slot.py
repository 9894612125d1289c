"""What the processes of actors and the server of answers share: memory, and lines to knock on.

An actor writes the positions it has to ask for into its slot and then the number of its question;
the server answers in the same memory, and then repeats the number.  Nothing is pickled.  Where the
server has a core of its own both look for the other's numbers all the time; else they knock.

Cores of some kinds see what another has written in any order.  So both look only where they see it
in its order, and else read nothing of an actor's but what was written before a knock that has been
read: a pipe has a lock, which hands on with the bytes what was written before.
"""

from __future__ import annotations

import contextlib
import os
import platform
import struct
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.cached import DIVERGED, CachedEvaluator, CancelledError, Usage
from selfplay.shared_rows import GROUPS, SharedRows
from selfplay.types import Evaluation, Float, Obs

QUESTION, ROWS = range(2)  # what stands in ``Views.asked``: the number of a question, positions
ANSWER, FINITE = range(2)  # in ``Views.told``: the question answered, whether all numbers are
LEFT = -1  # in the place of ROWS: there will be no questions for now
IN_ORDER = platform.machine() in ("x86_64", "AMD64")  # cores see what others write in its order
_KNOCK = struct.Struct("ii")  # short enough that a pipe never parts or mixes two of them
_NO_HOLDER = -1
_LOOKS = 10_000  # for an answer, in a millisecond, before the core is left to others
_PAUSE_S = 5e-5  # between later looks


class Slot(NamedTuple):
    """An actor's side of one of the slots."""

    memory: SharedRows
    number: int  # which it is
    bell: Connection  # of the server, for all
    line: Connection  # on which the server knocks
    holder: int  # how many held the slot, this actor included
    looks: bool  # whether both sides look for the other's numbers all the time

    @property
    def actions(self) -> int:
        return int(self.memory.views().rooms[0].answers.shape[1]) - 2


def knock(line: Connection, told: bytes = b"!") -> None:
    """In vain when nobody is there any more."""
    with contextlib.suppress(OSError):
        os.write(line.fileno(), told)


class Bell:
    """A line on which all actors knock, each with the number of his slot and of its holder."""

    def __init__(self, context: ForkServerContext) -> None:
        self.line, self.knocker = context.Pipe(duplex=False)

    def rung(self, holders: NDArray[np.int64]) -> list[int]:
        """The slots [S] whose present ``holders`` have knocked since the last call, in order.

        Waits for a knock; one of whoever held a slot before counts as none.
        """
        knocks = _KNOCK.iter_unpack(os.read(self.line.fileno(), _KNOCK.size * 256))
        return sorted({number for number, holder in knocks if holder == holders[number]})

    def wake(self) -> None:
        """Ends a wait in which nobody knocks."""
        knock(self.knocker, _KNOCK.pack(0, _NO_HOLDER))

    def close(self) -> None:
        self.line.close()
        self.knocker.close()


class RemoteEvaluator(CachedEvaluator):
    """An Evaluator whose answers come from the server behind a slot."""

    def __init__(self, slot: Slot, cache_size: int, pass_on: Callable[[], None]) -> None:
        """``pass_on`` lets another actor of this process go on, before the answer is waited for."""
        super().__init__(slot.actions, cache_size)
        self._slot, self._pass_on = slot, pass_on  # keeps its lines open
        views, (place, group) = slot.memory.views(), divmod(slot.number, GROUPS)
        room, rows = views.rooms[group], slot.memory.rows
        self._asked, self._told = views.asked[slot.number], views.told[slot.number]
        self._answers = room.answers[place * rows : (place + 1) * rows]
        self._fields = [field[place] for field in room.fields]
        self._question, self._inside_s = 0, 0.0

    def leave(self) -> None:
        """Tells the server not to wait for questions, until there is one."""
        self._ask(LEFT)

    def take_usage(self) -> Usage:
        inside, self._inside_s = self._inside_s, 0.0
        return super().take_usage()._replace(thread_s=inside)

    def _forward(self, obs: Obs, count: int) -> Evaluation:
        begun = time.thread_time()  # other actors of this thread go on before the answer is there
        fields, rows = arrays.leaves(obs), self._slot.memory.rows
        if count <= rows:
            answers = self._answered(fields, slice(count))
        else:
            starts = range(0, count, rows)
            parts = [self._answered(fields, slice(start, start + rows)).copy() for start in starts]
            answers = np.concatenate(parts)
        self._inside_s += time.thread_time() - begun
        return Evaluation(answers[:, :-2], answers[:, -2], answers[:, -1])

    def _answered(self, fields: list[NDArray[Any]], rows: slice) -> Float:
        """The answers for some rows, in the slot's memory: they are gone with the next question."""
        for field, room in zip(fields, self._fields, strict=True):
            asked = field[rows]
            room[: len(asked)] = asked
        self._ask(len(asked))
        self._pass_on()
        self._wait()
        if not self._told[FINITE]:
            raise ValueError(DIVERGED)
        answers: Float = self._answers[: len(asked)]
        return answers

    def _ask(self, rows: int) -> None:
        self._asked[ROWS] = rows
        self._question += 1
        self._asked[QUESTION] = self._question
        if not self._slot.looks:
            knock(self._slot.bell, _KNOCK.pack(self._slot.number, self._slot.holder))

    def _wait(self) -> None:
        """Until the answer is there.  Whoever waits for a server that is gone is ended with it."""
        if not self._slot.looks:
            if not os.read(self._slot.line.fileno(), 1):
                raise CancelledError
            return
        for _ in range(_LOOKS):
            if self._told[ANSWER] == self._question:
                return
        while self._told[ANSWER] != self._question:
            time.sleep(_PAUSE_S)
