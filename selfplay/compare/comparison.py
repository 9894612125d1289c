"""A comparison: everything that the runs in some folders say together."""

from __future__ import annotations

from typing import NamedTuple

from selfplay.compare.crossing import Crossing
from selfplay.compare.curves import Curve
from selfplay.compare.fits import Elasticity, Fit, Frontier
from selfplay.compare.matrix import Matrix
from selfplay.compare.records import Group, Skipped


class Comparison(NamedTuple):
    """What ``compare`` found; the figures and tables show this and nothing else."""

    sentence: str  # the answer in plain words, with its interval
    metric: str  # of the curves, crossings and the matrix
    loss: str  # of the fits
    groups: tuple[Group, ...]
    curves: tuple[Curve, ...]  # one a group, compute of the nets alone
    charged: tuple[Curve, ...]  # the same with the expert's seconds charged; empty: there are none
    crossings: tuple[Crossing, ...]  # self-play and its like against each regime of an expert
    crossings_charged: tuple[Crossing, ...]
    flop_rate: float  # FLOPs that a second of the expert is charged
    fits: tuple[Fit, ...]  # L(D), L(N), L(C), L(N, D): the form that foretells best comes first
    frontier: Frontier | None  # None: all nets have one size
    elasticities: tuple[Elasticity, ...]
    matrix: Matrix | None  # None: there are no frozen runs
    skipped: tuple[Skipped, ...]  # folders that could not be read
    notes: tuple[str, ...]  # what a reader must know: missing intervals, unfinished runs, ...
