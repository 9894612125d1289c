"""A comparison: everything that the runs in some folders say together.

Regimes are compared at equal search only: each kind of search (the net alone, its value one move
ahead, with search) is a view with curves, crossings and a sentence of its own, and no two kinds
ever share one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.best import best_of
from selfplay.compare.analysis.curves import Crossing, Curve, crossing, curves, why_empty
from selfplay.compare.analysis.dependence import Dependence, dependences
from selfplay.compare.analysis.exchange import Exchange, exchanges
from selfplay.compare.analysis.exchange_sentence import order_exchanges, write_exchange
from selfplay.compare.analysis.fits import (
    Elasticity,
    LawFit,
    best_cell,
    data_and_size_fits,
    elasticities,
)
from selfplay.compare.analysis.frontier import Frontier, frontiers
from selfplay.compare.analysis.matrix import SizeMatrix, make_matrix
from selfplay.compare.analysis.one_pass import OnePass, one_passes
from selfplay.compare.analysis.plane import SearchPlane, search_planes
from selfplay.compare.analysis.proved import proved_sentences
from selfplay.compare.analysis.pushes import Push, search_pushes
from selfplay.compare.analysis.seeds import SeedSpread, seed_spreads
from selfplay.compare.analysis.sentence import (
    OWN,
    TAUGHT,
    choose_pair,
    kind_rank,
    write_alone,
    write_sentence,
)
from selfplay.compare.analysis.similarity import Similarity, similarities
from selfplay.compare.compute import DEVICE_S, FLOPS, Compute
from selfplay.compare.groups import Group, group_runs
from selfplay.compare.histories import read_histories
from selfplay.compare.metrics import (
    choose_loss,
    choose_metric,
    on_fixed_positions,
    other_searches,
    spell_title,
)
from selfplay.compare.pool import Pool
from selfplay.compare.records import Runs, Settings, Skipped, flop_rate, read_runs
from selfplay.compare.sources import sources_of
from selfplay.regimes import LOOKS


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
    charged: Account  # the same with the seconds of expert and search charged; empty: no expert
    exchanges: tuple[Exchange, ...] = ()  # the one that the sentence is of first

    @property
    def exchange_sentence(self) -> str:
        """What the compute of own games is worth in games of the expert; empty: no such pair."""
        return write_exchange(self.exchanges[0]) if self.exchanges else ""


class Comparison(NamedTuple):
    """What runs say together; the figures and tables show this and nothing else."""

    metric: str  # of the first view and of the matrix
    loss: str  # of the fits; empty: the runs have none
    groups: tuple[Group, ...]
    views: tuple[View, ...]  # the metric asked for first, then the other kinds of search
    flop_rate: float  # compute that a CPU second beside the net is charged
    fits: tuple[LawFit, ...]  # L(D), L(N), L(N, D), L(C); of two forms the better foreteller first
    frontiers: tuple[Frontier, ...]  # L(C) of each regime
    elasticities: tuple[Elasticity, ...]
    matrix: SizeMatrix | None  # None: there are no frozen runs
    one_passes: tuple[OnePass, ...]  # L(E) against L(D)
    planes: tuple[SearchPlane, ...]  # search at training and at test
    pushes: tuple[Push, ...]  # does the prior move where the search pushed it
    dependences: tuple[Dependence, ...]  # of the exchange rates, on positions and measure
    seeds: tuple[SeedSpread, ...]  # the law over seeds
    similarities: tuple[Similarity, ...]  # order of learning and agreement, of any two groups
    skipped: tuple[Skipped, ...]  # folders that could not be read
    notes: tuple[str, ...]  # what a reader must know: missing intervals, unfinished runs, ...
    pool: Pool | None = None  # None: none was played
    compute: Compute = FLOPS  # what they are compared at equal amounts of

    @property
    def settings(self) -> Settings:
        """How all runs were measured."""
        return self.groups[0].runs[0].settings

    @property
    def headline(self) -> str:
        """The exchange rate in a sentence where there is one, else who overtakes whom."""
        return self.views[0].exchange_sentence or self.views[0].free.sentence


def compare(
    names: Sequence[str | Path],
    metric: str | None = None,
    loss: str | None = None,
    compute: Compute = FLOPS,
) -> Comparison:
    """What the runs that ``names`` name say together; see records.read_runs.

    ``metric`` of the curves and ``loss`` of the power laws are chosen by what the runs have, where
    they are not named; see metrics.py.  Without a loss there are no laws.

    Raises ValueError with a sentence when there is nothing to compare, when runs were measured in
    different ways, when no run has what was named, or when ``loss`` is better the higher it is.
    """
    read = read_runs(names, compute)
    known = [run.points.strength.keys() for run in read.runs]
    metric = choose_metric(known, metric)
    wish, loss = loss, choose_loss(known, loss, metric)
    measured = [run for run in read.runs if run.points.has(metric)]
    groups = group_runs(measured)
    rate = flop_rate(measured)
    asked = any(np.nan_to_num(run.points.expert_s).max() > 0 for run in measured)
    histories = read_histories([run.path for run in measured])
    sources = sources_of(measured)
    traced, compute_fits = frontiers(groups, loss) if loss else ((), ())
    comparison = Comparison(
        metric=metric,
        loss=loss,
        groups=groups,
        views=make_views(groups, metric, rate if asked and rate > 0 else None),
        flop_rate=rate,
        fits=(*data_and_size_fits(groups, loss), *compute_fits) if loss else (),
        frontiers=traced,
        elasticities=elasticities(groups, loss) if loss else (),
        matrix=make_matrix(groups, metric),
        one_passes=one_passes(groups),
        planes=search_planes(groups),
        pushes=search_pushes(groups, sources),
        dependences=dependences(groups, sources),
        seeds=seed_spreads(groups, histories),
        similarities=similarities(groups, histories),
        skipped=read.skipped,
        notes=(),
        compute=compute,
    )
    return comparison._replace(notes=tuple(_notes(read, comparison, wish)))


def _notes(read: Runs, found: Comparison, wish: str | None) -> Iterator[str]:
    """What is missing of runs, curves and laws, and what is charged."""
    curves, charged = found.views[0].free.curves, found.views[0].charged.curves
    yield from (f"left out: {each.reason}" for each in read.skipped)
    yield from read.notes
    for run in read.runs:
        if not run.points.has(found.metric):
            yield f"{run.path} has no {found.metric}: left out"
    yield from (f"{run.path} is not finished" for run in read.runs if not run.finished)
    for curve in curves:
        if len(curve.group.runs) < 2:
            yield f"{curve.label}: one seed, so its interval is missing"
    yield from (f"{each.label}: no curve, since {why_empty(each)}" for each in curves if each.empty)
    if wish not in (None, found.loss):
        yield f"no run has {wish}, so it has no power laws"
    if not found.loss:
        yield f"no power laws: they are of losses, and {found.metric} is better the higher it is"
    for group in found.groups if found.loss else ():
        if best_cell(group, (1.0,), found.loss) is None:
            what = f"a {found.loss} of 0 or none at all"
            yield f"{group.label}: {what}, so it is left out of the fits"
    cards = sorted({run.card for group in found.groups for run in group.runs} - {""})
    if found.compute is DEVICE_S and len(cards) > 1:
        yield f"the GPU seconds are of different GPUs: {', '.join(cards)}"
    kinds = {group.kind for group in found.groups}
    yield from (look.note for look in LOOKS.values() if look.note and look.kind in kinds)
    yield from proved_sentences(found.groups)
    yield from _limits(found)
    for passes in found.one_passes:
        yield from (f"{passes.label}: {sentence}" for sentence in passes.sentences())
    if charged:
        yield (
            f"the CPU seconds of expert and search are charged {found.flop_rate:.2g} "
            f"{found.compute.unit} each: all {found.compute.unit} of the runs over their wall time"
        )


def _limits(found: Comparison) -> Iterator[str]:
    """What curves, pairs and best checkpoints stand on that is less than they could."""
    view = found.views[0]
    for group in found.groups:
        early = sum(run.points.stopped for run in group.runs)
        if early:
            which = f"{early} of its {len(group.runs)} runs stopped early"
            yield f"{group.label}: {which}, so that their curves are level from there on"
    if on_fixed_positions(found.metric) and any(each.redrawn is None for each in view.free.curves):
        yield "not all runs left their answers to each position, so that not all pairs are paired"
    stocks = [group for group in found.groups if group.data is not None]
    best = [best_of(group, found.metric) for group in stocks]
    if any(each is not None and "itself" in each.chosen for each in best):
        yield (
            "some best checkpoints were chosen on the positions they are judged on, which flatters "
            "them: their runs left neither validation nor answers to each position"
        )
    late = dict.fromkeys(m.label for each in view.exchanges for m in each.matches if m.late)
    if late:
        labels = "; ".join(late)
        yield f"best when measured last, so that their plateaus may lie further: {labels}"


def make_views(groups: Sequence[Group], metric: str, rate: float | None) -> tuple[View, ...]:
    """The metric that was asked for, then the other kinds of search that the runs tell of.

    ``rate``: compute that a CPU second beside the net is charged; None: there is no expert.
    """
    known = {name for group in groups for run in group.runs for name in run.points.strength}
    views = []
    for each in (metric, *other_searches(metric, known)):
        measured = _measured(groups, each)
        if measured:
            free = _account(curves(measured, each))
            charged = Account() if rate is None else _account(curves(measured, each, rate))
            title = spell_title(each, measured[0].runs[0].settings.effort)
            rates = order_exchanges(exchanges(free.curves))
            views.append(View(each, title, free, charged, rates))
    return tuple(views)


def _measured(groups: Sequence[Group], metric: str) -> list[Group]:
    """The groups without the runs that do not have the metric."""
    rest = (
        group._replace(runs=tuple(run for run in group.runs if run.points.has(metric)))
        for group in groups
    )
    return [group for group in rest if group.runs]


def _account(curves: tuple[Curve, ...]) -> Account:
    """Own games cross what is taught at equal size of the net, where both have it."""
    own = sorted((c for c in curves if c.group.kind in OWN), key=lambda c: kind_rank(c.group.kind))
    pairs = [(a, b) for a in own for b in curves if b.group.kind in TAUGHT]
    equal = [(a, b) for a, b in pairs if a.group.parameters == b.group.parameters]
    return Account(write_answer(curves), curves, tuple(crossing(*each) for each in equal or pairs))


def write_answer(curves: Sequence[Curve]) -> str:
    """The answer in one plain sentence."""
    pair = choose_pair(curves)
    if pair is not None:
        return write_sentence(*pair, crossing(*pair))
    return write_alone(max(curves, key=lambda curve: float(curve.flops[-1:].sum())), curves)
