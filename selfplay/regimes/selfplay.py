"""Self-play: the net plays itself with search and learns from what the search found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from selfplay import arrays
from selfplay.actors.ahead import Ahead, Played, play
from selfplay.actors.harvest import Tally
from selfplay.cached import Usage
from selfplay.learning import checkpoint
from selfplay.regimes.base import Look, Loop, Parts, RegimeSection
from selfplay.types import Report


class SelfPlay(RegimeSection):
    """Section ``[regime]`` with ``kind = "selfplay"``: AlphaZero's loop (Silver et al. 2018)."""

    looks = (Look("selfplay", "self-play", "#0a66b0", "#62b0f5"),)

    kind: Literal["selfplay"] = "selfplay"
    positions: int = Field(8192, ge=1, le=10**9)
    """new positions between two updates of the acting net"""
    overlap: bool = False
    """play the next positions while the net learns from the last ones: nothing waits, and all but
    the first are played by a net that is one update older"""

    def open(self, parts: Parts) -> SelfPlayLoop:
        return SelfPlayLoop(self.positions, self.overlap, parts)


class SelfPlayLoop(Loop):
    """Plays, then learns; or both at once."""

    def __init__(self, positions: int, overlap: bool, parts: Parts) -> None:
        super().__init__(parts)
        self._positions, self._actors = positions, parts.make_actors()
        self._ahead = Ahead(self._actors) if overlap else None

    def iteration(self) -> Iterator[Report]:
        parts, ledger = self.parts, self.parts.ledger
        behind = int(self._ahead is not None and self._ahead.begun)
        harvest, usage, played_s, metrics = self._play()
        parts.replay.add(parts.unjudged(harvest.samples, harvest.keys))
        parts.refuse_nothing(len(parts.replay))
        self.records = harvest.records
        made = arrays.length(harvest.samples)
        ledger.note(made, harvest.keys, len(parts.replay), behind)
        ledger.games += int(harvest.tally.games)
        ledger.pay(usage)
        ledger.tree_s += usage.tree_s
        scalars = _played(harvest.tally, usage, played_s) | metrics
        yield Report(ledger.positions, "selfplay", scalars)

        window, raw = parts.replay.window()
        scalars = parts.fit(window, parts.steps(made))
        scalars["learn/window"] = raw
        scalars["learn/staleness"] = ledger.staleness(raw)
        scalars["selfplay/unique"] = len(window) / raw
        yield Report(ledger.positions, "learn", scalars)

    def state_dict(self) -> dict[str, Any]:
        """The games under way, and what was played ahead."""
        if self._ahead is None:
            return self._actors.state_dict()
        ahead = self._ahead.state_dict()  # first: it waits for the actors
        return {"games": self._actors.state_dict(), "ahead": ahead}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        saved = checkpoint.unpacked(saved)
        if self._ahead is not None:
            self._ahead.load_state_dict(saved["ahead"], self.parts.game)
            saved = saved["games"]
        self._actors.load_state_dict(saved)

    def cancel(self) -> None:
        self._actors.cancel()

    def close(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
        self._actors.close()

    def _play(self) -> Played:
        """The next positions; where they were played ahead, the ones after them are begun."""
        net = self.parts.learner.acting
        if self._ahead is None:
            return play(self._actors, net, self._positions)
        if not self._ahead.begun:
            self._ahead.begin(net, self._positions)
        played = self._ahead.take()
        self._ahead.begin(net, self._positions)
        return played


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
