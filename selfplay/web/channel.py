"""A tab's socket: JSON objects in both ways, for as long as the tab is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

Message = dict[str, Any]

MESSAGE_LIMIT = 1 << 18  # bytes of a message; a game that is pasted is one
TABS = 40  # open at a time
_PATIENCE = 50  # messages that are none, until the socket is closed


class Channel:
    """What comes from a tab is iterated over; it ends when the tab is closed."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._sending = asyncio.Lock()

    async def send(self, message: Message) -> None:
        """Sends an object without NaN; nothing happens once the tab is closed."""
        text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        async with self._sending:
            try:
                await self._socket.send_text(text)
            except (WebSocketDisconnect, RuntimeError):  # closed meanwhile
                return

    async def refuse(self, sentence: str) -> None:
        """Tells the person what was wrong with what the tab asked for."""
        await self.send({"error": sentence})

    async def converse(self, answers: Mapping[str, Callable[[Message], Awaitable[None]]]) -> None:
        """Answers messages {"do": NAME, ...} until the tab is closed.

        A ValueError of what answers is told to the person as a sentence.
        """
        async for message in self:
            try:
                answer = answers.get(str(message.get("do"))[:20])
                if answer is None:
                    raise ValueError(f"a page does one of: {', '.join(answers)}")
                await answer(message)
            except ValueError as error:
                await self.refuse(str(error))

    async def __aiter__(self) -> AsyncIterator[Message]:
        refused = 0
        while refused < _PATIENCE:
            frame = await self._socket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            try:
                yield _parsed(frame.get("text"))
            except ValueError as error:
                refused += 1
                await self.refuse(str(error))
        await self._socket.close(4400)


def _parsed(text: str | None) -> Message:
    """The object that ``text`` is; ValueError with a sentence where it is none."""
    if text is None or len(text) > MESSAGE_LIMIT:
        raise ValueError(f"a message is text of at most {MESSAGE_LIMIT:,} characters")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message


def channel_route(path: str, talk: Callable[[Channel], Awaitable[None]]) -> WebSocketRoute:
    """A route on which ``talk`` is run for every tab, with a ``Channel`` of its own."""
    count = 0

    async def endpoint(socket: WebSocket) -> None:
        nonlocal count
        await socket.accept()
        if count >= TABS:
            await Channel(socket).refuse(f"{TABS} tabs are open already: close one of them")
            await socket.close(4429)
            return
        count += 1
        try:
            await talk(Channel(socket))
        finally:
            count -= 1

    return WebSocketRoute(path, endpoint)
