"""One net that answers whoever asks, in a thread of this process.

The server of actors knows who plays, and waits until all of a group have asked (``server``).  Who
tries problems is at a task of his own, as long as it takes: here a batch is all that was asked
while the one before was computed.  What is in it depends on who is quicker, and so do the last bits
of an answer.
"""

from __future__ import annotations

import contextlib
import select
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.actors.slot import ANSWER, FINITE, QUESTION, ROWS, Bell, Slot, knock
from selfplay.cached import Usage, is_finite
from selfplay.nets.base import example
from selfplay.shared_rows import GROUPS, SharedRows
from selfplay.system.workers import CONTEXT
from selfplay.types import Game

if TYPE_CHECKING:
    from selfplay.nets import Net
    from selfplay.nets.evaluator import NetEvaluator


class _Asked(NamedTuple):
    """Questions of some slots."""

    numbers: NDArray[np.int64]
    counts: NDArray[np.int64]  # positions of each
    entered: NDArray[np.int64]  # how many had held the slot


class OpenServer:
    """Answers by ``evaluator`` for so many processes at a time, who ask for ``rows`` at most."""

    def __init__(self, evaluator: NetEvaluator, game: Game, slots: int, rows: int) -> None:
        self._evaluator = evaluator
        forms = [(field.shape[1:], field.dtype) for field in arrays.leaves(example(game))]
        self._memory = SharedRows(CONTEXT, forms, game.num_actions, slots, rows)
        self._views = self._memory.views()
        self._bell = Bell(CONTEXT)
        self._lines: dict[int, Connection] = {}  # by the number of the slot
        self._entered = np.zeros(slots, np.int64)
        self._heard = np.zeros(slots, np.int64)  # the latest question of each
        self._lock = threading.Lock()  # of all above
        self._computes = threading.Lock()  # of the evaluator
        self._ended = False
        self.failure: Exception | None = None  # why it answers no more
        self._thread = threading.Thread(target=self._serve, name="server", daemon=True)
        self._thread.start()

    def load(self, net: Net) -> None:
        """Answers with the weights of ``net`` from now on."""
        with self._computes:
            self._evaluator.load(net)

    def take_usage(self) -> Usage:
        """What the net and its device did since the last call, but for who asked how much."""
        with self._computes:
            return self._evaluator.take_usage()

    @contextlib.contextmanager
    def entering(self) -> Iterator[tuple[Slot]]:
        """A slot for a process that is started within; in the place of one that has ended."""
        with self._lock:
            number = self._free()
            if number in self._lines:
                self._lines[number].close()
            self._views.asked[number] = self._views.told[number] = self._heard[number] = 0
            self._entered[number] += 1
            holder = int(self._entered[number])
            line, self._lines[number] = CONTEXT.Pipe(duplex=False)
        try:
            yield (Slot(self._memory, number, self._bell.knocker, line, holder, looks=False),)
        finally:
            line.close()  # or it would not be noticed that nobody reads any more

    def _free(self) -> int:
        """A slot that nobody holds."""
        for number in range(len(self._entered)):
            if number not in self._lines or _is_deserted(self._lines[number]):
                return number
        raise AssertionError("there are more processes than slots")

    def close(self) -> None:
        """Ends; who still asks gets CancelledError."""
        self._ended = True
        self._bell.wake()
        self._thread.join()
        self._leave()
        self._bell.close()

    def _leave(self) -> None:
        with self._lock:
            for line in self._lines.values():
                line.close()
            self._lines.clear()

    def _serve(self) -> None:
        try:
            while not self._ended:
                asked = self._hear(self._bell.rung(self._entered))
                if len(asked.numbers):
                    self._answer(asked)
        except Exception as error:  # out of memory, say: told by whoever waits for the processes
            self.failure = error
            self._leave()

    def _hear(self, rung: list[int]) -> _Asked:
        """Who of those that have knocked has asked since the last call."""
        with self._lock:
            numbers = np.array(rung, np.int64)
            questions = self._views.asked[numbers, QUESTION]
            numbers = numbers[questions != self._heard[numbers]]
            self._heard[numbers] = self._views.asked[numbers, QUESTION]
            counts = self._views.asked[numbers, ROWS].copy()
            return _Asked(numbers, counts, self._entered[numbers])

    def _asked_by(self, number: int, count: int) -> list[NDArray[Any]]:
        """The positions that stand in a slot."""
        fields = self._views.rooms[number % GROUPS].fields
        return [field[number // GROUPS, :count] for field in fields]

    def _answer(self, asked: _Asked) -> None:
        rows = list(zip(asked.numbers.tolist(), asked.counts.tolist(), strict=True))
        fields = zip(*(self._asked_by(number, count) for number, count in rows), strict=True)
        seen = tuple(np.concatenate(field) for field in fields)
        with self._computes:
            answer = self._evaluator.answers(seen, int(asked.counts.sum()))
        finite = is_finite(answer)
        with self._lock:
            end = 0
            for i, (number, count) in enumerate(rows):
                begin, end = end, end + count
                if self._entered[number] != asked.entered[i]:
                    continue  # who asked has died
                group, first = number % GROUPS, number // GROUPS * self._memory.rows
                room = self._views.rooms[group].answers[first : first + count]
                room[:, :-2] = answer.logits[begin:end]
                room[:, -2], room[:, -1] = answer.value[begin:end], answer.draw[begin:end]
                told = self._views.told[number]
                told[FINITE], told[ANSWER] = finite, self._heard[number]
                if number in self._lines:  # else all are told to go
                    knock(self._lines[number])


def _is_deserted(line: Connection) -> bool:
    """Whether nobody is there who could hear a knock."""
    poll = select.poll()
    poll.register(line.fileno(), select.POLLERR)
    return bool(poll.poll(0))
