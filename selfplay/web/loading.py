"""A page that is served at once, while what answers it is loaded behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

from selfplay.web.channel import Channel

T = TypeVar("T")
Talk = Callable[[Channel], Awaitable[None]]
LOADING = "Loading ..."


def later(job: Callable[[], T]) -> Future[T]:
    """What ``job`` returns or raises, in a thread that does not keep the program alive."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(job())
        except BaseException as error:  # raised again where the result is asked for
            future.set_exception(error)

    threading.Thread(target=work, daemon=True, name="loading").start()
    return future


def talk_once_loaded(load: Future[Talk]) -> Talk:
    """Tells a tab that it waits, then talks to it; tells it the error where there is one."""

    async def talk(channel: Channel) -> None:
        if not load.done():
            await channel.send({"loading": LOADING})
        try:
            ready = await asyncio.shield(asyncio.wrap_future(load))
        except (ValueError, OSError) as error:
            return await channel.refuse(str(error))
        return await ready(channel)

    return talk
