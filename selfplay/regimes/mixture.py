"""Imitation first, self-play after: AlphaGo's path (Silver et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from selfplay.regimes.base import Look, Loop, Parts
from selfplay.regimes.imitation import Imitation
from selfplay.regimes.selfplay import SelfPlay
from selfplay.types import Report


class ImitationThenSelfPlay(Imitation):
    """Section ``[regime]`` with ``kind = "imitation_then_selfplay"``.

    The same net, optimizer and schedule go on when the data change.
    """

    looks = (Look("imitation_then_selfplay", "imitation, then self-play", "#9b3b87", "#e592cf"),)
    taught = False
    position_cost = "search"
    begins_with = "playing"

    kind: Literal["imitation_then_selfplay"] = "imitation_then_selfplay"  # type: ignore[assignment]
    share: float = Field(0.2, gt=0, lt=1)
    """of the budget that goes to imitation"""
    overlap: bool = False
    """of self-play: as there"""

    def open(self, parts: Parts) -> Loop:  # type: ignore[override]
        first = super().open(parts)
        return MixtureLoop(
            first,
            SelfPlay(positions=self.positions, overlap=self.overlap).open(parts),
            self.share,
            parts,
        )


class MixtureLoop(Loop):
    """One loop until a share of the budget is used, then another."""

    def __init__(self, first: Loop, second: Loop, share: float, parts: Parts) -> None:
        super().__init__(parts)
        self._first, self._second, self._share = first, second, share
        self._begun = False  # the second: for good, also where the budget grows

    def iteration(self) -> Iterator[Report]:
        self._begun = self._begun or self.parts.progress.share() >= self._share
        loop = self._second if self._begun else self._first
        yield from loop.iteration()
        self.records = loop.records

    def validate(self) -> dict[str, float]:
        return self._first.validate()

    def state_dict(self) -> dict[str, Any]:
        loops = {"first": self._first.state_dict(), "second": self._second.state_dict()}
        return {**loops, "begun": self._begun}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._first.load_state_dict(saved["first"])
        self._second.load_state_dict(saved["second"])
        # older checkpoints do not say so, but only the second plays
        self._begun = bool(saved.get("begun", self.parts.ledger.games > 0))

    def source(self) -> dict[str, Any]:
        return self._first.source()

    def cancel(self) -> None:
        self._first.cancel()
        self._second.cancel()

    def close(self) -> None:
        self._first.close()
        self._second.close()
