"""What a run has used so far, of how much: the counts that its curves are made of."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from selfplay.arrays import hash_rows
from selfplay.cached import Usage
from selfplay.section import Section

KEPT = 1 << 18  # hashes, 2 MB: the standard error beyond is 1 / sqrt(KEPT) = 0.2%
_RANGE = 2.0**63  # hashes lie below


class Budget(Section):
    """Section ``[budget]``: the run ends when one of these is used up."""

    seconds: float | None = Field(None, gt=0, le=1e9)
    """seconds of the run, measurements of strength included"""
    positions: int | None = Field(None, gt=0, le=10**15)
    """positions generated, or taken from an expert's data"""
    flops: float | None = Field(None, gt=0, le=1e40)
    """FLOPs of learning and generating, `cost/flops`; measurements of strength are not counted"""
    patience: float = Field(0.0, ge=0, le=1e9)
    """early stop: the run ends at the first measurement until which its compute has grown by this
    factor since `watch` was at its best; 0: never"""
    watch: str = "strength/validation_optimal_mass"
    """what `patience` waits for: a metric of measurements that has a better way"""
    gain: float = Field(0.0, ge=0, le=1e9)
    """`watch` is better where it is by more than this: what is smooth creeps on for long; until it
    has moved by as much from its first measurement, either way, a run waits"""

    @model_validator(mode="after")
    def _ends(self) -> Budget:
        if self.seconds is None and self.positions is None and self.flops is None:
            raise ValueError("set seconds, positions or flops, else the run would never end")
        if 0 < self.patience <= 1:
            raise ValueError("patience is a factor of more than 1, or 0 for none")
        return self

    def progress(self, seconds: float, positions: float, flops: float) -> float:
        """Share of the budget used, in [0, 1]."""
        pairs = (seconds, self.seconds), (positions, self.positions), (flops, self.flops)
        return min(1.0, max(used / limit for used, limit in pairs if limit is not None))


@dataclass
class Ledger:
    """What a run has used so far."""

    iteration: int = 0
    positions: int = 0  # generated, or taken from an expert's data; the x axis of every curve
    games: int = 0  # played by the run itself
    samples: int = 0  # positions learned from, repetitions counted
    evaluations: int = 0  # positions that went through the net to generate data
    # as they were run, of nets whose positions differ in size; of others see Progress.flops
    learn_flops: float = 0.0
    generate_flops: float = 0.0
    expert_s: float = 0.0  # CPU seconds of the expert whose labels were used
    expert_flops: float = 0.0  # of an expert that is a net
    tree_s: float = 0.0  # thread seconds of search and game, outside the net
    device_s: float = 0.0  # that GPUs took for learning and generating
    wall_s: float = 0.0
    made: list[int] = field(default_factory=list)  # positions of the latest iterations, in order
    # updates that the nets which made them lacked when they were learned first
    behind: list[int] = field(default_factory=list)
    # the smallest hashes of the positions so far, in order, at most KEPT
    seen: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64), compare=False)

    def __post_init__(self) -> None:
        self.seen = np.asarray(self.seen)  # out of a checkpoint it is a tensor
        if not self.behind:  # written before there was such a thing
            self.behind = [0] * len(self.made)
        used = (self.positions, self.games, self.samples, self.evaluations)
        counts = [self.iteration, *used, *list(self.made), *list(self.behind)]
        costs = [self.expert_s, self.expert_flops, self.tree_s, self.device_s, self.wall_s]
        costs += [self.learn_flops, self.generate_flops]
        if not all(isinstance(each, int) and 0 <= each < 2**63 for each in counts) or not all(
            isinstance(each, int | float) and 0 <= each < math.inf for each in costs
        ):
            raise ValueError("what a run has used so far is no number of at least 0")
        lists = isinstance(self.made, list) and len(self.made) == len(self.behind)
        if self.seen.dtype != np.int64 or self.seen.ndim != 1 or not lists:
            raise ValueError("what a run has seen so far is no list")

    def note(self, made: int, keys: NDArray[np.uint64], window: int, behind: int = 0) -> None:
        """Counts an iteration's ``made`` positions with these canonical keys [M].

        ``window``: of how many positions the age may be asked from now on.  ``behind``: updates
        that the net they were made with lacks.
        """
        self.positions += made
        # hashed anew: canonical keys are minima, which do not lie evenly
        hashes = (hash_rows(keys)[:, 0] >> np.uint64(1)).astype(np.int64)
        if len(self.seen) == KEPT:
            hashes = hashes[hashes < self.seen[-1]]
        self.seen = _with_new(self.seen, hashes)[:KEPT]
        self.made.append(made)
        self.behind.append(behind)
        while sum(self.made[1:]) >= window:
            del self.made[0], self.behind[0]

    def pay(self, *usages: Usage) -> None:
        """Counts what evaluators did to generate data."""
        self.evaluations += sum(usage.evaluated for usage in usages)
        self.device_s += sum(usage.device_s for usage in usages)
        self.generate_flops += sum(usage.flops for usage in usages)

    def unique(self) -> int:
        """Different positions so far, mirror images counted once: exact below KEPT.

        From there on an estimate by how close the smallest hashes lie (Bar-Yossef et al. 2002,
        "Counting distinct elements in a data stream", algorithm 2; unbiased as in Beyer et al.
        2007, "On synopses for distinct-value estimation under multiset operations").
        """
        if len(self.seen) < KEPT:
            return len(self.seen)
        return round((KEPT - 1) * _RANGE / float(self.seen[-1]))

    def staleness(self, window: int) -> float:
        """Mean age of the latest ``window`` positions: updates of the acting net since their game.

        Each iteration ends with one; those of the present one count 0, or what they are behind.
        """
        ages, left = 0, window
        for age, (made, behind) in enumerate(zip(self.made[::-1], self.behind[::-1], strict=True)):
            taken = min(made, left)
            ages, left = ages + (age + behind) * taken, left - taken
        return ages / (window - left)

    def state_dict(self) -> dict[str, Any]:
        return asdict(self)


def _with_new(seen: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """As ``np.union1d``, ``seen`` being in order and without equals: only ``more`` is sorted."""
    more = np.unique(more)
    place = np.searchsorted(seen, more)
    known = np.append(seen, -1)[place] == more  # hashes are no less than 0
    return np.insert(seen, place[~known], more[~known])


class Progress:
    """How much of its budget a run has used."""

    def __init__(self, budget: Budget, forward: int, counted: bool = False) -> None:
        """``forward``: FLOPs of one position forwards through the net.

        ``counted``: positions differ in size, and the ledger tells the FLOPs that were run.
        """
        self.ledger = Ledger()
        self.forward, self._counted = forward, counted
        self._budget, self._start = budget, time.monotonic()

    def resume(self, ledger: Ledger) -> None:
        """Goes on from what a checkpoint tells, its wall time included."""
        self.ledger = ledger
        self._start -= ledger.wall_s
        if self._counted and not ledger.learn_flops:  # of before they were counted
            ledger.learn_flops = 3.0 * self.forward * ledger.samples
            ledger.generate_flops = float(self.forward) * ledger.evaluations

    def seconds(self) -> float:
        """Wall time used, over all sessions of the run."""
        return time.monotonic() - self._start

    def flops(self) -> tuple[float, float]:
        """Of learning, a step as three forward passes, and of generating; not of measuring."""
        forward, ledger = float(self.forward), self.ledger
        if self._counted:
            return ledger.learn_flops, ledger.generate_flops
        return 3.0 * forward * ledger.samples, forward * ledger.evaluations

    def share(self) -> float:
        """Of the budget, in [0, 1]."""
        return self._budget.progress(self.seconds(), self.ledger.positions, sum(self.flops()))

    def costs(self) -> dict[str, float]:
        """``cost/*`` of the run so far."""
        ledger, (learn, generate), unique = self.ledger, self.flops(), self.ledger.unique()
        return {
            "cost/flops": learn + generate,
            "cost/flops_learn": learn,
            "cost/flops_generate": generate,
            "cost/expert_s": ledger.expert_s,
            "cost/expert_flops": ledger.expert_flops,
            "cost/tree_s": ledger.tree_s,
            **({"cost/device_s": ledger.device_s} if ledger.device_s else {}),
            "cost/samples": ledger.samples,
            "cost/positions_unique": unique,
            "cost/effective_epochs": ledger.samples / max(1, unique),
            "cost/games": ledger.games,
            "cost/wall_s": self.seconds(),
        }
