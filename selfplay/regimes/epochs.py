"""Learning from a fixed stock of positions, epoch after epoch."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.regimes.base import Cost, Loop, Parts, RegimeSection
from selfplay.section import Metric
from selfplay.types import Float, Report, Targets

_ASIDE = "of what is kept aside of a fixed stock, whole games of it:"


class StockSection(RegimeSection):
    """What the regimes have in common that learn from a fixed stock."""

    taught = True
    position_cost: ClassVar[Cost] = "nothing"
    begins_with = "learning"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("learn/epoch", "how often a fixed stock of positions has been gone through"),
        Metric(
            "validation/accuracy",
            f"{_ASIDE} share of the positions where the net's favourite is the target's",
            "share",
            "up",
            label="foretold of games kept aside",
            form="{:.1%}",
        ),
        Metric(
            "validation/stakes_accuracy",
            "the same, each position weighed by what is at stake, where the data set tells that",
            "share",
            "up",
            form="{:.1%}",
        ),
        Metric("validation/policy_loss", f"{_ASIDE} mean(-sum_a target(a) log p(a))", "nats"),
        Metric(
            "validation/policy_kl",
            f"{_ASIDE} mean(sum_a target(a) log(target(a) / p(a))), which is the loss less the "
            "entropy of the targets",
            "nats",
            "down",
        ),
        Metric(
            "validation/value_loss",
            f"{_ASIDE} mean(-sum target log p) over win, draw, loss",
            "nats",
        ),
        Metric(
            "validation/value_kl",
            f"{_ASIDE} the same less the entropy of the targets",
            "nats",
            "down",
        ),
    )

    draw: int = Field(-1, ge=-1, lt=2**63)
    """of those that are drawn where not all are asked for, which draw: all runs with the same
    number learn from the same ones; -1: every seed has a draw of its own"""
    positions: int = Field(8192, ge=1, le=10**9)
    """between two reports, rounded to whole batches"""

    def draw_for(self, parts: Parts) -> int:
        """The number of the draw that a run learns from."""
        return parts.seed if self.draw < 0 else self.draw


class Stock(Protocol):
    """Positions with targets that are there from the start."""

    draw: int  # which draw of them it is
    # positions to see how well the net predicts what it does not learn, if there are any
    aside: Targets | None = None
    aside_stakes: Float | None = None  # [M] f32, what is at stake in each, where it is told

    def redraw(self, draw: int) -> None:
        """Becomes another draw."""

    def __len__(self) -> int: ...

    def samples(self, rows: NDArray[np.int64]) -> Targets:
        """The positions of ``rows``, from 0 to len, in that order."""

    def keys(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Canonical keys of ``rows``."""

    def cost(self, rows: int) -> tuple[float, float]:
        """CPU seconds and FLOPs that the expert spent on so many of the positions."""
        return 0.0, 0.0

    def source(self) -> dict[str, Any]:
        """What ``provenance.json`` tells of the stock."""


class EpochsLoop(Loop):
    """Takes ``positions`` an iteration in the order of random permutations, one an epoch."""

    def __init__(self, positions: int, stock: Stock, parts: Parts) -> None:
        super().__init__(parts)
        batch = parts.learner.section.batch
        self._chunk = max(1, positions // batch) * batch
        self._stock = stock
        parts.refuse_nothing(len(stock))
        self._taken = 0  # positions, over all epochs

        @functools.lru_cache(maxsize=1)
        def shuffled(epoch: int) -> NDArray[np.int64]:
            return np.random.default_rng([parts.seed, epoch]).permutation(len(stock))

        @functools.lru_cache(maxsize=1)
        def held(draw: int) -> list[int]:
            keys = stock.keys(np.arange(len(stock)))
            return [len(keys), zlib.crc32(keys.tobytes())]

        self._shuffled, self._held_of = shuffled, held

    def iteration(self) -> Iterator[Report]:
        parts, ledger, stock = self.parts, self.parts.ledger, self._stock
        before, self._taken = self._taken, self._taken + self._chunk
        rows = self._rows(before)
        ledger.note(len(rows), stock.keys(rows), 1)
        seconds, flops = stock.cost(max(0, min(len(stock), self._taken) - before))
        ledger.expert_s += seconds
        ledger.expert_flops += flops
        scalars = parts.fit(stock.samples(rows), len(rows) // parts.learner.section.batch)
        epoch, used = divmod(self._taken, len(stock))
        scalars["learn/epoch"] = epoch + used / len(stock)
        yield Report(ledger.positions, "learn", scalars)

    def validate(self) -> dict[str, float]:
        if self._stock.aside is None:
            return {}
        aside, stakes, judge = self._stock.aside, self._stock.aside_stakes, self.parts.learner.judge
        found = {f"validation/{name}": value for name, value in judge(aside)._asdict().items()}
        if stakes is not None:
            accuracy = judge(aside._replace(policy_weight=stakes)).accuracy
            found["validation/stakes_accuracy"] = accuracy
        return found

    def state_dict(self) -> dict[str, Any]:
        epoch, used = divmod(self._taken, len(self._stock))
        return {"epoch": epoch, "used": used, "draw": self._stock.draw, "held": self._held()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        draw = int(saved.get("draw", 0))  # earlier versions drew the same for every seed
        if draw != self._stock.draw:
            self._stock.redraw(draw)
        if "held" in saved and list(saved["held"]) != self._held():
            raise ValueError(
                "the run learned from other positions than there are now: put back the data, and "
                "the positions of [strength], that it began with, or start anew with --out"
            )
        self._taken = int(saved["epoch"]) * len(self._stock) + int(saved["used"])

    def source(self) -> dict[str, Any]:
        return self._stock.source()

    def _held(self) -> list[int]:
        """What tells the stock from another: how many positions, and a sum over their keys."""
        return self._held_of(self._stock.draw)

    def _rows(self, before: int) -> NDArray[np.int64]:
        """Those behind the first ``before``, on into further epochs."""
        epochs, places = np.divmod(np.arange(before, self._taken), len(self._stock))
        parts = [self._shuffled(e)[places[epochs == e]] for e in np.unique(epochs).tolist()]
        return np.concatenate(parts)
