"""What a large pool plays: who meets whom, and from which openings.

Not everybody can meet everybody there, and equals shall not all draw.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import take
from selfplay.lines.keys import different
from selfplay.lines.openings import Openings, distinct_openings
from selfplay.truth.labels import Labeller
from selfplay.types import Game

Pair = tuple[int, int]  # players by rank, the smaller number first

CANDIDATES = 2048
PLIES = 6  # random moves, where the game is long enough for so many


def make_schedule(teams: Sequence[int], opponents: int, met: Collection[Pair] = ()) -> list[Pair]:
    """The pairs that are still to play, so that everybody meets ``opponents`` others or more.

    ``teams``: whom each player belongs to, best guess of strength first; none meets its own team.
    Half of the opponents are near in rank, half are spread over all ranks, and the matches connect
    all players.  ``met``: pairs that have played.  Where there are few players all meet all.
    Raises ValueError when all players are of one team.
    """
    if len(set(teams)) < 2:
        raise ValueError("a pool needs players of two kinds")
    meets: list[set[int]] = [set() for _ in teams]
    planned: list[Pair] = []

    def add(i: int, j: int) -> None:
        meets[i].add(j)
        meets[j].add(i)
        planned.append((min(i, j), max(i, j)))

    for i, j in met:
        add(i, j)
    for i in range(len(teams)):
        for j in _wished(teams, i, opponents):
            if len(meets[i]) >= opponents:
                break
            if j not in meets[i]:
                add(i, j)
    for i, j in _bridges(teams, meets):
        add(i, j)
    return sorted(planned[len(met) :])


def _wished(teams: Sequence[int], i: int, opponents: int) -> list[int]:
    """The others in the order in which ``i`` would like to meet them: one near, one far, ..."""
    others = [j for j, team in enumerate(teams) if team != teams[i]]
    near = sorted(others, key=lambda j: abs(j - i))
    step = len(near) / max(1, opponents // 2)
    spread = [near[int((k + 0.5) * step)] for k in range(opponents // 2)]
    turns = [j for pair in zip(near, spread, strict=False) for j in pair]
    return list(dict.fromkeys([*turns, *near]))


def _bridges(teams: Sequence[int], meets: Sequence[Collection[int]]) -> list[Pair]:
    """Pairs that join what the matches leave unconnected."""
    bridges: list[Pair] = []
    joined = {0}  # all players that matches and bridges connect with the first, at last
    while len(joined) < len(teams):
        if new := {j for i in joined for j in meets[i]} - joined:
            joined |= new
            continue
        outside = [j for j in range(len(teams)) if j not in joined]
        pairs = [(i, j) for i in joined for j in outside if teams[i] != teams[j]]
        i, j = min(pairs, key=lambda pair: (abs(pair[0] - pair[1]), pair))
        bridges.append((i, j))
        joined.add(j)
    return bridges


def usual_plies(game: Game) -> int:
    """How many random moves a game of the pool begins with where nobody says."""
    return min(PLIES, game.max_moves // 4)


def unbalanced_openings(
    game: Game, count: int, plies: int, seed: int, labeller: Labeller | None
) -> Openings:
    """``count`` positions after ``plies`` random moves; the first of many are those of few.

    Where a solver knows the result of any of them, drawn ones are left out: the first player wins
    every other, the second player the rest, as long as there are both.  They repeat where there
    are too few.
    """
    rng = np.random.default_rng(seed)
    openings = distinct_openings(game, CANDIDATES, plies, rng)
    openings = take(openings, different(game, openings.state))
    rows = np.arange(len(openings.second)) if labeller is None else _decided(openings, labeller)
    return Openings(*take(openings, rows[np.arange(count) % len(rows)]))


def _decided(openings: Openings, labeller: Labeller) -> NDArray[np.int64]:
    """Rows of decided positions, both players' wins in turn; all rows where there are none."""
    known = np.flatnonzero(labeller.solvable(openings.state))
    scores = labeller.scores(take(openings.state, known))
    result = np.sign(np.nanmax(scores, axis=1)) * np.where(openings.second[known], -1, 1)
    wins, losses = known[result > 0], known[result < 0]
    both = min(len(wins), len(losses))
    if both:
        turns: NDArray[np.int64] = np.stack([wins[:both], losses[:both]], axis=1).reshape(-1)
        return turns
    decided = np.concatenate([wins, losses])
    return decided if len(decided) else np.arange(len(openings.second))
