"""Self-play: the net plays itself with search and learns from what the search found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from selfplay import arrays
from selfplay.actors.actor import Tally
from selfplay.learning import checkpoint
from selfplay.lines.keys import canonical_obs_keys
from selfplay.nets.evaluator import Usage
from selfplay.regimes.workshop import Loop, Workshop
from selfplay.section import Section
from selfplay.types import Report


class SelfPlay(Section):
    """Section ``[regime]`` with ``kind = "selfplay"``: AlphaZero's loop (Silver et al. 2018)."""

    kind: Literal["selfplay"] = "selfplay"
    positions: int = Field(8192, ge=1, le=10**9)
    """new positions between two updates of the acting net"""

    def open(self, shop: Workshop) -> SelfPlayLoop:
        return SelfPlayLoop(self.positions, shop)


class SelfPlayLoop(Loop):
    """Plays, then learns."""

    def __init__(self, positions: int, shop: Workshop) -> None:
        self._positions, self._shop = positions, shop
        self._actors = shop.hire()

    def iteration(self) -> Iterator[Report]:
        shop, ledger, learner = self._shop, self._shop.ledger, self._shop.learner
        start = time.perf_counter()
        harvest, usage = self._actors.collect(learner.acting, self._positions)
        played_s = time.perf_counter() - start
        shop.replay.add(harvest.samples)
        shop.records = harvest.records
        made = arrays.length(harvest.samples)
        keys = canonical_obs_keys(shop.game, harvest.samples.obs)
        ledger.note(made, keys, len(shop.replay))
        ledger.games += int(harvest.tally.games)
        ledger.evaluations += usage.evaluated
        ledger.tree_s += max(0.0, played_s * len(self._actors.actors) - usage.seconds)
        yield Report(ledger.positions, "selfplay", _played(harvest.tally, usage, played_s))

        window, raw = shop.replay.window()
        steps = max(1, round(made * learner.section.reuse / learner.section.batch))
        scalars = shop.fit(window, steps)
        scalars["learn/window"] = raw
        scalars["learn/staleness"] = ledger.staleness(raw)
        scalars["selfplay/unique"] = arrays.length(window) / raw
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
