"""DAgger: the net meets the positions, the expert says what to do in them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from selfplay.arrays import length, take
from selfplay.learning.samples import targets
from selfplay.lines.games import Choice, play
from selfplay.lines.keys import canonical_keys
from selfplay.lines.lockstep import Turn
from selfplay.players.players import NetPlayer
from selfplay.regimes.base import Look, Loop, Parts, RegimeSection
from selfplay.stats import result_probabilities, soften
from selfplay.truth.labels import Labeller
from selfplay.types import Report, State


class Dagger(RegimeSection):
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
        self._evaluator = parts.evaluator(parts.learner.acting)
        self._charged = 0.0

    def iteration(self) -> Iterator[Report]:
        parts, ledger, game = self.parts, self.parts.ledger, self.parts.game
        start = time.perf_counter()
        state = self._positions()
        scores = self._labeller.scores(state)
        value = np.sign(np.nanmax(scores, axis=1)).astype(np.float32)
        samples = targets(
            game.observe(state),
            game.legal(state),
            policy=soften(scores, self._section.temperature),
            value=result_probabilities(value, np.ones_like(value)),
        )
        usage = self._evaluator.take_usage()
        played_s = time.perf_counter() - start
        made = length(samples)
        parts.replay.add(samples)
        ledger.note(made, canonical_keys(game, state), len(parts.replay))
        ledger.games += self._section.games
        ledger.pay(usage)
        ledger.expert_s += self._labeller.seconds - self._charged
        self._charged = self._labeller.seconds
        yield Report(ledger.positions, "selfplay", {"selfplay/seconds": played_s})

        window, raw = parts.replay.window()
        scalars = parts.fit(window, parts.steps(made))
        scalars["learn/window"] = raw
        yield Report(ledger.positions, "learn", scalars)

    def state_dict(self) -> dict[str, Any]:
        self._labeller.refresh()  # a killed process takes no labels along
        charged = self._labeller.charged_keys().view(np.int64)
        return {"rng": json.dumps(self._rng.bit_generator.state), "charged": charged}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = json.loads(saved["rng"])
        self._labeller.forgive(np.asarray(saved["charged"]).view(np.uint64))

    def source(self) -> dict[str, Any]:
        return {"expert": "solver, on demand"}

    def cancel(self) -> None:
        self._evaluator.cancelled = True

    def close(self) -> None:
        self._labeller.close()

    def _positions(self) -> State:
        """Some of the positions that the games of this iteration went through, never test ones."""
        section, parts = self._section, self.parts
        self._evaluator.load(parts.learner.acting)
        net = NetPlayer("net", self._evaluator)
        share = section.expert_share**parts.ledger.iteration
        guided = self._rng.random(section.games) < share

        def weigh(turn: Turn, rng: np.random.Generator) -> Choice:
            chances = net.decide(parts.game, turn.state, rng).policy
            rows = guided[turn.lane]
            if rows.any():
                chances[rows] = soften(self._labeller.scores(take(turn.state, rows)), 0.0)
            return chances, None

        games = play(parts.game, weigh, section.games, section.openings, self._rng)
        known = np.isin(canonical_keys(parts.game, games.state), parts.test_keys)
        new = np.flatnonzero(~known)
        rows = np.sort(self._rng.permutation(new)[: section.labels])
        return take(games.state, rows)
