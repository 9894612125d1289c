"""Policy gradient: games without search against past selves; do more of what won."""

from __future__ import annotations

import copy
import json
import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from selfplay.actors.base import totals
from selfplay.actors.harvest import Tally
from selfplay.learning.samples import listed
from selfplay.lines.games import pick, together
from selfplay.players.episodes import AgainstPast, Episodes
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
        maker = AgainstPast(section.self_share, section.openings)
        self._actors = parts.make_players(maker, section.games)

    def iteration(self) -> Iterator[Report]:
        parts, ledger = self.parts, self.parts.ledger
        start = time.perf_counter()
        played = self._actors.play(parts.learner.net, self._past())
        played_s = time.perf_counter() - start
        tally, usage = totals(played)
        episodes = [made for made, _ in played]
        keys = np.concatenate([each.keys for each in episodes])
        rows = parts.learnable(keys)
        parts.refuse_nothing(int(rows.sum()))
        samples = self._samples(episodes, rows)
        pasts = [each.past for each in episodes]
        made = len(keys)
        ledger.note(made, keys, 1)
        ledger.games += self._section.games
        ledger.pay(usage, *pasts)
        ledger.tree_s += usage.tree_s - sum(past.thread_s for past in pasts)
        yield Report(ledger.positions, "selfplay", _played(tally, played_s))

        yield Report(ledger.positions, "learn", parts.fit(samples, parts.steps(made)))
        if ledger.iteration % self._section.pool_every == 0:
            self._pool = [*self._pool, _weights(parts)][-self._section.pool :]

    def state_dict(self) -> dict[str, Any]:
        pool = {str(i): weights for i, weights in enumerate(self._pool)}
        rng = json.dumps(self._rng.bit_generator.state)
        return {"rng": rng, "pool": pool, "actors": self._actors.state_dict()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = json.loads(saved["rng"])
        self._pool = [saved["pool"][str(i)] for i in range(len(saved["pool"]))]
        if "actors" in saved:  # older checkpoints have none: theirs begin where a new run's do
            self._actors.load_state_dict(saved["actors"])

    def cancel(self) -> None:
        self._actors.cancel()

    def close(self) -> None:
        self._actors.close()

    def _past(self) -> bytes:
        """One of the past selves, pickled: whoever plays needs it beside the present one."""
        past = copy.deepcopy(self.parts.learner.net)
        past.load_state_dict(self._pool[self._rng.integers(len(self._pool))])
        return pickle.dumps(past.cpu())

    def _samples(self, episodes: Sequence[Episodes], rows: Bool) -> Tried:
        """The moves tried, with their advantages in units of their standard deviation.

        ``rows`` [M]: in which of the positions, the others are not learned from.
        """
        games = pick(together([each.games for each in episodes]), rows)
        game, count = self.parts.game, len(games.action)
        assert games.policy is not None
        value = np.concatenate([each.value for each in episodes])[rows]
        advantage = games.outcome - value
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


def _played(tally: Tally, seconds: float) -> dict[str, float]:
    """``selfplay/*`` of one iteration; the openings count as moves."""
    return {
        "selfplay/games": tally.games,
        "selfplay/lost": tally.lost,
        "selfplay/length": tally.length / tally.games,
        "selfplay/first_wins": tally.first_wins / tally.games,
        "selfplay/draws": tally.draws / tally.games,
        "selfplay/seconds": seconds,
    }
