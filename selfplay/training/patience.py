"""Early stop: a run ends once what it watches has not become better for long."""

from __future__ import annotations

import math
from collections.abc import Mapping

from selfplay.regimes.ledger import Budget
from selfplay.training.metrics import ENDS, find


class Patience:
    """Hears of every measurement of a run; ``over`` once the run is to end.

    That is when compute has grown by ``budget.patience`` since ``budget.watch`` was at its best, or
    has become better by ``budget.gain`` for the last time.  Until it has moved by as much from
    where it was measured first, either way, the run has not begun to learn, and waits.
    """

    def __init__(self, budget: Budget) -> None:
        """Raises ValueError with a sentence when what is watched is no metric that gets better."""
        self.over = False
        self._factor, self._watch, self._gain = budget.patience, budget.watch, budget.gain
        self._best, self._since = -math.inf, math.inf
        self._first, self._begun = math.nan, False
        self._told = False  # whether any measurement has told what is watched
        metric = find(self._watch)
        if self._factor and (metric is None or not metric.better):
            raise ValueError(
                f"budget.watch = {self._watch!r} is no metric that has a better way; 'selfplay "
                f"config metrics' lists them, as strength/validation_optimal_mass or "
                f"validation/policy_kl"
            )
        self._sign = -1.0 if metric is not None and metric.better == "down" else 1.0

    def note(self, scalars: Mapping[str, float]) -> None:
        """Hears of a measurement with its costs; one before any compute was used counts nothing,
        nor does one that could not tell what is watched.
        """
        self._told |= self._watch in scalars
        flops = scalars.get("cost/flops", 0.0)
        if not self._factor or not flops or self._watch not in scalars:
            return
        value = self._sign * scalars[self._watch]
        self._first = value if math.isnan(self._first) else self._first
        self._begun |= abs(value - self._first) >= self._gain
        if value > self._best + self._gain:
            self._best, self._since = value, flops
        self.over = self._begun and flops >= self._factor * self._since

    def refuse_unmeasured(self, scalars: Mapping[str, float]) -> None:
        """Raises ValueError with a sentence when no measurement up to this one tells what is
        watched: one of own positions may fail to find any that can be judged.
        """
        if self._factor and not self._told and self._watch not in scalars:
            told = (each for each in scalars if not each.endswith(ENDS))
            known = [each for each in told if (metric := find(each)) and metric.better]
            raise ValueError(
                f"budget.patience waits for {self._watch}, which this run does not measure; it "
                f"measures {', '.join(known) or 'nothing that has a better way'}: name one of them "
                f"with budget.watch, or set budget.patience = 0"
            )

    def sentence(self) -> str:
        """Why the run ended."""
        return (
            f"stopped early: compute has grown {self._factor:g} times since {self._watch} was at "
            f"its best, {abs(self._best):.4f} at {self._since:.3g} FLOPs"
        )
