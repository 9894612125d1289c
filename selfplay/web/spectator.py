"""A tab that watches: the games of a run move by move, and what an agent of it thinks of them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from selfplay.actors.harvest import parse_record
from selfplay.play.svg import board_svg
from selfplay.play.variations import ROOT, Variations
from selfplay.players.thinking import Limit, Thinker
from selfplay.system.console import COMPILING
from selfplay.types import Game, Player
from selfplay.web.catalogue import Catalogue
from selfplay.web.channel import Channel, Message
from selfplay.web.live import LiveRun
from selfplay.web.play import Warm
from selfplay.web.table import LAYERS, Settings, Table, layer_of
from selfplay.web.turns import Turns
from selfplay.web.work import Work

LOOK = Limit(simulations=2_000, seconds=5.0)  # a position; the training has the machine too
_MOST_BYTES = 1 << 22  # of a file of games


class Watched(NamedTuple):
    """What all tabs of a page share."""

    run: LiveRun
    catalogue: Callable[[], Catalogue]  # ValueError with a sentence before the run can be played
    agent: Callable[[int], tuple[str, Player]]  # of a checkpoint, likewise
    turns: Turns
    warm: Warm


class WatchedTable(Table):
    """A game that is looked at: nobody plays on this board."""

    def svg(self) -> str:
        tree, layer = self.tree, None
        if self.thought is not None and self.layer != "none":
            layer = layer_of(self.layer, self.thought[1])
        return board_svg(self.game, tree.now.state, tree.nodes[tree.at].action, layer)


class Spectator:
    """One tab: it is told of the run as that changes, and has one game and at most one search."""

    def __init__(self, watched: Watched, channel: Channel) -> None:
        self._watched, self._channel, self._work = watched, channel, Work(channel)
        self._table: WatchedTable | None = None
        self._file, self._number = "", 0
        self._step: int | None = None  # the checkpoint that thinks; None: the newest
        self._layer_name = "visits"
        self._looks = True
        self._answers: dict[str, Callable[[Message], Awaitable[None]]] = {
            "game": self._game, "ply": self._ply, "agent": self._agent, "layer": self._layer,
            "look": self._look,
        }  # fmt: skip

    async def talk(self) -> None:
        """Answers until the tab is closed, and ends its search then."""
        try:
            await self._channel.converse(self._answers)
        finally:
            await self._work.halt()

    async def _game(self, _: Message) -> None:
        """The first game of the newest file, or the next one of the file that is shown."""
        await self._work.halt()
        told = await asyncio.to_thread(self._open_next)
        await self._channel.send({"game": told})
        await self._show()

    def _open_next(self) -> Message:
        run = self._watched.run
        run.look()  # a tab may ask before it was told anything
        paths = run.folder.all_games()
        if run.rules is None or not paths:
            raise ValueError("the run has no game that can be shown")
        newest = paths[-1]
        records = _records(newest)
        self._number = self._number + 1 if newest.name == self._file else 0
        self._file = newest.name
        if not records:
            raise ValueError(f"{newest} holds no game")
        self._number %= len(records)
        record, opening = _replayed(run.rules, records[self._number], newest)
        table = WatchedTable(self._watched.catalogue(), Settings(("", ""), LOOK))
        table.tree, table.layer = record, self._layer_name
        self._table = table
        line = record.main_line()
        moves = [run.rules.action_name(record.nodes[node].action) for node in line[1:]]
        record.go_to(ROOT)
        return {
            "file": newest.name, "number": self._number + 1, "of": len(records), "moves": moves,
            "opening": opening,
        }  # fmt: skip

    async def _ply(self, message: Message) -> None:
        """{ply}: the position after so many moves."""
        table, ply = self._known(), message.get("ply")
        line = table.tree.main_line()
        if not isinstance(ply, int) or isinstance(ply, bool) or not 0 <= ply < len(line):
            raise ValueError(f"ply is a whole number from 0 to {len(line) - 1}")
        await self._work.halt()
        table.tree.go_to(line[ply])
        await self._show()

    async def _agent(self, message: Message) -> None:
        """{step}: which checkpoint thinks; null: the newest there is."""
        step = message.get("step")
        if step is not None and step not in await asyncio.to_thread(self._watched.run.steps):
            raise ValueError(f"the run has no checkpoint {str(step)[:20]!r}")
        self._step = step
        await self._again()

    async def _layer(self, message: Message) -> None:
        if message.get("layer") not in LAYERS:
            raise ValueError(f"a layer is one of: {', '.join(LAYERS)}")
        self._layer_name = message["layer"]
        table = self._table
        if table is not None:
            table.layer = self._layer_name
            shows = self._board if table.thought is None else table.shown
            kind = "board" if table.thought is None else "thoughts"
            await self._channel.send({kind: await asyncio.to_thread(shows)})

    async def _look(self, message: Message) -> None:
        """{on}: whether anybody looks."""
        self._looks = bool(message.get("on"))
        await self._again()

    async def _again(self) -> None:
        await self._work.halt()
        if self._table is not None:
            await self._show()

    def _known(self) -> WatchedTable:
        if self._table is None:
            raise ValueError("no game is shown yet")
        return self._table

    async def _show(self) -> None:
        table = self._known()
        table.thought = None
        await self._channel.send({"board": await asyncio.to_thread(self._board)})
        if self._looks and not table.tree.now.over:
            self._work.start(functools.partial(self._think, table))

    def _board(self) -> Message:
        table = self._known()
        view = table.view()
        ply = table.tree.main_line().index(table.tree.at)
        kept = ("svg", "over", "result", "mover", "players", "node")
        return {"ply": ply, **{key: view[key] for key in kept}}

    async def _think(self, table: WatchedTable) -> None:
        watched, halted = self._watched, self._work.halted
        step = self._step
        if step is None:
            step = next(reversed(await asyncio.to_thread(watched.run.steps)), None)
        if step is None:
            await self._channel.send({"busy": "no checkpoint yet"})
            return
        name, player = await asyncio.to_thread(watched.agent, step)
        if not watched.warm.knows(player):
            await self._channel.send({"busy": f"{COMPILING} ..."})
            await watched.turns.run(player, lambda: watched.warm.warm(table, player))
        thinker = Thinker(table.game, player, table.rng)
        search = thinker.think(table.tree.now.state, LOOK, halted.is_set)
        async for insight in watched.turns.steps(player, search):
            if halted.is_set():
                return
            table.thought = (name, insight)
            await self._channel.send({"thoughts": await asyncio.to_thread(table.shown)})


def _records(path: Path) -> list[str]:
    """The lines of a file of games; one that is cut off at the end is none."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    return [line for line in content.decode("utf-8", "replace").split("\n")[:-1] if line.strip()]


def _replayed(game: Game, line: str, path: Path) -> tuple[Variations, int]:
    """A recorded game as a line, and how many of its moves were random."""
    try:
        record = parse_record(line)
        tree = Variations(game, record.seed)
        tree.branch(ROOT, [game.parse_action(name) for name in record.moves.split()])
    except (ValueError, LookupError) as error:
        raise ValueError(f"{path} holds a line that is no game of {game.name}") from error
    return tree, record.opening
