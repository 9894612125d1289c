"""The same runs by each kind of search: the net alone, its value one move ahead, with search.

Regimes are compared at equal search only, so each kind has curves, crossings and a sentence of
its own, and no two kinds ever share a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.crossing import Crossing, crossing
from selfplay.compare.analysis.curves import Curve, curves
from selfplay.compare.analysis.sentence import (
    OWN,
    TAUGHT,
    choose_pair,
    kind_rank,
    write_alone,
    write_sentence,
)
from selfplay.compare.groups import Group
from selfplay.compare.metrics import other_searches, spell_title


class Account(NamedTuple):
    """What strength against compute says where compute is counted in one way."""

    sentence: str = ""  # the answer in plain words, with its interval
    curves: tuple[Curve, ...] = ()  # one a group
    crossings: tuple[Crossing, ...] = ()  # each regime of own games against each that is taught


class View(NamedTuple):
    """The strength of all groups by one metric."""

    metric: str
    title: str  # "mistake rate, 64 simulations a move"
    free: Account  # compute of the nets alone
    charged: Account  # the same with the expert's seconds charged; empty: there are none


def make_views(groups: Sequence[Group], metric: str, rate: float | None) -> tuple[View, ...]:
    """The metric that was asked for, then the other kinds of search that the runs tell of.

    ``rate``: FLOPs that a second of the expert is charged; None: there is no expert.
    """
    known = {name for group in groups for run in group.runs for name in run.points.strength}
    views = []
    for each in (metric, *other_searches(metric, known)):
        measured = _measured(groups, each)
        if measured:
            free = _account(curves(measured, each))
            charged = Account() if rate is None else _account(curves(measured, each, rate))
            title = spell_title(each, measured[0].runs[0].settings.effort)
            views.append(View(each, title, free, charged))
    return tuple(views)


def _measured(groups: Sequence[Group], metric: str) -> list[Group]:
    """The groups without the runs that do not have the metric."""
    rest = (
        group._replace(runs=tuple(r for r in group.runs if np.isfinite(r.points.of(metric)).any()))
        for group in groups
    )
    return [group for group in rest if group.runs]


def _account(curves: tuple[Curve, ...]) -> Account:
    return Account(write_answer(curves), curves, find_crossings(curves))


def write_answer(curves: Sequence[Curve]) -> str:
    """The answer in one plain sentence."""
    pair = choose_pair(curves)
    if pair is not None:
        return write_sentence(*pair, crossing(*pair))
    return write_alone(max(curves, key=lambda curve: float(curve.flops[-1:].sum())), curves)


def find_crossings(curves: Sequence[Curve]) -> tuple[Crossing, ...]:
    """Regimes of own games against those that are taught, at equal size where both have it."""
    own = sorted((c for c in curves if c.group.kind in OWN), key=lambda c: kind_rank(c.group.kind))
    pairs = [(a, b) for a in own for b in curves if b.group.kind in TAUGHT]
    equal = [(a, b) for a, b in pairs if a.group.parameters == b.group.parameters]
    return tuple(crossing(a, b) for a, b in equal or pairs)
