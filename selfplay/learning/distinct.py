"""How many different positions there were, counted in bounded memory.

Only the smallest of their hashes are kept; how close these lie tells how many there are in all
(Bar-Yossef et al. 2002, "Counting distinct elements in a data stream", algorithm 2; unbiased as in
Beyer et al. 2007, "On synopses for distinct-value estimation under multiset operations").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfplay import arrays

KEPT = 1 << 18  # hashes, 2 MB: the standard error beyond is 1 / sqrt(KEPT) = 0.2%
_RANGE = 2.0**63  # hashes lie below


def nothing() -> NDArray[np.int64]:
    """What has been seen at the start."""
    return np.empty(0, np.int64)


def add(seen: NDArray[np.int64], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The smallest hashes, in order, of all that was ``seen`` and of ``keys`` [M], at most KEPT."""
    # hashed anew: canonical keys are minima, which do not lie evenly
    hashes = (arrays.hash_rows(keys)[:, 0] >> np.uint64(1)).astype(np.int64)
    if len(seen) == KEPT:
        hashes = hashes[hashes < seen[-1]]
    return np.union1d(seen, hashes)[:KEPT]


def count(seen: NDArray[np.int64]) -> int:
    """How many different keys were added: exact below KEPT, an estimate from there on."""
    if len(seen) < KEPT:
        return len(seen)
    return round((KEPT - 1) * _RANGE / float(seen[-1]))
