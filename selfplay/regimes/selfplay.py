"""Self-play: the net plays itself with search and learns from what the search found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from selfplay import arrays
from selfplay.actors.harvest import Tally
from selfplay.cached import Usage
from selfplay.learning import checkpoint
from selfplay.lines.keys import canonical_obs_keys
from selfplay.regimes.base import Look, Loop, Parts, RegimeSection
from selfplay.types import Report


class SelfPlay(RegimeSection):
    """Section ``[regime]`` with ``kind = "selfplay"``: AlphaZero's loop (Silver et al. 2018)."""

    looks = (Look("selfplay", "self-play", "#0a66b0", "#62b0f5"),)

    kind: Literal["selfplay"] = "selfplay"
    positions: int = Field(8192, ge=1, le=10**9)
    """new positions between two updates of the acting net"""

    def open(self, parts: Parts) -> SelfPlayLoop:
        return SelfPlayLoop(self.positions, parts)


class SelfPlayLoop(Loop):
    """Plays, then learns."""

    def __init__(self, positions: int, parts: Parts) -> None:
        super().__init__(parts)
        self._positions, self._actors = positions, parts.make_actors()

    def iteration(self) -> Iterator[Report]:
        parts, ledger = self.parts, self.parts.ledger
        start = time.perf_counter()
        harvest, usage = self._actors.collect(parts.learner.acting, self._positions)
        played_s = time.perf_counter() - start
        parts.replay.add(harvest.samples)
        self.records = harvest.records
        made = arrays.length(harvest.samples)
        keys = canonical_obs_keys(parts.game, harvest.samples.obs)
        ledger.note(made, keys, len(parts.replay))
        ledger.games += int(harvest.tally.games)
        ledger.pay(usage)
        ledger.tree_s += max(0.0, played_s * self._actors.count - usage.seconds)
        scalars = _played(harvest.tally, usage, played_s) | self._actors.metrics()
        yield Report(ledger.positions, "selfplay", scalars)

        window, raw = parts.replay.window()
        scalars = parts.fit(window, parts.steps(made))
        scalars["learn/window"] = raw
        scalars["learn/staleness"] = ledger.staleness(raw)
        scalars["selfplay/unique"] = len(window) / raw
        yield Report(ledger.positions, "learn", scalars)

    def state_dict(self) -> dict[str, Any]:
        """The games under way."""
        return self._actors.state_dict()

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._actors.load_state_dict(checkpoint.unpacked(saved))

    def cancel(self) -> None:
        self._actors.cancel()

    def close(self) -> None:
        self._actors.close()


def _played(tally: Tally, usage: Usage, seconds: float) -> dict[str, float]:
    """``selfplay/*`` and ``search/*`` of one iteration."""
    games, moves = max(1.0, tally.games), max(1.0, tally.moves)
    return {
        "selfplay/games": tally.games,
        "selfplay/lost": tally.lost,
        "selfplay/length": tally.length / games,
        "selfplay/first_wins": tally.first_wins / games,
        "selfplay/draws": tally.draws / games,
        "selfplay/simulations_per_s": tally.simulations / seconds,
        "selfplay/evaluations_per_s": usage.evaluated / seconds,
        "selfplay/seconds": seconds,
        "search/evaluations_per_simulation": usage.evaluated / max(1.0, tally.simulations),
        "search/kl_target_prior": tally.kl_target_prior / moves,
        "search/entropy": tally.entropy / moves,
        "search/depth": tally.depth / moves,
        "search/value_gain": tally.value_gain / moves,
        "search/solved": tally.solved / moves,
    }
