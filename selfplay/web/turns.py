"""Searches of many tabs take turns, so that none waits for the end of another's."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_THREADS = 4  # searches at a time, each of another player


class Turns:
    """Runs jobs in a bounded number of threads, those that share an ``owner`` one at a time.

    Who waits is served in the order of coming: the steps of all searches go round.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="search")
        self._locks: weakref.WeakKeyDictionary[object, asyncio.Lock] = weakref.WeakKeyDictionary()

    async def run(self, owner: object, job: Callable[[], T]) -> T:
        """What ``job`` returns; when cancelled it waits for the job's end, alone with its owner."""
        lock = self._locks.setdefault(owner, asyncio.Lock())
        async with lock:
            future = asyncio.get_running_loop().run_in_executor(self._pool, job)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                await asyncio.wait([future])
                future.exception()  # nobody asks for it any more
                raise

    async def steps(self, owner: object, iterator: Iterator[T]) -> AsyncIterator[T]:
        """The elements of ``iterator``, each computed in a turn of its own."""
        end = object()
        while (element := await self.run(owner, lambda: next(iterator, end))) is not end:
            yield element  # type: ignore[misc]

    def close(self) -> None:
        """Takes no more jobs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
