"""How long a run goes on, and how far it has come."""

from __future__ import annotations

import time

from pydantic import Field, model_validator

from selfplay.regimes.ledger import Ledger
from selfplay.section import Section


class Budget(Section):
    """Section ``[budget]``: the run ends when one of these is used up."""

    seconds: float | None = Field(None, gt=0, le=1e9)
    """seconds of the run, measurements of strength included"""
    positions: int | None = Field(None, gt=0, le=10**15)
    """positions generated, or taken from an expert's data"""
    flops: float | None = Field(None, gt=0, le=1e40)
    """FLOPs of learning and generating, `cost/flops`; measurements of strength are not counted"""

    @model_validator(mode="after")
    def _ends(self) -> Budget:
        if self.seconds is None and self.positions is None and self.flops is None:
            raise ValueError("set seconds, positions or flops, else the run would never end")
        return self

    def progress(self, seconds: float, positions: float, flops: float) -> float:
        """Share of the budget used, in [0, 1]."""
        pairs = (seconds, self.seconds), (positions, self.positions), (flops, self.flops)
        return min(1.0, max(used / limit for used, limit in pairs if limit is not None))


class Progress:
    """How much of its budget a run has used."""

    def __init__(self, budget: Budget, forward: int) -> None:
        """``forward``: FLOPs of one position forwards through the net."""
        self.ledger = Ledger()
        self.forward = forward
        self._budget, self._start = budget, time.monotonic()

    def resume(self, ledger: Ledger) -> None:
        """Goes on from what a checkpoint tells, its wall time included."""
        self.ledger = ledger
        self._start -= ledger.wall_s

    def seconds(self) -> float:
        """Wall time used, over all sessions of the run."""
        return time.monotonic() - self._start

    def flops(self) -> float:
        """Of learning and generating."""
        return sum(self.ledger.flops(self.forward))

    def share(self) -> float:
        """Of the budget, in [0, 1]."""
        return self._budget.progress(self.seconds(), self.ledger.positions, self.flops())

    def costs(self) -> dict[str, float]:
        """``cost/*`` of the run so far."""
        return self.ledger.costs(self.forward) | {"cost/wall_s": self.seconds()}
