"""Searches of many tabs take turns, so that none waits for the end of another's."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_THREADS = 4  # searches at a time, each of another player
_LONG = 40  # jobs that give way, as many as there are tabs: most of them wait


class Turns:
    """Runs jobs in a bounded number of threads, those that share an ``owner`` one at a time.

    Who waits is served in the order of coming: the steps of all searches go round.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="search")
        # who waits in a thread of the pool could keep out whom it waits for
        self._long = ThreadPoolExecutor(_LONG, thread_name_prefix="long")
        self._locks: weakref.WeakKeyDictionary[object, asyncio.Lock] = weakref.WeakKeyDictionary()

    async def run(self, owner: object, job: Callable[[], T], gives_way: bool = False) -> T:
        """What ``job`` returns; when cancelled it waits for the job's end, alone with its owner.

        One that ``gives_way`` calls what ``giving_way`` returns, again and again.
        """
        lock, pool = self._lock(owner), self._long if gives_way else self._pool
        async with lock:
            future = asyncio.get_running_loop().run_in_executor(pool, job)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                await asyncio.wait([future])
                future.exception()  # nobody asks for it any more
                raise

    async def steps(
        self, owner: object, iterator: Iterator[T], gives_way: bool = False
    ) -> AsyncIterator[T]:
        """The elements of ``iterator``, each computed in a turn of its own."""
        end = object()
        while (element := await self.run(owner, lambda: next(iterator, end), gives_way)) is not end:
            yield element  # type: ignore[misc]

    def giving_way(self, owner: object) -> Callable[[], None]:
        """What a long job calls in its thread to let those who wait for ``owner`` come first."""
        lock, loop = self._lock(owner), asyncio.get_running_loop()

        async def give_way() -> None:
            lock.release()
            await lock.acquire()  # behind all who wait already

        return lambda: asyncio.run_coroutine_threadsafe(give_way(), loop).result()

    def _lock(self, owner: object) -> asyncio.Lock:
        return self._locks.setdefault(owner, asyncio.Lock())

    def close(self) -> None:
        """Takes no more jobs."""
        for pool in (self._pool, self._long):
            pool.shutdown(wait=False, cancel_futures=True)
