"""The page of play: what a tab asks for, what thinks for it, and what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.routing import BaseRoute

from selfplay.players.thinking import Insight, Limit, Thinker, warm_up
from selfplay.system.console import COMPILING
from selfplay.types import Player
from selfplay.web.catalogue import Catalogue
from selfplay.web.channel import Channel, Message, channel_route
from selfplay.web.loading import Talk
from selfplay.web.recorded import Recorded, files_of_run, games_in, games_of_run
from selfplay.web.table import (
    LAYERS,
    LOOK,
    MOST_LINKED,
    MOST_RANDOM,
    MOST_SECONDS,
    MOST_SIMULATIONS,
    PERSON,
    USUAL,
    HaltedError,
    Settings,
    Table,
    begun,
)
from selfplay.web.turns import Turns
from selfplay.web.work import Work

SEEN_FIRST = 3  # insights of a position before its course is judged


class Warm:
    """Which players have thought once: what they need is compiled then."""

    def __init__(self) -> None:
        self._known: weakref.WeakSet[Player] = weakref.WeakSet()

    def knows(self, player: Player) -> bool:
        return player in self._known

    def warm(self, table: Table, player: Player) -> None:
        """Lets the player think of the start of the game."""
        warm_up(table.game, player)
        self._known.add(player)


def routes(catalogue: Catalogue) -> list[BaseRoute]:
    """What the page asks for: one socket, on which ``talking`` talks."""
    return [channel_route("/play", talking(catalogue))]


def talking(
    catalogue: Catalogue, side: int = 0, limit: Limit = USUAL, level: int | None = None
) -> Talk:
    """What talks to each tab.

    It begins with a person on ``side`` against the catalogue's player, who has ``limit`` a move (0
    simulations are its net alone), weakened to ``level``.
    """
    turns, warm = Turns(), Warm()
    settings = begun(catalogue, side, limit, level)

    async def talk(channel: Channel) -> None:
        await Tab(channel, catalogue, turns, warm, settings).talk()

    return talk


class Tab:
    """One tab: a table, at most one search for it, and the course of its game."""

    def __init__(
        self,
        channel: Channel,
        catalogue: Catalogue,
        turns: Turns,
        warm: Warm,
        settings: Settings,
    ) -> None:
        self._channel, self._catalogue, self._turns, self._warm = channel, catalogue, turns, warm
        self._first = settings
        self._work = Work(channel)
        self._seen = asyncio.Event()  # enough of the position looked at to judge the course
        self._looks = True  # whether the search grows while one looks
        self._plays = True  # whether players move when it is their turn
        self._recorded: list[Recorded] = []
        self._answers: dict[str, Callable[[Message], Awaitable[None]]] = {
            "new": self._new, "seats": self._seats, "play": self._play, "go": self._go,
            "undo": self._undo, "retry": self._retry, "remove": self._remove, "main": self._main,
            "layer": self._layer, "look": self._look, "move": self._move, "pause": self._pause,
            "offer": self._offer, "read": self._read, "files": self._files, "open": self._open,
        }  # fmt: skip

    async def talk(self) -> None:
        """Answers until the tab is closed, and ends its search then."""
        try:
            self._table = await self._sync(lambda: Table(self._catalogue, self._first))
            await self._offer({"game": self._table.spec})
            await self._show()
            await self._channel.converse(self._answers)
        finally:
            await self._work.halt()

    async def _sync(self, job: Callable[[], Any]) -> Any:
        """A job beside the searches: games may compile, runs are read."""
        return await asyncio.to_thread(job)

    # what a tab asks for

    async def _new(self, message: Message) -> None:
        """{game, seats, simulations | seconds, moves | opening | random, branches, waits}: a game.

        One that a link restores ``waits`` where moves were made; its branches are lines of moves.
        """
        spec = message.get("game", self._table.spec)
        settings = await self._sync(lambda: self._settings(message, spec))
        actions = _whole_numbers(message.get("moves", []))
        if opening := str(message.get("opening", ""))[:10_000].strip():
            game = await self._sync(lambda: self._catalogue.rules(spec))
            actions = list(games_in(opening, game)[0].actions)
        plies = int(_bounded(message, "random", 0, MOST_RANDOM) or 0)
        branches = _lines(message.get("branches", []))
        plays = not message.get("waits") or not actions
        await self._change(
            lambda: self._table.begin(spec, settings, actions, branches, plies), plays=plays
        )

    async def _seats(self, message: Message) -> None:
        """{seats, simulations | seconds}: who plays on."""
        spec = self._table.spec
        settings = await self._sync(lambda: self._settings(message, spec))
        await self._change(lambda: self._table.set_settings(settings), plays=True)

    async def _play(self, message: Message) -> None:
        action = _whole_number(message, "action")
        await self._change(lambda: self._table.tree.play(action), plays=True)

    async def _go(self, message: Message) -> None:
        node = _whole_number(message, "node")
        await self._change(lambda: self._table.tree.go_to(node))

    async def _undo(self, _: Message) -> None:
        await self._change(self._table.undo)

    async def _retry(self, message: Message) -> None:
        node = _whole_number(message, "node")
        await self._change(lambda: self._table.retry(node))

    async def _remove(self, message: Message) -> None:
        node = _whole_number(message, "node")
        await self._change(lambda: self._table.tree.remove(node))

    async def _main(self, message: Message) -> None:
        node = _whole_number(message, "node")
        await self._change(lambda: self._table.tree.make_main(node))

    async def _move(self, _: Message) -> None:
        """Lets whoever advises, or whose turn it is, make the move."""
        if self._table.tree.now.over:
            raise ValueError("the game is over: there is no move to make")
        await self._work.halt()
        self._start(functools.partial(self._moves, forced=True))

    async def _pause(self, _: Message) -> None:
        """Players wait until somebody moves or asks them to."""
        await self._change(lambda: None)

    async def _layer(self, message: Message) -> None:
        if message.get("layer") not in LAYERS:
            raise ValueError(f"a layer is one of: {', '.join(LAYERS)}")
        self._table.layer = message["layer"]
        if self._table.thought is None:
            await self._send_view()
        else:
            await self._channel.send({"thoughts": self._table.shown()})

    async def _look(self, message: Message) -> None:
        """{on}: whether the search grows while one looks."""
        self._looks = bool(message.get("on"))
        await self._change(lambda: None)

    async def _offer(self, message: Message) -> None:
        """{game}: what can play it."""
        spec = message.get("game")
        await self._sync(lambda: self._catalogue.rules(spec))
        offered = await self._sync(lambda: self._catalogue.offered(str(spec)))
        await self._channel.send({"offered": offered})

    # recorded games

    async def _read(self, message: Message) -> None:
        """{text} or {run, file}, open, ask: the games in it, told with ``ask`` as it was given.

        Where it holds one game alone it is reviewed at once, if that is to ``open``.
        """
        game, run, text = self._table.game, message.get("run"), message.get("text")
        self._recorded = []
        if run is not None:
            self._known_run(run)
            games = await self._sync(lambda: games_of_run(run, message.get("file"), game))
        elif isinstance(text, str):
            games = await self._sync(lambda: games_in(text, game))
        else:
            raise ValueError("a game to review is text, or a file of a run")
        self._recorded = games
        told = [[each.where, len(each.actions)] for each in games]
        await self._channel.send({"recorded": told, "ask": message.get("ask")})
        if len(games) == 1 and message.get("open"):
            await self._open({"number": 0})

    async def _files(self, message: Message) -> None:
        """{run}: its files of games."""
        run = message.get("run")
        self._known_run(run)
        files = await self._sync(lambda: files_of_run(str(run)))
        await self._channel.send({"files": files[:200], "run": run})

    def _known_run(self, run: object) -> None:
        spec = self._table.spec
        if run not in [entry.name for entry in self._catalogue.runs if entry.game == spec]:
            raise ValueError(f"there is no run {str(run)[:80]!r} of {spec} on this page")

    async def _open(self, message: Message) -> None:
        """{number}: reviews that game of those that were read."""
        number = _whole_number(message, "number")
        if number >= len(self._recorded):
            raise ValueError("there is no such game in what was read")
        actions, table = self._recorded[number].actions, self._table
        settings = table.settings._replace(seats=(PERSON, PERSON))
        await self._change(lambda: table.begin(table.spec, settings, actions))

    def _settings(self, message: Message, spec: object) -> Settings:
        """Who plays and how strongly; ValueError with a sentence."""
        seats = message.get("seats", list(self._table.settings.seats))
        if not isinstance(seats, list) or len(seats) != 2:
            raise ValueError("a game has two seats")
        self._catalogue.rules(spec)
        for name in seats:
            if name != PERSON:
                self._catalogue.player(name, str(spec))
        simulations = _bounded(message, "simulations", 1, MOST_SIMULATIONS)
        seconds = _bounded(message, "seconds", 0.05, MOST_SECONDS)
        if simulations is None and seconds is None:
            limit = self._table.settings.limit
        else:  # memory bounds a search by time too
            limit = Limit(int(simulations or MOST_SIMULATIONS), seconds)
        return Settings((seats[0], seats[1]), limit)

    # what goes on by itself

    async def _change(self, change: Callable[[], object], plays: bool = False) -> None:
        """Changes what is looked at, shows it, and lets think about it."""
        await self._work.halt()
        try:
            await self._sync(change)
            self._plays = plays
        finally:
            await self._show()

    async def _show(self) -> None:
        self._table.thought = None
        await self._send_view()
        self._start(self._moves)

    async def _send_view(self) -> None:
        view = await self._sync(self._table.view)
        view["paused"] = not self._plays
        view["looks"] = self._looks
        await self._channel.send({"view": view})

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        self._seen = asyncio.Event()
        self._work.start(work)

    async def _moves(self, forced: bool = False) -> None:
        """Players move until it is a person's turn; then the search grows while one looks."""
        table = self._table
        while not table.tree.now.over and (forced or (self._plays and table.to_move != PERSON)):
            name = table.to_move or table.adviser_name
            insight = await self._think(name, table.limit_of(name))
            if insight is None:
                return
            await self._sync(functools.partial(table.tree.play, insight.action))
            forced = False
            table.thought = None
            await self._send_view()
        self._work.start(self._judge)
        if self._looks and not table.tree.now.over:
            await self._think(table.adviser_name, LOOK)
        self._seen.set()

    async def _think(self, name: str, limit: Limit) -> Insight | None:
        """Streams what the player thinks of the position looked at; its last insight."""
        table, halted = self._table, self._work.halted
        player = await self._ready(name)
        thinker = Thinker(table.game, player, table.rng)
        insight, count = None, 0
        search = thinker.think(table.tree.now.state, limit, halted.is_set)
        async for insight in self._turns.steps(player, search):
            if halted.is_set():
                return None
            table.thought = (name, insight)
            await self._channel.send({"thoughts": await self._sync(table.shown)})
            count += 1
            if count == SEEN_FIRST:
                self._seen.set()
        return insight

    async def _ready(self, name: str) -> Player:
        """The player of a name, once it has compiled what it needs."""
        table = self._table
        player: Player = await self._sync(lambda: table.player(name))
        if not self._warm.knows(player):
            await self._channel.send({"busy": f"{COMPILING} ..."})
            await self._turns.run(player, lambda: self._warm.warm(table, player))
            await self._channel.send({"busy": ""})
        return player

    async def _judge(self) -> None:
        """Tells the course of the line looked at, move by move."""
        table, halted = self._table, self._work.halted
        player = await self._ready(table.adviser_name)
        await self._seen.wait()
        with contextlib.suppress(HaltedError):
            moves = table.judge(halted.is_set, self._turns.giving_way(player))
            async for judged in self._turns.steps(player, moves, gives_way=True):
                await self._channel.send({"judged": judged})


def _whole_number(message: Message, key: str) -> int:
    value = message.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError(f"{key} is a whole number")
    return value


def _whole_numbers(values: object) -> list[int]:
    if not isinstance(values, list) or len(values) > 10_000:
        raise ValueError("moves are a list of whole numbers")
    return [_whole_number({"moves": value}, "moves") for value in values]


def _lines(values: object) -> list[list[int]]:
    if not isinstance(values, list) or len(values) > MOST_LINKED:
        raise ValueError("branches are a list of lines of moves")
    return [_whole_numbers(line) for line in values]


def _bounded(message: Message, key: str, low: float, high: float) -> Any:
    value = message.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{key} are from {low:g} to {high:,.0f}")
    return value
