"""Players weakened to a level, so that a beginner can win: the best move of some of the legal ones.

A level from 1 to LEVELS says how many moves a player looks at, drawn anew for each position: the
share level / 10 of the others beside one.  It plays what it thinks best of them, so weak levels
overlook moves as people do and no level plays the worst on purpose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfplay.stats import random_actions
from selfplay.types import Bool, Decision, Game, Player, State

LEVELS = 9  # a tenth would be the player itself
_MARK = ":level="


class LevelPlayer:
    """``full`` at a ``level`` from 1 (hardly better than random) to LEVELS."""

    def __init__(self, full: Player, level: int) -> None:
        """Raises ValueError when there is no such level."""
        if not 1 <= level <= LEVELS:
            raise ValueError(f"there are levels 1 to {LEVELS}; you asked for {level}")
        self.full, self.level = full, level
        self.name = f"{full.name}{_MARK}{level}"
        self.guesses = getattr(full, "guesses", False)
        self.net_guided = getattr(full, "net_guided", False)

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        return weaken(self.full.decide(game, state, rng), game.legal(state), self.level, rng)


def split_level(name: str) -> tuple[str, int | None]:
    """A player's name without ``:level=N``, and N; ValueError with a sentence if it is none."""
    player, mark, level = name.rpartition(_MARK)
    if not mark:
        return name, None
    if not level.isdecimal() or not 1 <= int(level[:9]) <= LEVELS:
        raise ValueError(f"{name!r}: levels are whole numbers from 1 to {LEVELS}, as in :level=3")
    return player, int(level)


def weaken(decision: Decision, legal: Bool, level: int, rng: np.random.Generator) -> Decision:
    """What is played at a level where ``decision`` is what the player itself would play.

    The policy is the chance of each move, exactly; visits and Q values stay.
    """
    rows, count = np.arange(len(legal)), legal.sum(axis=1)
    worth = np.nan_to_num(decision.qvalues, nan=-2.0)
    own = np.arange(legal.shape[1]) == decision.action[:, None]
    keys = (rng.random(legal.shape), worth, decision.policy, own, legal)
    order = np.lexsort(keys, axis=1)[:, ::-1]  # best first, ties in any order, illegal ones last
    policy = np.zeros(legal.shape)
    np.put_along_axis(policy, order, _chances(count, level / (LEVELS + 1), legal.shape[1]), axis=1)
    action = random_actions(policy, rng)
    known = decision.qvalues[rows, action]
    value = np.where(np.isnan(known), decision.value, known).astype(np.float32)
    return decision._replace(action=action, policy=policy.astype(np.float32), value=value)


def _chances(count: NDArray[np.int64], share: float, most: int) -> NDArray[np.float64]:
    """[B, most] f64, how likely the first, second, ... of ``count`` [B] moves is the best seen.

    Of n moves 1 + share (n - 1) are seen, a part of a move as the chance that one more is.
    """
    size = 1 + share * (count - 1)
    least = np.floor(size)
    more = (size - least)[:, None]
    some, one_more = (_best_of(count, least + extra, most) for extra in (0, 1))
    chances: NDArray[np.float64] = (1 - more) * some + more * one_more
    return chances


def _best_of(count: NDArray[np.int64], size: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """The same for exactly ``size`` [B] moves, drawn without replacement.

    None better than the one at rank r is among them: (n - size over r) / (n over r); then that one
    is, which has the chance size / (n - r).
    """
    rank = np.arange(most)
    left = np.maximum(count[:, None] - rank, 1.0)  # not yet passed over
    passed = np.clip((left - size[:, None]) / left, 0.0, 1.0)
    before = np.cumprod(np.concatenate([np.ones((len(count), 1)), passed[:, :-1]], axis=1), axis=1)
    chances = before * np.minimum(size[:, None] / left, 1.0)
    told: NDArray[np.float64] = np.where(rank < count[:, None], chances, 0.0)
    return told
