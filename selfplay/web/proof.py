"""The page of proofs: a tableau that grows, by the prover or by the person.

    page -> {"do": "infer", "action": A}, {"do": "undo"}, {"do": "restart"}
            {"do": "search", "simulations": N}, {"do": "go"}, {"do": "prove"}, {"do": "stop"}
            {"do": "problem", "text": TPTP}, or without text for the problem of the command line
    server -> {"problem": ...}, {"position": ...}, {"thoughts": ...}, {"progress": ...},
              {"working": WHAT or ""}, {"said": SENTENCE}, {"proof": ...}, {"error": SENTENCE}

What each holds is told in desk.py.
"""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

from starlette.routing import BaseRoute

from envs.proving.calculus.tableau import GOAL, NO_GOAL, ROOT, Tableau
from envs.proving.logic.formula import Problem
from selfplay import arrays
from selfplay.play.proof import SLICE
from selfplay.players.limits import Limit
from selfplay.proving.prover import Prover, Result
from selfplay.proving.searches import Glimpse
from selfplay.web.channel import Channel, Message, channel_route
from selfplay.web.desk import (
    MOST_SIMULATIONS,
    PROVERS,
    Attempt,
    Desk,
    problem_view,
    progress_view,
    proof_view,
)
from selfplay.web.turns import Turns
from selfplay.web.work import Work

EVERY_S = 0.2  # between two pictures of a search
GROWS_S = 0.15  # between two inferences that the prover is sure of, to be seen


def routes(desk: Desk) -> list[BaseRoute]:
    """What the page asks for: one socket."""
    turns, proving, provers = Turns(), Turns(), desk.provers()

    async def talk(channel: Channel) -> None:
        await Tab(channel, desk, turns, proving, provers).talk()

    return [channel_route("/proof", talk)]


class Tab:
    """One tab: an attempt at a problem, and at most one search for it."""

    def __init__(
        self,
        channel: Channel,
        desk: Desk,
        turns: Turns,
        proving: Turns,
        provers: asyncio.Queue[Prover],
    ) -> None:
        """``turns``: of what is quickly done; ``proving``: of the ``provers``, shared by all."""
        self._channel, self._desk, self._turns = channel, desk, turns
        self._proving, self._provers = proving, provers
        self._work = Work(channel)
        self._answers: dict[str, Callable[[Message], Awaitable[None]]] = {
            "infer": self._infer, "undo": self._undo, "restart": self._restart,
            "search": self._search, "go": self._go, "prove": self._prove, "stop": self._stop,
            "problem": self._problem,
        }  # fmt: skip

    async def talk(self) -> None:
        """Answers until the tab is closed, and ends its search then."""
        try:
            await self._begin(self._desk.problem)
            if self._desk.proves:
                await self._prove({})
            await self._channel.converse(self._answers)
        finally:
            await self._work.halt()

    async def _alone(self, job: Callable[[], Any]) -> Any:
        """A job of this tab, which has one at a time."""
        return await self._turns.run(self, job)

    # what a tab asks for

    async def _infer(self, message: Message) -> None:
        action = _whole_number(message, "action", 0, 2**15)
        await self._change(lambda: self._attempt.infer(action))

    async def _undo(self, _: Message) -> None:
        await self._change(self._attempt.undo)

    async def _restart(self, _: Message) -> None:
        await self._change(self._attempt.restart)

    async def _search(self, message: Message) -> None:
        more = _whole_number(message, "simulations", 1, MOST_SIMULATIONS)
        self._attempt.going()
        await self._work.halt()
        limit = Limit(self._attempt.simulations + more)
        self._start("searching", lambda: self._think(limit))

    async def _go(self, _: Message) -> None:
        """The best inferences from here to the end, or until the time is up."""
        self._attempt.going()
        await self._work.halt()
        self._start("going on", self._goes_on)

    async def _prove(self, _: Message) -> None:
        """The whole prover, from the start."""
        await self._work.halt()
        self._start("proving", self._proves)

    async def _stop(self, _: Message) -> None:
        await self._work.halt()
        await self._show(think=False)

    async def _problem(self, message: Message) -> None:
        text = message.get("text")
        if text is not None and not isinstance(text, str):
            raise ValueError("a problem is text in TPTP's fof or cnf")
        await self._work.halt()
        problem = self._desk.problem
        if text is not None:
            problem = await asyncio.to_thread(self._desk.read, text)
        await self._begin(problem)

    async def _begin(self, problem: Problem) -> None:
        """A new attempt; ValueError leaves the present one as it was."""
        self._attempt = await self._alone(lambda: self._desk.attempt(problem))
        view = await asyncio.to_thread(problem_view, self._desk, self._attempt)
        await self._channel.send({"problem": view})
        await self._show()

    async def _change(self, change: Callable[[], object]) -> None:
        await self._work.halt()
        await self._alone(change)
        await self._show()

    # what goes on by itself

    def _start(self, what: str, job: Callable[[], Awaitable[None]]) -> None:
        async def told() -> None:
            await self._channel.send({"working": what})
            try:
                await job()
            finally:
                await self._channel.send({"working": ""})

        self._work.start(told)

    async def _show(self, think: bool = True) -> None:
        """The position, then its proof, or what is thought of it."""
        await self._send_position()
        if self._attempt.closed is not None:
            result = await asyncio.to_thread(self._attempt.result)
            await self._send_proof(result)
        elif think and not self._attempt.session.now.over:
            self._start("searching", lambda: self._think(self._desk.limit))

    async def _send_position(self) -> None:
        await self._channel.send({"position": await self._alone(self._attempt.view)})

    async def _think(self, limit: Limit) -> None:
        """Searches until the present position has so many simulations, or as long as the limit
        says; streams what is found."""
        attempt, halted = self._attempt, self._work.halted
        most = MOST_SIMULATIONS if limit.simulations is None else limit.simulations
        shown, begun = 0.0, time.perf_counter()
        ends = math.inf if limit.seconds is None else begun + limit.seconds
        while attempt.simulations < most and attempt.session.may_search and not halted.is_set():
            if time.perf_counter() >= ends:
                break
            before = attempt.simulations
            more = min(SLICE, most - before)
            await self._alone(functools.partial(attempt.session.search, more))
            if time.perf_counter() - shown > EVERY_S:
                shown = time.perf_counter()
                await self._channel.send({"thoughts": await self._alone(attempt.thoughts)})
            if attempt.simulations == before:
                break
        await self._channel.send({"thoughts": await self._alone(attempt.thoughts)})

    async def _goes_on(self) -> None:
        attempt, begun = self._attempt, time.perf_counter()
        seconds = self._desk.bounds.seconds
        while not attempt.session.now.over:
            if seconds is not None and time.perf_counter() - begun > seconds:
                await self._say(f"{seconds:g} seconds are used up; 'Go on' continues.")
                return
            await self._think(self._desk.limit)
            if await self._alone(lambda: attempt.is_lost):
                await self._say("Every inference here leads nowhere: take the last one back.")
                return
            moves = await self._alone(attempt.session.to_make)
            for move in moves:
                await self._alone(functools.partial(attempt.infer, move))
                await self._send_position()
                if len(moves) > 1:
                    await asyncio.sleep(GROWS_S)
        await self._show()

    async def _proves(self) -> None:
        """The prover's search, seen as it goes on; its proof becomes the attempt."""
        attempt, desk = self._attempt, self._desk
        seen = _Seen(self._channel, attempt, asyncio.get_running_loop())
        halted = self._work.halted
        if self._provers.empty():
            await self._say(f"{PROVERS} tabs prove already: this one begins when one of them ends.")
        prover = await self._provers.get()
        try:
            result: Result = await self._proving.run(
                prover,
                lambda: prover.prove_problem(
                    attempt.session.problem, desk.bounds, halted.is_set, watch=seen
                ),
            )
        finally:
            self._provers.put_nowait(prover)
        if halted.is_set():
            return
        if result.proof is None:
            await self._say(f"{result.status}: {result.reason} ({result.inferences:,} inferences).")
            await self._send_position()
            await self._think(desk.limit)
            return
        assert seen.closed is not None
        closed = seen.closed
        await self._alone(lambda: attempt.adopt(closed))
        await self._send_position()
        await self._send_proof(result)

    async def _send_proof(self, result: Result) -> None:
        view = await asyncio.to_thread(proof_view, self._attempt.session, result)
        await self._channel.send({"proof": view})

    async def _say(self, sentence: str) -> None:
        await self._channel.send({"said": sentence})


class _Seen:
    """What a prover's thread shows of its search: a picture now and then, and the proof."""

    def __init__(self, channel: Channel, attempt: Attempt, loop: asyncio.AbstractEventLoop) -> None:
        self._channel, self._attempt, self._loop = channel, attempt, loop
        self._begun = self._last = time.perf_counter()
        self._sent: Future[None] | None = None
        self.closed: Tableau | None = None

    def __call__(self, how: str, glimpse: Glimpse) -> None:
        goal = int(glimpse.tableau.scalars[GOAL])
        if goal == NO_GOAL:
            self.closed = arrays.tree_map(lambda array: array.copy(), glimpse.tableau)
        now = time.perf_counter()
        slow = self._sent is not None and not self._sent.done()
        if now - self._last < EVERY_S or slow or goal < ROOT:  # it is going back, or at its end
            return
        view = progress_view(self._attempt.session, how, glimpse, now - self._begun)
        self._last = time.perf_counter()
        sending = self._channel.send({"progress": view})
        self._sent = asyncio.run_coroutine_threadsafe(sending, self._loop)


def _whole_number(message: Message, key: str, low: int, high: int) -> int:
    value = message.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{key} is a whole number from {low} to {high:,}")
    return value
