"""A batch learned from by several threads of a CPU, each of which computes with one of torch's.

torch's own threads meet at the end of every operation, of which a step has hundreds, most too small
for two; these meet once a normalisation (``nets.reduction``) and at the end.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import torch

from selfplay.nets.reduction import LeftError, Reduction

_LEAST = 32  # samples a thread: with fewer it would mostly wait for others

_Result = TypeVar("_Result")


class Threads(NamedTuple):
    """Threads that work on the parts of a batch; the one that asks is the first of them."""

    size: int
    helpers: ThreadPoolExecutor

    def parts(self, samples: int) -> list[slice]:
        """The rows that each thread takes of so many."""
        count = max(1, min(self.size, samples // _LEAST))
        ends = [samples * i // count for i in range(count + 1)]
        return [slice(start, end) for start, end in itertools.pairwise(ends)]

    def map(self, work: Callable[[slice], _Result], parts: list[slice]) -> list[_Result]:
        """What ``work`` returns of each part; what it adds up is added up over all of them.

        Raises what the first of them raised that has failed by itself.
        """
        reduction = Reduction(len(parts))

        def joined(index: int) -> _Result:
            with reduction.joined(index):
                return work(parts[index])

        others: list[Future[_Result]] = []
        own: Future[_Result] = Future()
        try:
            with reduction.joined(0):  # before there are others: whatever ends it, none waits
                others += [self.helpers.submit(joined, i) for i in range(1, len(parts))]
                own.set_result(work(parts[0]))
        except LeftError as error:  # whoever failed says why
            own.set_exception(error)
        finally:  # none works on when this is left
            errors = [each.exception() for each in others]
        for found in errors:
            if found is not None and not isinstance(found, LeftError):
                raise found
        return [each.result() for each in (own, *others)]


@contextlib.contextmanager
def threads() -> Iterator[Threads]:
    """As many as torch computes with; as long as they last, torch uses one."""
    count = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(
            max(1, count - 1), "learner", initializer=torch.set_num_threads, initargs=(1,)
        ) as helpers:
            torch.set_num_threads(1)
            yield Threads(count, helpers)
    finally:
        torch.set_num_threads(count)
