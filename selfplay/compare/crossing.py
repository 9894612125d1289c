"""Where one regime overtakes another."""

from __future__ import annotations

from typing import Literal, NamedTuple

from selfplay.intervals import Interval

State = Literal["crosses", "ahead", "behind", "undecided", "apart", "unknown"]


class Crossing(NamedTuple):
    """From which compute on ``a`` is better than ``b``, within the range that both cover.

    crosses: a is better at the largest common compute with probability over 0.975, and was not
    all the time; ahead: it was all the time; behind: b is better at the largest common compute
    with that probability; undecided: neither; apart: no compute in common; unknown: one of the
    two has fewer than two seeds, so that no probability can be given.
    """

    a: str  # label
    b: str
    metric: str
    charged: bool  # True: the expert's seconds count as compute
    state: State
    flops: float | None  # C*, from here on the mean of a is better; None: it never is, or always
    low: float | None  # ends of its 95% interval; None: below the common range, or missing
    high: float | None  # None: beyond the common range, or missing
    sure: float | None  # from here on a is better with probability over 0.975
    first: float  # smallest and largest compute in common; NaN when apart
    last: float
    gap: Interval | None  # a's lead at ``last`` in the metric, > 0: a is better; None: one seed
    lead: float  # the same without its interval; NaN when apart
