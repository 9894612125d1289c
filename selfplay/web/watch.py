"""The page of a run: it is told what the folder tells, shows its games, and plays its agents."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route

from selfplay.training.places import RUNS
from selfplay.types import Player
from selfplay.web.catalogue import Catalogue, Entry, Load
from selfplay.web.channel import Channel, channel_route
from selfplay.web.live import PACE, LiveRun
from selfplay.web.play import Tab, Warm
from selfplay.web.server import page_html
from selfplay.web.spectator import Spectator, Watched
from selfplay.web.table import begun
from selfplay.web.turns import Turns

_KEPT = 4  # agents in memory that think for spectators


class Agents:
    """The run's checkpoints as players, the last few of them kept."""

    def __init__(self, run: LiveRun, load: Load) -> None:
        self._run, self._load = run, load
        self._players: dict[tuple[int, int], tuple[str, Player]] = {}
        self._catalogue: Catalogue | None = None

    def agent(self, step: int) -> tuple[str, Player]:
        """A checkpoint's name and player; ValueError where there is none or it is damaged."""
        path = self._run.folder.checkpoint(step)
        try:
            key = step, path.stat().st_mtime_ns
        except OSError as error:
            raise ValueError(
                f"{self._run.folder.path} has no checkpoint {step} any more"
            ) from error
        known = self._players.pop(key, None)
        if known is None:
            name = f"{self._run.folder.path}@{step}"
            known = name, self._load([name], self._run.spec, None)[2][0]
        self._players[key] = known  # the one that was asked for last comes last
        while len(self._players) > _KEPT:
            self._players.pop(next(iter(self._players)))
        return known

    def catalogue(self) -> Catalogue:
        """What can be played: the run with the checkpoints that it has now, then all else."""
        run = self._run
        run.look()
        if run.rules is None:
            raise ValueError(f"{run.folder.path} has no game that can be played")
        name, steps = str(run.folder.path), run.steps()
        own = f"{name}@{steps[-1]}" if steps else name
        if self._catalogue is None or self._catalogue.game != run.spec:
            self._catalogue = Catalogue(self._load, own, run.spec)
        runs = [each for each in self._catalogue.runs if each.name != name]
        self._catalogue.runs = [Entry(name, run.spec, tuple(steps)), *runs]
        self._catalogue.own = own
        return self._catalogue


def routes(run: LiveRun, load: Load) -> list[BaseRoute]:
    """What the page asks for: its socket, and the page of play with that one's socket."""
    agents, turns, warm = Agents(run, load), Turns(), Warm()
    watched = Watched(run, agents.catalogue, agents.agent, turns, warm)
    play = page_html("play")

    async def watch(channel: Channel) -> None:
        spectator = Spectator(watched, channel)
        following = asyncio.create_task(_follow(run, channel))
        try:
            await spectator.talk()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def play_on(channel: Channel) -> None:
        try:
            catalogue = await asyncio.to_thread(agents.catalogue)
            if not run.steps():
                raise ValueError(f"{run.folder.path} has no checkpoint yet")
        except ValueError as error:
            await channel.refuse(str(error))
            return
        await Tab(channel, catalogue, turns, warm, begun(catalogue)).talk()

    async def show(_: Request) -> HTMLResponse:
        return HTMLResponse(play)

    return [channel_route("/watch", watch), channel_route("/play", play_on), Route("/agent", show)]


async def _follow(run: LiveRun, channel: Channel) -> None:
    """Tells the tab what the run tells, when that changes."""
    known = -1
    while True:
        with contextlib.suppress(OSError):  # a shared folder that is away for a moment
            version, told = await asyncio.to_thread(run.look)
            if version != known:
                known = version
                await channel.send({"run": told})
        await asyncio.sleep(PACE)


def watched_folder(named: str, found: Path | None) -> Path:
    """The folder to watch: the run that was ``found``, or a path where one may begin later.

    Raises ValueError with a sentence where neither can be.
    """
    path = found or Path(named)
    if (path / "config.json").is_file() or (path / "metrics.jsonl").is_file():
        return path
    if path.is_dir():
        if any(path.glob("[!.]*")):
            raise ValueError(
                f"{path} is not a run folder (it has no config.json); `selfplay runs` lists the "
                f"runs"
            )
        return path
    if path.exists():
        raise ValueError(
            f"{path} is a file: name the folder of a run; 'selfplay review' reads files of games"
        )
    if not path.parent.is_dir() and path.parent != RUNS:
        raise ValueError(f"there is no folder {path.parent}, so no run can begin at {path}")
    return path
