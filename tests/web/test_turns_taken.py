"""Turns of searches: who waits for the same player, in which order it is served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from selfplay.web.turns import _THREADS, Turns

T = TypeVar("T")


def in_a_loop(job: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own: browsers of other tests keep an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, job).result()


class Owner:
    """A player that several search with."""


def test_a_long_job_that_gives_way_alternates_with_the_search_of_the_same_player() -> None:
    order: list[str] = []

    def judging(give_way: Callable[[], None]) -> Iterator[str]:
        for _ in range(6):
            order.append("judge")
            time.sleep(0.02)
            give_way()
        yield "judged"

    def searching() -> Iterator[int]:
        for step in range(5):
            order.append("search")
            time.sleep(0.02)
            yield step

    async def both() -> None:
        turns, owner = Turns(), Owner()

        async def judge() -> list[str]:
            steps = turns.steps(owner, judging(turns.giving_way(owner)), gives_way=True)
            return [told async for told in steps]

        async def search() -> list[int]:
            return [step async for step in turns.steps(owner, searching())]

        assert await asyncio.gather(judge(), search()) == [["judged"], [*range(5)]]
        turns.close()

    in_a_loop(both())
    assert order == ["judge", "search"] * 5 + ["judge"]


def test_more_jobs_that_give_way_than_threads_keep_nobody_out() -> None:
    async def all_of_them() -> int:
        turns, owner, ended = Turns(), Owner(), []
        give_way = turns.giving_way(owner)

        def long() -> None:
            for _ in range(3):
                give_way()
            ended.append("long")

        long_ones = [turns.run(owner, long, gives_way=True) for _ in range(2 * _THREADS)]
        short_ones = [turns.run(owner, lambda: ended.append("short")) for _ in range(2 * _THREADS)]
        await asyncio.wait_for(asyncio.gather(*long_ones, *short_ones), 60)
        turns.close()
        return len(ended)

    assert in_a_loop(all_of_them()) == 4 * _THREADS


def test_a_job_that_gives_way_is_alone_with_its_owner_in_between() -> None:
    """And whoever cancels it waits until it has ended."""
    inside: list[int] = []
    most: list[int] = []

    async def cancelled() -> list[int]:
        turns, owner = Turns(), Owner()
        give_way = turns.giving_way(owner)

        def job() -> None:
            for _ in range(5):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.01)
                inside.pop()
                give_way()

        tasks = [asyncio.create_task(turns.run(owner, job, gives_way=True)) for _ in range(3)]
        await asyncio.sleep(0.02)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        turns.close()
        assert isinstance(results[0], asyncio.CancelledError)
        assert results[1:] == [None, None]
        return most

    assert in_a_loop(cancelled()) == [1] * 15
