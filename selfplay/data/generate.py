"""Games of experts: solver, minimax, rollouts or the agent of a run play against themselves.

Games are played in blocks, each with random numbers of its own, so that the same seed gives the
same games however many processes there are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.importing import Carried
from selfplay.arrays import concatenate
from selfplay.data.columns import columns_of
from selfplay.data.dataset import Writer
from selfplay.data.experts import Bill, Expert, make_expert
from selfplay.data.manifest import Manifest, Source
from selfplay.data.splits import held_out_keys
from selfplay.data.unfinished import refuse_taken
from selfplay.lines.games import Games
from selfplay.lines.weighed import OPENING_SHARE, play
from selfplay.players.players import LoadRun
from selfplay.system.workers import EndedError, Work, Workers
from selfplay.types import Game, Player


class GamesOrder(NamedTuple):
    """What games are wanted."""

    expert: str  # as players.make_player names them
    spec: str
    games: int
    temperature: float
    openings: int = 0  # at most so many random moves at the start of half of the games
    seed: int = 0
    processes: int = 1


class Progress(NamedTuple):
    """How far the work is."""

    games: int  # ready
    of: int
    positions: int
    expert_s: float  # charged
    labels: int  # different ones used
    wall_s: float


def generate(
    order: GamesOrder,
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
    expert = make_expert(order.expert, order.temperature, game, load_run)
    began = time.monotonic()
    source = Source(f"{order.expert}, temperature {order.temperature:g}")
    writer = Writer(
        out, order.spec, game, source, held_out_keys(game) if held_out is None else held_out
    )
    labels: set[int] = set()
    label_s = other_s = flops = 0.0
    try:
        for games, bill in _blocks(order, game, expert):
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
        paid = source._replace(
            expert_s=label_s + other_s, expert_flops=flops, notes=_notes(order, len(labels))
        )
        return writer.close(paid)
    except BaseException:
        writer.discard()
        raise


def _validate(order: GamesOrder, game: Game, out: str | Path) -> None:
    if not (math.isfinite(order.temperature) and order.temperature >= 0):
        raise ValueError(f"a temperature is a number of at least 0, not {order.temperature:g}")
    if order.openings >= game.max_moves:
        raise ValueError(
            f"openings of {order.openings} moves leave nothing to the expert: a game of "
            f"{game.name} has at most {game.max_moves}"
        )
    refuse_taken(Path(out))
    columns_of(game, True, False)


def _notes(order: GamesOrder, labels: int) -> tuple[str, ...]:
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


Block = tuple[Games, Bill]


def _blocks(order: GamesOrder, game: Game, expert: Expert) -> Iterator[Block]:
    """The blocks in order, made by processes of their own or, for nets, by this one."""
    size = expert.block
    tasks = [(i, min(size, order.games - i * size)) for i in range(-(-order.games // size))]
    processes = 1 if expert.alone else min(order.processes, len(tasks))
    if processes > 1:
        yield from _blocks_of_pool(order, game, tasks, processes)
        return
    try:
        for task in tasks:
            yield _play_block(order, game, expert, *task)
    finally:
        expert.close()


def _blocks_of_pool(
    order: GamesOrder, game: Game, tasks: list[tuple[int, int]], processes: int
) -> Iterator[Block]:
    workers = Workers(processes, _begin, order, Carried(game))
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


def _play_block(order: GamesOrder, game: Game, expert: Expert, number: int, count: int) -> Block:
    """Block ``number``, of ``count`` games."""
    rng = np.random.default_rng([order.seed, number])
    expert.begin()
    lanes = [min(expert.lanes, count - i) for i in range(0, count, expert.lanes)]
    games = _joined([play(game, expert.weigh, lane, order.openings, rng) for lane in lanes])
    return games, expert.bill(games)


def _joined(parts: list[Games]) -> Games:
    """One after the other, the games numbered through."""
    shift = np.cumsum([0, *(int(part.game[-1]) + 1 for part in parts)])
    numbered = [
        part._replace(game=part.game + np.int32(first))
        for part, first in zip(parts, shift[:-1], strict=True)
    ]
    columns = zip(*numbered, strict=True)
    return Games._make(None if c[0] is None else concatenate(list(c)) for c in columns)


def _no_run(run: str, step: int | None, simulations: int | None) -> Player:
    raise AssertionError(f"the net of {run} plays in the first process")
