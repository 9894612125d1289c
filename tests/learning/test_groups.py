"""Groups of equal positions against lists of them; keys may differ by their last bits alone."""

from __future__ import annotations

import numpy as np
import pytest

from selfplay.learning.groups import Groups

RING = 90


@pytest.mark.parametrize("shift", [0, 29, 50])  # the order holds the upper 34 bits of a key
@pytest.mark.parametrize("kinds", [4, 40, 4000])
def test_groups_are_those_of_a_window(kinds: int, shift: int) -> None:
    rng = np.random.default_rng(kinds)
    groups, keys, first, last = Groups(), np.empty(0, np.uint64), 0, 0
    for count in (5, 60, 0, 1, 25, 200, 30, 30, 88, 7):
        new = rng.integers(kinds, size=count).astype(np.uint64) << np.uint64(shift)
        keys, last = np.concatenate([keys, new]), last + count
        first = max(first, last - int(rng.integers(1, RING + 1)))
        fresh = keys[max(groups.last, first) :]
        groups.slide(first, last, fresh, RING, min(last, RING))
        rows_of: dict[int, list[int]] = {}
        for number in range(first, last):
            rows_of.setdefault(int(keys[number]), []).append(number % RING)
        expected = [rows_of[key] for key in sorted(rows_of)]
        assert len(groups) == len(expected)
        some = rng.permutation(len(groups))
        rows, until = groups.members(some)
        got = [part.tolist() for part in np.split(rows, until[:-1])]
        assert got == [expected[place] for place in some]


def test_of_no_places_there_are_no_members() -> None:
    groups = Groups()
    groups.slide(0, 3, np.array([7, 7, 8], np.uint64), 10, 3)
    rows, until = groups.members(np.empty(0, np.int64))
    assert (rows.tolist(), until.tolist()) == ([], [])
