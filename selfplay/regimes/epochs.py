"""Learning from a fixed stock of positions, epoch after epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.regimes.loop import Loop, Parts
from selfplay.types import Report, Targets

# positions looked at without learning from them, for each that is learned from; a look takes a
# third of the compute
JUDGE_SHARE = 1 / 8


class Stock:
    """Positions with targets that are there from the start."""

    # positions to see how well the net predicts what it does not learn, if there are any; what it
    # says of them is reported now and then: see JUDGE_SHARE
    aside: Targets | None = None

    def __len__(self) -> int:
        raise NotImplementedError

    def samples(self, rows: NDArray[np.int64]) -> Targets:
        """The positions of ``rows``, from 0 to len, in that order."""
        raise NotImplementedError

    def keys(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Canonical keys of ``rows``."""
        raise NotImplementedError

    def cost(self, rows: int) -> tuple[float, float]:
        """CPU seconds and FLOPs that the expert spent on so many of the positions."""
        return 0.0, 0.0

    def source(self) -> dict[str, Any]:
        """What ``provenance.json`` tells of the stock."""
        raise NotImplementedError


class Place(NamedTuple):
    """How far the epochs have come."""

    epoch: int
    used: int  # positions of it


class EpochsLoop(Loop):
    """Takes ``positions`` an iteration in the order of random permutations, one an epoch."""

    def __init__(self, positions: int, stock: Stock, parts: Parts) -> None:
        super().__init__(parts)
        batch = parts.learner.section.batch
        self._chunk = max(1, positions // batch) * batch
        self._stock = stock
        self._place = Place(0, 0)
        self._order = self._shuffled(0)

    def iteration(self) -> Iterator[Report]:
        parts, ledger = self.parts, self.parts.ledger
        rows = self._next(self._chunk)
        first = min(self._chunk, max(0, len(self._stock) - self._taken_before()))
        ledger.note(len(rows), self._stock.keys(rows), 1)
        seconds, flops = self._stock.cost(first)
        ledger.expert_s += seconds
        ledger.expert_flops += flops
        scalars = parts.fit(self._stock.samples(rows), len(rows) // parts.learner.section.batch)
        scalars["learn/epoch"] = self._place.epoch + self._place.used / len(self._stock)
        aside = self._stock.aside
        if aside is not None and self._due(arrays.length(aside)):
            judged = parts.learner.judge(aside)
            scalars["learn/validation_policy_loss"] = judged.policy_loss
            scalars["learn/validation_value_loss"] = judged.value_loss
            scalars["learn/validation_accuracy"] = judged.accuracy
        yield Report(ledger.positions, "learn", scalars)

    def state_dict(self) -> dict[str, Any]:
        return self._place._asdict()

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._place = Place(int(saved["epoch"]), int(saved["used"]))
        self._order = self._shuffled(self._place.epoch)

    def source(self) -> dict[str, Any]:
        return self._stock.source()

    def _due(self, aside: int) -> bool:
        """Whether it is time to look at so many positions: at first, and now and then."""
        before = self._taken_before()
        every = aside / JUDGE_SHARE
        return before == 0 or before // every != (before + self._chunk) // every

    def _taken_before(self) -> int:
        """Positions taken before the latest chunk."""
        return self._place.epoch * len(self._stock) + self._place.used - self._chunk

    def _next(self, count: int) -> NDArray[np.int64]:
        """The next rows, on into further epochs."""
        parts, missing = [], count
        while missing:
            part = self._order[self._place.used : self._place.used + missing]
            parts.append(part)
            missing -= len(part)
            self._place = Place(self._place.epoch, self._place.used + len(part))
            if missing:
                self._place = Place(self._place.epoch + 1, 0)
                self._order = self._shuffled(self._place.epoch)
        return np.concatenate(parts)

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self.parts.seed, epoch]).permutation(len(self._stock))
