"""The matchmaker: which problems are served, so that most are neither too easy nor too hard.

The weights are AlphaProof's (Hubert et al. 2025, "Olympiad-level formal mathematical reasoning with
reinforcement learning"): 1 where there were fewer than 8 tries or the results are mixed, 0.1 where
none succeeded, 0.001 where all of the last 12 did, 0 where the problem has been refuted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfplay.types import Bool

MEMORY = 12  # results that are remembered of each problem
_NEW = 8  # tries before a problem may count as never decided
_UNKNOWN = -1
_SAVED = ("tries", "results", "refuted")
EDGE = (0.2, 0.8)  # success rates between these teach most


class Matchmaker:
    """Results of P problems, and what is to be tried next."""

    def __init__(self, problems: int, uniform: bool = False) -> None:
        self._uniform = uniform
        self.tries = np.zeros(problems, np.int64)
        self.results = np.full((problems, MEMORY), _UNKNOWN, np.int8)  # newest first
        self.refuted: Bool = np.zeros(problems, np.bool_)

    def weights(self) -> NDArray[np.float64]:
        """[P], in proportion to which problems are served."""
        if self._uniform:
            return np.where(self.refuted, 0.0, 1.0)
        known = self.results != _UNKNOWN
        won = (self.results == 1).sum(axis=1)
        lost = (self.results == 0).sum(axis=1)
        weight = np.ones(len(self.tries))
        old = self.tries >= _NEW
        weight[old & (won == 0)] = 0.1
        weight[(lost == 0) & (known.sum(axis=1) == MEMORY)] = 0.001
        weight[self.refuted] = 0.0
        return weight

    def serve(
        self, count: int, among: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """``count`` different problems out of ``among``, fewer where there are fewer to try."""
        weight = self.weights()[among]
        count = min(count, int((weight > 0).sum()))
        if count == 0:
            return among[:0]
        return np.asarray(rng.choice(among, count, replace=False, p=weight / weight.sum()))

    def note(self, problem: int, proved: bool, refuted: bool = False) -> None:
        """Remembers how a try ended."""
        self.tries[problem] += 1
        self.results[problem, 1:] = self.results[problem, :-1]
        self.results[problem, 0] = proved
        self.refuted[problem] |= refuted

    def rates(self) -> NDArray[np.float64]:
        """[P], the share of the remembered tries that succeeded; NaN where there were none."""
        known = (self.results != _UNKNOWN).sum(axis=1)
        won = (self.results == 1).sum(axis=1)
        return np.where(known > 0, won / np.maximum(known, 1), np.nan)

    def at_edge(self, problems: NDArray[np.int64]) -> float:
        """The share of these problems whose success rate teaches most; NaN if none was tried."""
        rates = self.rates()[problems]
        known = rates[~np.isnan(rates)]
        at_edge = (known >= EDGE[0]) & (known <= EDGE[1])
        return float(at_edge.mean()) if len(known) else float("nan")

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name).copy() for name in _SAVED}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what ``state_dict`` returned; ValueError for another number of problems."""
        if len(saved["tries"]) != len(self.tries):
            raise ValueError(
                f"the run was trained on {len(saved['tries']):,} problems, the folder now holds "
                f"{len(self.tries):,}: put back what was there, or start anew with --out"
            )
        for name in _SAVED:
            setattr(self, name, np.asarray(saved[name]))
