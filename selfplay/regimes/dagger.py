"""DAgger: the net meets the positions, the expert says what to do in them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.actors.base import totals
from selfplay.arrays import concatenate, length, take
from selfplay.learning.samples import targets
from selfplay.players.episodes import GuidedGames, WithExpert
from selfplay.regimes.base import Look, Loop, Parts, RegimeSection
from selfplay.regimes.stakes import StakesSection
from selfplay.stats import result_probabilities, soften
from selfplay.truth.labels import Labeller
from selfplay.types import Report, State


class Dagger(StakesSection, RegimeSection):
    """Section ``[regime]`` with ``kind = "dagger"``: data set aggregation (Ross et al. 2011).

    The expert is the game's perfect solver.  In iteration i it also chooses the moves in a share
    ``expert_share`` ** i of the games, so that the first games are sensible ones.
    """

    looks = (Look("dagger", "dagger", "#866800", "#dfbd3c"),)
    taught = True
    position_cost = "net"

    kind: Literal["dagger"] = "dagger"
    games: int = Field(64, ge=1, le=1 << 16)
    """side by side, between two updates of the net"""
    labels: int = Field(512, ge=1, le=10**7)
    """of their positions that the solver is asked about, at most"""
    openings: int = Field(0, ge=0, le=10_000)
    """half of the games begin with so many random moves, at most"""
    expert_share: float = Field(0.5, ge=0, le=1)
    """in iteration i the expert plays a share `expert_share`^i of the games"""
    temperature: float = Field(0.0, ge=0, le=1e6)
    """of the targets: softmax(scores / temperature); 0: the best moves"""

    def open(self, parts: Parts) -> DaggerLoop:
        """Raises ValueError when there is no solver for the game."""
        return DaggerLoop(self, parts)


class DaggerLoop(Loop):
    """Plays by the net, has the positions labelled, learns from all labelled so far."""

    def __init__(self, section: Dagger, parts: Parts) -> None:
        super().__init__(parts)
        self._section = section
        self._rng = np.random.default_rng(parts.seed)
        self._labeller = Labeller(parts.game, parts.backend.capacity(), parts.backend.make_workers)
        self._actors = parts.make_players(WithExpert(section.openings), section.games)
        self._charged = 0.0

    def iteration(self) -> Iterator[Report]:
        parts, ledger, game = self.parts, self.parts.ledger, self.parts.game
        start = time.perf_counter()
        share = self._section.expert_share**ledger.iteration
        played = self._actors.play(parts.learner.acting, share)
        tally, usage = totals(played)
        games = [made for made, _ in played]
        for each in games:
            if each.labels is not None:
                self._labeller.pay(each.labels)
        state, keys = self._chosen(games)
        parts.refuse_nothing(len(keys) + len(parts.replay))
        scores = self._labeller.scores(state)
        value = np.sign(np.nanmax(scores, axis=1)).astype(np.float32)
        samples = targets(
            game.observe(state),
            game.legal(state),
            policy=soften(scores, self._section.temperature),
            value=result_probabilities(value, np.ones_like(value)),
            policy_weight=self._section.policy_weight(scores),
        )
        played_s = time.perf_counter() - start
        made = length(samples)
        parts.replay.add(samples)
        ledger.note(made, keys, len(parts.replay))
        ledger.games += self._section.games
        ledger.pay(usage)
        ledger.tree_s += usage.tree_s - sum(each.expert_s for each in games)
        ledger.expert_s += self._labeller.seconds - self._charged
        self._charged = self._labeller.seconds
        told = {"selfplay/seconds": played_s, "selfplay/lost": tally.lost}
        yield Report(ledger.positions, "selfplay", told)

        window, raw = parts.replay.window()
        scalars = parts.fit(window, parts.steps(made))
        scalars["learn/window"] = raw
        yield Report(ledger.positions, "learn", scalars)

    def state_dict(self) -> dict[str, Any]:
        self._labeller.refresh()  # a killed process takes no labels along
        return {
            "rng": json.dumps(self._rng.bit_generator.state),
            "charged": self._labeller.charged_keys().view(np.int64),
            "actors": self._actors.state_dict(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = json.loads(saved["rng"])
        self._labeller.forgive(np.asarray(saved["charged"]).view(np.uint64))
        if "actors" in saved:  # older checkpoints have none: theirs begin where a new run's do
            self._actors.load_state_dict(saved["actors"])

    def source(self) -> dict[str, Any]:
        return {"expert": "solver, on demand"}

    def cancel(self) -> None:
        self._actors.cancel()

    def close(self) -> None:
        self._actors.close()
        self._labeller.close()

    def _chosen(self, games: Sequence[GuidedGames]) -> tuple[State, NDArray[np.uint64]]:
        """Some of the positions that the games went through, never test ones, and their keys."""
        keys = np.concatenate([each.keys for each in games])
        new = np.flatnonzero(self.parts.learnable(keys))
        rows = np.sort(self._rng.permutation(new)[: self._section.labels])
        return take(concatenate([each.state for each in games]), rows), keys[rows]
