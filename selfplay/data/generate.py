"""Games of experts: solver, minimax, rollouts or the agent of a run play against themselves.

Games are played in blocks, each with random numbers of its own, so that the same seed gives the
same games however many processes there are.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import concatenate, length
from selfplay.data.columns import columns_of
from selfplay.data.dataset import Writer
from selfplay.data.manifest import Manifest, Source
from selfplay.data.splits import held_out_keys
from selfplay.data.unfinished import refuse_taken
from selfplay.lines.games import Games, gathered
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.lines.openings import NO_MOVE, ROUNDS, Openings, random_positions
from selfplay.players.players import LoadRun, make_player
from selfplay.stats import random_actions
from selfplay.truth.labels import Labeller, worker_pool
from selfplay.types import Float, Game, Int, Player, State

OPENING_SHARE = 0.5  # of the games, where openings are asked for
BLOCK = 32  # games: what is lost of the labels when it is interrupted
NET_BLOCK = 256  # games of a net, which likes large batches
# games that a solver plays side by side: few, so that it meets positions soon after those they
# came from and remembers their lines of play (0.21 s a Connect Four game against 0.34 s with 60)
LANES = 4

Choice = tuple[Float, Float | None]  # probabilities [B, A], scores [B, A] or None


Weigh = Callable[[Turn, np.random.Generator], Choice]


class Order(NamedTuple):
    """What games are wanted."""

    expert: str  # as players.make_player names them
    spec: str
    games: int
    temperature: float
    openings: int = 0  # at most so many random moves at the start of half of the games
    seed: int = 0
    processes: int = 1


class Block(NamedTuple):
    """Games that are ready, and what they cost."""

    games: Games
    keys: NDArray[np.uint64]  # [L], labels used (canonical keys), where a solver played
    costs: Float  # [L] f32, CPU seconds of each label
    seconds: float  # CPU seconds of other experts
    flops: float  # of nets


class Progress(NamedTuple):
    """How far the work is."""

    games: int  # ready
    of: int
    positions: int
    expert_s: float  # charged
    labels: int  # different ones used
    wall_s: float


def generate(
    order: Order,
    game: Game,
    out: str | Path,
    load_run: LoadRun,
    held_out: NDArray[np.uint64] | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Manifest:
    """Plays the games, writes the data set ``out`` and returns its manifest.

    ``tell`` hears of every block.  Raises ValueError with a sentence where something is not
    possible; ``out`` stays without a manifest then.
    """
    _validate(order, game, out)
    expert = make_expert(order, game, load_run)
    began = time.monotonic()
    source = Source(describe(order))
    writer = Writer(
        out, order.spec, game, source, held_out_keys(game) if held_out is None else held_out
    )
    labels: set[int] = set()
    label_s = other_s = flops = 0.0
    try:
        for block in _blocks(order, game, expert):
            writer.add(block.games)
            for key, cost in zip(block.keys.tolist(), block.costs.tolist(), strict=True):
                if key not in labels:
                    labels.add(key)
                    label_s += cost
            other_s += block.seconds
            flops += block.flops
            spent = label_s + other_s
            wall = time.monotonic() - began
            tell(Progress(writer.games, order.games, writer.positions, spent, len(labels), wall))
        paid = source._replace(
            expert_s=label_s + other_s, expert_flops=flops, notes=_notes(order, len(labels))
        )
        return writer.close(paid)
    except BaseException:
        writer.discard()
        raise


def default_temperature(expert: str) -> float:
    """0 for experts that weigh their moves exactly, 1 for those that prefer some to others."""
    return 0.0 if expert.partition(":")[0] in ("solver", "minimax") else 1.0


def describe(order: Order) -> str:
    """The expert and how it chose, in words."""
    return f"{order.expert}, temperature {order.temperature:g}"


class Expert:
    """Chooses for B positions; counts the CPU seconds and FLOPs that takes."""

    def __init__(self, player: Player, temperature: float) -> None:
        self._player = player
        self._temperature = temperature
        self._searches = not _weighs_exactly(player.name)
        self.has_net = hasattr(player, "evaluator")

    def choose(self, game: Game, state: State, rng: np.random.Generator) -> Choice:
        """How likely each action is to be played."""
        decision = self._player.decide(game, state, rng)
        if self._searches and self._temperature == 0:
            chosen = np.arange(game.num_actions) == decision.action[:, None]
            return chosen.astype(np.float32), None
        if self._searches:  # policy ^ (1 / T): 1 plays the policy itself
            with np.errstate(divide="ignore"):
                return soften(np.log(decision.policy), self._temperature), None
        if self._temperature == 0:
            return decision.policy, None
        return soften(decision.qvalues, self._temperature), None

    def flops(self, game: Game) -> float:
        """Of the nets since the last call."""
        evaluator: Any = getattr(self._player, "evaluator", None)
        if evaluator is None:
            return 0.0
        from selfplay.nets import forward_flops  # imports torch: only where there is a net

        return float(evaluator.take_usage().evaluated * forward_flops(evaluator.net, game))


def soften(scores: Float, temperature: float) -> Float:
    """[B, A] f32, softmax of ``scores`` / temperature; at 0 the best share the probability.

    NaN and -inf are illegal or never played.
    """
    known = np.where(np.isnan(scores), -np.inf, scores).astype(np.float64)
    above = known - known.max(axis=1, keepdims=True)
    weight = np.exp(above / temperature) if temperature else (above == 0).astype(np.float64)
    chances: Float = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return chances


def make_expert(order: Order, game: Game, load_run: LoadRun) -> Expert | None:
    """The expert that the order names; None stands for the solver, which has labels instead."""
    if order.expert == "solver":
        return None
    if order.expert.partition(":")[0] == "random":
        raise ValueError("random play is no expert; use solver, minimax:DEPTH, mcts:N or a run")
    return Expert(make_player(order.expert, game, load_run), order.temperature)


def _weighs_exactly(name: str) -> bool:
    return name.partition(":")[0] == "minimax"


def _validate(order: Order, game: Game, out: str | Path) -> None:
    if not (math.isfinite(order.temperature) and order.temperature >= 0):
        raise ValueError(f"a temperature is a number of at least 0, not {order.temperature:g}")
    if order.openings >= game.max_moves:
        raise ValueError(
            f"openings of {order.openings} moves leave nothing to the expert: a game of "
            f"{game.name} has at most {game.max_moves}"
        )
    refuse_taken(Path(out))
    columns_of(game, True, False)


def _notes(order: Order, labels: int) -> tuple[str, ...]:
    """What else belongs to the source."""
    notes = [f"seed {order.seed}"]
    if order.openings:
        notes.append(
            f"{OPENING_SHARE:.0%} of the games start with 1 to {order.openings} random moves, "
            f"which are not stored"
        )
    if labels:
        notes.append(f"{labels} labels, each charged once with the CPU seconds it took to make")
    return tuple(notes)


# Blocks ------------------------------------------------------------------------------------------


def _blocks(order: Order, game: Game, expert: Expert | None) -> Iterator[Block]:
    """The blocks in order, made by processes of their own or, for nets, by this one."""
    size = NET_BLOCK if expert is not None and expert.has_net else BLOCK
    tasks = [(i, min(size, order.games - i * size)) for i in range(-(-order.games // size))]
    worker = Worker(order, game, expert)
    processes = min(order.processes, len(tasks)) if worker.may_be_several else 1
    if processes > 1:
        yield from _blocks_of_pool(order, game, tasks, processes)
        return
    try:
        for task in tasks:
            yield worker.play(*task)
    finally:
        worker.close()


def _blocks_of_pool(
    order: Order, game: Game, tasks: list[tuple[int, int]], processes: int
) -> Iterator[Block]:
    others = set(multiprocessing.active_children())
    pool = worker_pool(processes, _start_playing, order, game)
    try:
        yield from pool.map(_play_block, tasks)
    except BrokenProcessPool as error:
        raise ValueError(
            "a process that played games was ended from outside, perhaps for want of memory; "
            "try fewer with --processes"
        ) from error
    finally:
        # when it ends early: waiting for a block would take long, its finished labels are saved
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)


class Worker:
    """Plays the blocks of an order, one process."""

    def __init__(self, order: Order, game: Game, expert: Expert | None) -> None:
        self._order, self._game, self._expert = order, game, expert
        self._labeller = Labeller(game) if expert is None else None
        exhaustive = self._labeller is not None and self._labeller.exhaustive
        self._lanes = BLOCK if exhaustive else LANES
        # a net fills the processor by itself; an exhaustive solver has solved all at once
        self.may_be_several = not exhaustive and not (expert is not None and expert.has_net)

    def play(self, number: int, count: int) -> Block:
        """Block ``number``, of ``count`` games."""
        rng = np.random.default_rng([self._order.seed, number])
        if self._labeller is None:
            return self._played(rng, count)
        self._labeller.refresh()
        lanes = [min(self._lanes, count - i) for i in range(0, count, self._lanes)]
        games = _joined([self._play(rng, lane) for lane in lanes])
        keys = np.unique(canonical_keys(self._game, games.state))
        self._labeller.refresh()
        return Block(games, keys, self._labeller.costs(keys), 0.0, 0.0)

    def close(self) -> None:
        if self._labeller is not None:
            self._labeller.close()

    def _played(self, rng: np.random.Generator, count: int) -> Block:
        assert self._expert is not None
        start = time.process_time()
        games = self._play(rng, count)
        seconds = time.process_time() - start
        none = np.empty(0, np.uint64)
        return Block(games, none, none.astype(np.float32), seconds, self._expert.flops(self._game))

    def _play(self, rng: np.random.Generator, count: int) -> Games:
        return play(self._game, self._weigh, count, self._order.openings, rng)

    def _weigh(self, turn: Turn, rng: np.random.Generator) -> Choice:
        if self._labeller is not None:
            scores = self._labeller.scores(turn.state)
            return soften(scores, self._order.temperature), scores
        assert self._expert is not None
        return self._expert.choose(self._game, turn.state, rng)


_worker: Worker | None = None  # of a process of the pool


def _start_playing(order: Order, game: Game) -> None:
    global _worker
    _worker = Worker(order, game, make_expert(order, game, _no_run))


def _play_block(task: tuple[int, int]) -> Block:
    assert _worker is not None
    return _worker.play(*task)


def _no_run(run: str, step: int | None, simulations: int | None) -> Player:
    raise AssertionError(f"the net of {run} plays in the first process")


# One block ---------------------------------------------------------------------------------------


def play(game: Game, weigh: Weigh, count: int, openings: int, rng: np.random.Generator) -> Games:
    """``count`` games side by side; the random moves that some begin with are not among them."""
    opened = _opened(game, count, openings, rng)
    choices: list[Choice] = []

    def draw(turn: Turn) -> Int:
        choices.append(weigh(turn, rng))
        return random_actions(choices[-1][0], rng)

    plies = list(lockstep(game, opened.state, draw, second=opened.second))
    games = gathered(plies, opened.state, (opened.moves != NO_MOVE).sum(axis=1))
    # game by game, as the positions
    order = np.argsort(np.concatenate([ply.turn.lane for ply in plies]), kind="stable")
    policy, scores = (
        None if column[0] is None else np.concatenate(column)[order]
        for column in zip(*choices, strict=True)
    )
    return games._replace(policy=policy, scores=scores)


def _opened(game: Game, count: int, openings: int, rng: np.random.Generator) -> Openings:
    """``count`` positions that games go on from, none over."""
    plies = np.zeros(count, np.int64)
    if openings:
        opened = rng.random(count) < OPENING_SHARE
        plies[opened] = rng.integers(1, openings + 1, int(opened.sum()))
    found = random_positions(game, plies, rng)
    for _ in range(ROUNDS):
        missing = count - length(found.second)
        if not missing:
            return found
        more = random_positions(game, rng.choice(plies[plies > 0], missing), rng)
        found = concatenate([_wider(found, openings), _wider(more, openings)])
    if length(found.second) == count:
        return found
    raise ValueError(f"random games of {game.name} end before {openings} moves are played")


def _wider(found: Openings, plies: int) -> Openings:
    """The same with ``plies`` columns of moves."""
    moves: Int = np.full((len(found.moves), plies), NO_MOVE, np.int32)
    moves[:, : found.moves.shape[1]] = found.moves
    return found._replace(moves=moves)


def _joined(parts: list[Games]) -> Games:
    """One after the other, the games numbered through."""
    shift = np.cumsum([0, *(int(part.game[-1]) + 1 for part in parts)])
    numbered = [
        part._replace(game=part.game + np.int32(first))
        for part, first in zip(parts, shift[:-1], strict=True)
    ]
    columns = zip(*numbered, strict=True)
    return Games._make(None if c[0] is None else concatenate(list(c)) for c in columns)
