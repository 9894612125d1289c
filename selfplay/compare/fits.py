"""Power laws: how the loss falls with data, size and compute."""

from __future__ import annotations

from typing import Literal, NamedTuple

from selfplay.compare.records import F64
from selfplay.intervals import Interval

Form = Literal["power", "floor", "nested", "additive"]


class Parameter(NamedTuple):
    """A parameter of a law."""

    name: str  # "exponent", "scale", "floor", "exponent_n", "exponent_d", ...
    value: float
    interval: Interval | None  # 95%; None with fewer than two seeds


class Samples(NamedTuple):
    """The losses that a law is fitted to: M runs in groups of equal x."""

    x: F64  # [M, V] > 0: data, size or compute; two columns (N, D) for a law of both
    loss: F64  # [M] > 0
    seed: F64  # [M]
    below: F64  # [M] how far the 95% interval of the loss reaches down on the test positions
    above: F64  # [M] and up; 0 where it is not known
    shared: bool  # True: all runs were measured on the same positions


class Fit(NamedTuple):
    """A law fitted to all samples, and how well it foretold those it had not seen.

    power: L = (scale / x) ** exponent.  floor: L = floor + (scale / x) ** exponent.
    nested (Kaplan et al. 2020, eq. 1.5): L = ((scale_n / N) ** (exponent_n / exponent_d)
    + scale_d / D) ** exponent_d.  additive (Hoffmann et al. 2022, eq. 2): L = floor
    + (scale_n / N) ** exponent_n + (scale_d / D) ** exponent_d.
    """

    form: Form
    of: str  # "D", "N", "C" or "N, D": what x is
    parameters: tuple[Parameter, ...]
    held_out: float | None  # mean |ln predicted - ln measured| in the largest half-decade of x,
    # of a fit to the rest; None: too few points are left
    samples: Samples
    replicates: F64 | None  # [B, P] parameters of the refits; None with fewer than two seeds

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; KeyError where the law has none."""
        for each in self.parameters:
            if each.name == name:
                return each
        raise KeyError(name)


class Frontier(NamedTuple):
    """L(C): the least loss that X amounts of compute buy when the size of the net is chosen well.

    The size is chosen on half of the seeds and its loss is that of the others, each half in turn;
    a size that is chosen and judged by the same runs looks better than it is.
    """

    flops: F64  # [X] from the common grid
    loss: F64  # [X] mean over the halves
    low: F64 | None  # [X] ends of the 95% band; None with fewer than two seeds
    high: F64 | None  # [X]
    parameters: F64  # [X] N of the size chosen on all seeds


class Elasticity(NamedTuple):
    """d ln L / d ln x at fixed y: -0.3 means that ten times x halves the loss."""

    of: str  # "N" or "D": x
    at: float  # the fixed value of the other
    value: float
    interval: Interval | None  # None with fewer than two seeds
    x: F64  # [K] the values of x that it was measured over
