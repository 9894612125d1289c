"""What goes on for a tab by itself, until the tab asks for something else or is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from selfplay.web.channel import Channel


class Work:
    """Jobs that end together; ``halted`` tells the threads that work for them to stop."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._tasks: list[asyncio.Task[None]] = []
        self.halted = threading.Event()

    def start(self, job: Callable[[], Awaitable[None]]) -> None:
        """Begins a job beside those that have not been halted."""
        self._tasks.append(asyncio.create_task(self._guarded(job)))

    async def halt(self) -> None:
        """Ends the jobs and waits until they have ended."""
        self.halted.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks, self.halted = [], threading.Event()

    async def _guarded(self, job: Callable[[], Awaitable[None]]) -> None:
        """Tells the person what stops a job: a limit of memory, a game that is too large."""
        try:
            await job()
        except (ValueError, OSError, MemoryError, RuntimeError) as error:
            await self._channel.refuse(str(error)[:500] or type(error).__name__)
