"""Learning from a fixed stock of positions, epoch after epoch."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays
from selfplay.regimes.base import Loop, Parts
from selfplay.types import Report, Targets

# positions looked at without learning from them, for each that is learned from; a look takes a
# third of the compute
JUDGE_SHARE = 1 / 8


class Stock(Protocol):
    """Positions with targets that are there from the start."""

    # positions to see how well the net predicts what it does not learn, if there are any; what it
    # says of them is reported now and then: see JUDGE_SHARE
    aside: Targets | None = None

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
        if not len(stock):
            raise ValueError(
                "nothing is left to learn: all positions are ones that strength is measured on; "
                "measure on others (strength.positions, strength.validation)"
            )
        self._taken = 0  # positions, over all epochs

        @functools.lru_cache(maxsize=1)
        def shuffled(epoch: int) -> NDArray[np.int64]:
            return np.random.default_rng([parts.seed, epoch]).permutation(len(stock))

        self._shuffled = shuffled

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
        if stock.aside is not None and self._due(before, arrays.length(stock.aside)):
            judged = parts.learner.judge(stock.aside)
            scalars["learn/validation_policy_loss"] = judged.policy_loss
            scalars["learn/validation_value_loss"] = judged.value_loss
            scalars["learn/validation_accuracy"] = judged.accuracy
        yield Report(ledger.positions, "learn", scalars)

    def state_dict(self) -> dict[str, Any]:
        epoch, used = divmod(self._taken, len(self._stock))
        return {"epoch": epoch, "used": used}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._taken = int(saved["epoch"]) * len(self._stock) + int(saved["used"])

    def source(self) -> dict[str, Any]:
        return self._stock.source()

    def _due(self, before: int, aside: int) -> bool:
        """Whether it is time to look at so many positions: at first, and now and then."""
        every = aside / JUDGE_SHARE
        return before == 0 or before // every != self._taken // every

    def _rows(self, before: int) -> NDArray[np.int64]:
        """Those behind the first ``before``, on into further epochs."""
        epochs, places = np.divmod(np.arange(before, self._taken), len(self._stock))
        parts = [self._shuffled(e)[places[epochs == e]] for e in np.unique(epochs).tolist()]
        return np.concatenate(parts)
