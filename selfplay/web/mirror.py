"""The page of the mirror: the page asks for each step, so that its clock is that of the screen.

    page -> {"do": ACTION}    server -> {"court": [x, y, left, right], "score": [.., ..]}
    page -> {"way": WAY}, {"reset": true}, {"save": true}
    server -> {"told": ...} every tenth step, {"saved": FILE}, {"error": SENTENCE}

The game and the learning stand still while the tab is hidden.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from selfplay.data.readers.mirror import Played
from selfplay.mirror.duel import Duel
from selfplay.web.channel import Channel, Message, channel_route

TOLD_EVERY = 10  # steps
BATCHES = 3000  # learned of a file before the game begins


class MirrorPage:
    """What is the same for all tabs; each has a game of its own."""

    def __init__(
        self, out: Path, way: str = "relevance", seed: int | None = None, file: Played | None = None
    ) -> None:
        self._out, self._way, self._seed, self._file = out, way, seed, file
        self.routes = [channel_route("/mirror", self.talk)]

    async def talk(self, channel: Channel) -> None:
        """Plays with one tab until that is closed."""
        duel = await asyncio.to_thread(self._begun, self._way)  # a file takes seconds to learn
        await channel.send({"told": duel.told()})
        steps = 0
        async for message in channel:
            try:
                if "do" in message:
                    await channel.send(duel.step(message["do"]))
                    steps += 1
                elif answer := self._changed(duel, message):
                    await channel.send(answer)
                if "do" not in message or steps % TOLD_EVERY == 0:
                    await channel.send({"told": duel.told()})
            except (ValueError, OSError) as error:
                await channel.refuse(str(error))

    def _begun(self, way: str) -> Duel:
        duel = Duel(way, self._seed)
        if self._file is not None:
            duel.learn_from(self._file, BATCHES)
        return duel

    def _changed(self, duel: Duel, message: Message) -> Message | None:
        if "way" in message:
            duel.turn(str(message["way"]))
        elif message.get("reset") is True:
            duel.reset()
        elif message.get("save") is True:
            path, steps = duel.save(self._out)
            return {"saved": str(path), "steps": steps}
        else:
            raise ValueError("the page of the mirror knows do, way, reset and save")
        return None
