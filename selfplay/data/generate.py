"""Games of experts: solver, minimax, rollouts or the agent of a run play against themselves.

Games are played in blocks, each with random numbers of its own, so that the same seed gives the
same games however many processes there are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.importing import Carried
from selfplay.data.manifest import Manifest, Source
from selfplay.data.writer import Writer
from selfplay.lines.games import OPENING_SHARE, Choice, Games, play, together
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn
from selfplay.players.limits import Limit
from selfplay.players.players import LoadRun, make_player
from selfplay.stats import soften
from selfplay.system.workers import EndedError, MakeWorkers, Work, Workers
from selfplay.truth.labels import Labeller
from selfplay.types import Float, Game, Player

BLOCK = 32  # games: what is lost of the labels when it is interrupted
NET_BLOCK = 256  # games of a net, which likes large batches
# games that a solver plays side by side: few, so that it meets positions soon after those they
# came from and remembers their lines of play (0.21 s a Connect Four game against 0.34 s with 60)
LANES = 4


class GamesOrder(NamedTuple):
    """What games are wanted."""

    expert: str  # as players.make_player names them
    spec: str
    games: int
    temperature: float
    openings: int = 0  # at most so many random moves at the start of some games
    seed: int = 0
    processes: int = 1
    opening_share: float = OPENING_SHARE  # of the games, that start with them


class Progress(NamedTuple):
    """How far the work is."""

    games: int  # ready
    of: int
    positions: int
    expert_s: float  # charged
    labels: int  # different ones used
    wall_s: float

    def text(self) -> str:
        left = self.wall_s * (self.of - self.games) / self.games
        return (
            f"{self.games:,} of {self.of:,} games · {self.positions:,} positions · "
            f"{self.expert_s:,.0f} CPU seconds of the expert · {left:,.0f} s left"
        )


def generate(
    order: GamesOrder,
    game: Game,
    out: str | Path,
    load_run: LoadRun,
    held_out: NDArray[np.uint64] | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
    make_workers: MakeWorkers = Workers,
) -> Manifest:
    """Plays the games, writes the data set ``out`` and returns its manifest.

    ``tell`` hears of every block; ``make_workers`` makes those who play them.  Raises ValueError
    with a sentence where something is not possible; ``out`` stays without a manifest then.
    """
    if not (math.isfinite(order.temperature) and order.temperature >= 0):
        raise ValueError(f"a temperature is a number of at least 0, not {order.temperature:g}")
    if order.openings >= game.max_moves:
        raise ValueError(
            f"openings of {order.openings} moves leave nothing to the expert: a game of "
            f"{game.name} has at most {game.max_moves}"
        )
    writer = Writer(out, order.spec, game, held_out)
    expert = make_expert(order.expert, order.temperature, game, load_run)
    began = time.monotonic()
    labels: set[int] = set()
    label_s = other_s = flops = 0.0
    try:
        for games, bill in _blocks(order, game, expert, make_workers):
            writer.add(games)
            for key, cost in zip(bill.keys.tolist(), bill.costs.tolist(), strict=True):
                if key not in labels:
                    labels.add(key)
                    label_s += cost
            other_s += bill.seconds
            flops += bill.flops
            spent = label_s + other_s
            wall = time.monotonic() - began
            tell(Progress(writer.games, order.games, writer.positions, spent, len(labels), wall))
        name = f"{order.expert}, temperature {order.temperature:g}"
        notes = _notes(order, len(labels))
        return writer.close(Source(name, "", label_s + other_s, flops, notes))
    except BaseException:
        writer.discard()
        raise


def _notes(order: GamesOrder, labels: int) -> tuple[str, ...]:
    """What else belongs to the source."""
    notes = [f"seed {order.seed}"]
    if order.openings:
        notes.append(
            f"{order.opening_share:.0%} of the games start with 1 to {order.openings} random "
            f"moves, which are not stored"
        )
    if labels:
        notes.append(f"{labels} labels, each charged once with the CPU seconds it took to make")
    return tuple(notes)


# Blocks ------------------------------------------------------------------------------------------


def _blocks(
    order: GamesOrder, game: Game, expert: Expert, make_workers: MakeWorkers
) -> Iterator[tuple[Games, Bill]]:
    """The blocks in order, made by workers or, for nets, by this process."""
    size = expert.block
    tasks = [(i, min(size, order.games - i * size)) for i in range(-(-order.games // size))]
    processes = 1 if expert.alone else min(order.processes, len(tasks))
    if processes == 1:
        try:
            for task in tasks:
                yield _play_block(order, game, expert, *task)
        finally:
            expert.close()
        return
    workers = make_workers(processes, _begin, order, Carried(game))
    try:
        yield from workers.map(tasks)
    except EndedError as error:
        raise ValueError(
            "a process that played games was ended from outside, perhaps for want of memory; "
            "try fewer with --processes"
        ) from error
    finally:
        # when it ends early: waiting for a block would take long, its finished labels are saved
        workers.kill()
        workers.close()


def _begin(halted: Callable[[], bool], order: GamesOrder, game: Game) -> Work:
    """What a process plays blocks with."""
    expert = make_expert(order.expert, order.temperature, game, _no_run)
    return lambda task: _play_block(order, game, expert, *task)


def _play_block(
    order: GamesOrder, game: Game, expert: Expert, number: int, count: int
) -> tuple[Games, Bill]:
    """Block ``number``, of ``count`` games, and what it cost."""
    rng = np.random.default_rng([order.seed, number])
    expert.begin()
    starts = range(0, count, expert.lanes)
    lanes = [min(expert.lanes, count - first) for first in starts]
    share = order.opening_share
    games = together([play(game, expert.weigh, each, order.openings, rng, share) for each in lanes])
    return games, expert.bill(games)


def _no_run(run: str, step: int | None, limit: Limit) -> Player:
    raise AssertionError(f"the net of {run} plays in the first process")


# Experts -----------------------------------------------------------------------------------------


class Bill(NamedTuple):
    """What a block of games cost."""

    keys: NDArray[np.uint64]  # [L], labels used (canonical keys), where a solver played
    costs: Float  # [L] f32, CPU seconds of each label
    seconds: float  # CPU seconds of other experts
    flops: float  # of nets


def make_expert(name: str, temperature: float, game: Game, load_run: LoadRun) -> Expert:
    """The expert that ``name`` names, as players.make_player does; no random play."""
    if name == "solver":
        return SolverExpert(game, temperature)
    if name.partition(":")[0] == "random":
        raise ValueError("random play is no expert; use solver, minimax:DEPTH, mcts:N or a run")
    return PlayerExpert(game, make_player(name, game, load_run), temperature)


def default_temperature(expert: str) -> float:
    """0 for experts that weigh their moves exactly, 1 for those that prefer some to others."""
    return 0.0 if expert.partition(":")[0] in ("solver", "minimax") else 1.0


class SolverExpert:
    """The game's solver: games come with the score of every move.

    Of every expert: ``block`` games are played at a time, ``lanes`` of them side by side, ``alone``
    where several processes would not be faster.
    """

    block = BLOCK

    def __init__(self, game: Game, temperature: float) -> None:
        self._game, self._temperature = game, temperature
        self._labeller = Labeller(game)
        # an exhaustive solver has solved all at once
        self.alone = self._labeller.exhaustive
        self.lanes = BLOCK if self.alone else LANES

    def weigh(self, turn: Turn, rng: np.random.Generator) -> Choice:
        """How likely each action is to be played."""
        scores = self._labeller.scores(turn.state)
        return soften(scores, self._temperature), scores

    def begin(self) -> None:
        """A block begins."""
        self._labeller.refresh()

    def bill(self, games: Games) -> Bill:
        """What the games since then cost."""
        keys = np.unique(canonical_keys(self._game, games.state))
        self._labeller.refresh()
        return Bill(keys, self._labeller.costs(keys), 0.0, 0.0)

    def close(self) -> None:
        self._labeller.close()


class PlayerExpert:
    """Any player: minimax weighs moves exactly, a search by how it liked them."""

    def __init__(self, game: Game, player: Player, temperature: float) -> None:
        self._game, self._player, self._temperature = game, player, temperature
        self._searches = player.name.partition(":")[0] != "minimax"
        self._evaluator: Any = getattr(player, "evaluator", None)
        self.alone = self._evaluator is not None  # a net fills the processor by itself
        self.block = self.lanes = NET_BLOCK if self.alone else BLOCK
        self._began = 0.0

    def weigh(self, turn: Turn, rng: np.random.Generator) -> Choice:
        decision = self._player.decide(self._game, turn.state, rng)
        if self._searches and self._temperature == 0:
            chosen = np.arange(self._game.num_actions) == decision.action[:, None]
            return chosen.astype(np.float32), None
        if self._searches:  # policy ^ (1 / T): 1 plays the policy itself
            with np.errstate(divide="ignore"):
                return soften(np.log(decision.policy), self._temperature), None
        if self._temperature == 0:
            return decision.policy, None
        return soften(decision.qvalues, self._temperature), None

    def begin(self) -> None:
        self._began = time.process_time()

    def bill(self, games: Games) -> Bill:
        seconds, flops = time.process_time() - self._began, 0.0
        if self._evaluator is not None:
            from selfplay.nets import forward_flops  # imports torch: only where there is a net

            usage = self._evaluator.take_usage()
            each = forward_flops(self._evaluator.net, self._game)
            flops = usage.flops or float(usage.evaluated * each)
        return Bill(np.empty(0, np.uint64), np.empty(0, np.float32), seconds, flops)

    def close(self) -> None:
        """There is nothing to close."""


Expert = SolverExpert | PlayerExpert
