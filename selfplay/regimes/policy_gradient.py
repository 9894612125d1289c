"""Policy gradient: games without search against past selves; do more of what won."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from selfplay.arrays import take
from selfplay.learning.samples import listed
from selfplay.lines.games import Choice, Games, pick, play
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn
from selfplay.players.players import NetPlayer
from selfplay.regimes.base import Look, Loop, Parts, RegimeSection
from selfplay.stats import result_probabilities
from selfplay.types import Bool, Report, Tried


class PolicyGradient(RegimeSection):
    """Section ``[regime]`` with ``kind = "policy_gradient"``.

    REINFORCE with the net's value as baseline (Williams 1992), clipped as PPO does (Schulman et
    al. 2017; ``learner.clip``, 0 for plain REINFORCE with ``learner.reuse = 1``), against a pool
    of past selves as in AlphaGo (Silver et al. 2016, "Reinforcement learning of policy networks").
    """

    looks = (Look("policy_gradient", "policy gradient", "#007a5c", "#38cb9d"),)
    position_cost = "net"

    kind: Literal["policy_gradient"] = "policy_gradient"
    games: int = Field(256, ge=1, le=1 << 16)
    """side by side, between two updates of the acting net"""
    openings: int = Field(0, ge=0, le=10_000)
    """half of the games begin with so many random moves, at most"""
    pool: int = Field(10, ge=1, le=10_000)
    """past selves remembered"""
    pool_every: int = Field(10, ge=1, le=10**9)
    """iterations from one past self to the next"""
    self_share: float = Field(0.5, ge=0, le=1)
    """of the games, against the present self; the others against one of the pool"""

    def open(self, parts: Parts) -> PolicyGradientLoop:
        return PolicyGradientLoop(self, parts)


class PolicyGradientLoop(Loop):
    """Plays whole games with the net's own probabilities, then learns from their outcomes."""

    def __init__(self, section: PolicyGradient, parts: Parts) -> None:
        super().__init__(parts)
        self._section = section
        self._rng = np.random.default_rng(parts.seed)
        self._pool = [_weights(parts)]
        net = parts.learner.net
        self._present, self._past = parts.evaluator(net), parts.evaluator(net)

    def iteration(self) -> Iterator[Report]:
        parts, ledger = self.parts, self.parts.ledger
        start = time.perf_counter()
        games, tried = self._play()
        samples = self._samples(pick(games, tried))
        usages = [self._present.take_usage(), self._past.take_usage()]
        played_s = time.perf_counter() - start
        made = int(tried.sum())
        ledger.note(made, canonical_keys(parts.game, games.state)[tried], 1)
        ledger.games += self._section.games
        ledger.pay(*usages)
        ledger.tree_s += max(0.0, played_s - sum(usage.seconds for usage in usages))
        yield Report(ledger.positions, "selfplay", _played(games, played_s))

        yield Report(ledger.positions, "learn", parts.fit(samples, parts.steps(made)))
        if ledger.iteration % self._section.pool_every == 0:
            self._pool = [*self._pool, _weights(parts)][-self._section.pool :]

    def state_dict(self) -> dict[str, Any]:
        pool = {str(i): weights for i, weights in enumerate(self._pool)}
        return {"rng": json.dumps(self._rng.bit_generator.state), "pool": pool}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = json.loads(saved["rng"])
        self._pool = [saved["pool"][str(i)] for i in range(len(saved["pool"]))]

    def cancel(self) -> None:
        self._present.cancelled = self._past.cancelled = True

    def _play(self) -> tuple[Games, Bool]:
        """Games against one of the past selves and the present one; where the net has moved.

        The past self of all games of an iteration is the same: two nets, two large batches.
        """
        section, parts = self._section, self.parts
        past = copy.deepcopy(parts.learner.net)
        past.load_state_dict(self._pool[self._rng.integers(len(self._pool))])
        self._present.load(parts.learner.net)
        self._past.load(past)
        alone = self._rng.random(section.games) < section.self_share
        seat = self._rng.random(section.games) < 0.5  # True: the present self moves second
        nets = NetPlayer("present", self._present), NetPlayer("past", self._past)

        def weigh(turn: Turn, rng: np.random.Generator) -> Choice:
            own = alone[turn.lane] | (turn.second == seat[turn.lane])
            chances = np.empty((len(own), parts.game.num_actions), np.float32)
            for net, rows in zip(nets, (own, ~own), strict=True):
                if rows.any():
                    chances[rows] = net.decide(parts.game, take(turn.state, rows), rng).policy
            return chances, None

        games = play(parts.game, weigh, section.games, section.openings, self._rng)
        assert games.second is not None
        return games, alone[games.game] | (games.second == seat[games.game])

    def _samples(self, games: Games) -> Tried:
        """The moves tried, with their advantages in units of their standard deviation."""
        game, count = self.parts.game, len(games.action)
        assert games.policy is not None
        advantage = games.outcome - self._present(game, games.state).value
        advantage /= advantage.std() + 1e-6
        return Tried(
            obs=game.observe(games.state),
            actions=listed(game.legal(games.state)),
            action=games.action.astype(np.int32),
            chance=games.policy[np.arange(count), games.action],
            advantage=advantage.astype(np.float32),
            value=result_probabilities(games.outcome, np.ones(count, np.float32)),
        )


def _weights(parts: Parts) -> dict[str, Any]:
    return {name: value.clone() for name, value in parts.learner.net.state_dict().items()}


def _played(games: Games, seconds: float) -> dict[str, float]:
    """``selfplay/*`` of one iteration; the openings count as moves."""
    assert games.ply is not None
    assert games.second is not None
    last = np.flatnonzero(np.diff(games.game, append=-1))
    first_return = np.where(games.second[last], -games.outcome[last], games.outcome[last])
    return {
        "selfplay/games": len(last),
        "selfplay/length": float(games.ply[last].mean()) + 1,
        "selfplay/first_wins": float((first_return > 0).mean()),
        "selfplay/draws": float((first_return == 0).mean()),
        "selfplay/seconds": seconds,
    }
