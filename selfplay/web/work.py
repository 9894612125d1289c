"""What goes on for a tab by itself, until the tab asks for something else or is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from selfplay.web.channel import Channel


class Work:
    """At most one job; ``halted`` tells the threads that work for it to stop."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._task: asyncio.Task[None] | None = None
        self.halted = threading.Event()

    def start(self, job: Callable[[], Awaitable[None]]) -> None:
        """Begins a job; the last one must have been halted."""
        self._task = asyncio.create_task(self._guarded(job))

    async def halt(self) -> None:
        """Ends the job and waits until it has ended."""
        self.halted.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._task, self.halted = None, threading.Event()

    async def _guarded(self, job: Callable[[], Awaitable[None]]) -> None:
        """Tells the person what stops a job: a limit of memory, a problem that is too large."""
        try:
            await job()
        except (ValueError, OSError, MemoryError, RuntimeError) as error:
            await self._channel.refuse(str(error)[:500] or type(error).__name__)
