"""Does the prior move where the search pushed it?

Of each measurement runs keep what the net alone and its search answered to the same positions.
Where the two differ the search pushed the net, and its next measurement shows whether it went
there.  Four questions, each beside what would be seen without a push:

- ``moves``: the search chose another move.  How often does the net play that one next, against how
  often it goes to any particular third move there (the mean over those that are legal)?
- ``changes``: the same against how often it goes to any particular other move where the search
  agreed with it.
- ``mended`` and ``spoiled``: the net erred and the search did not, or the other way round.  How
  often does the net do next as the search did, against positions where the search did as the net?
  These are weighed so that the net's probability of moves that are no mistakes was the same
  (in STRATA parts at each measurement): what is nearly known is soon known anyway.
- ``mass``: by how much the probability of moves that are no mistakes goes with that of the search,
  at equal probability by the net (least squares within each measurement), against how much it goes
  with that of *another seed's* search at the same measurement.  What makes a position easy for any
  search is in both; only the first has pushed this net.

``moves`` and ``changes`` need the moves, which runs keep since they have Answers.moves.  Intervals
draw the positions anew, the same for all seeds and measurements, and no seeds: they are of these
runs.  Searches are those of the measurements (strength.simulations), not those of training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.compare.analysis.bootstrap import interval
from selfplay.compare.groups import Group
from selfplay.compare.records import F64, Run
from selfplay.compare.redraws import NET, SEARCH, position_weights
from selfplay.compare.sources import Sources
from selfplay.measure.answers import Answers
from selfplay.stats import Interval
from selfplay.types import Bool

Kind = Literal["moves", "changes", "mended", "spoiled", "mass"]
STRATA = 6  # of the net's probability of moves that are no mistakes
FEWEST = 20  # cases that a share is told of


class Push(NamedTuple):
    """One question, of the runs of one group."""

    label: str  # Group.label
    kind: Kind
    seeds: int
    positions: int
    cases: int  # over seeds, measurements and positions
    followed: Interval  # share, of ``mass`` slope
    without: Interval  # the same without the push; NaN: not known
    difference: Interval
    flops: F64  # [T] of the measurement that pushes, mean over seeds
    followed_at: F64  # [T] by measurement; NaN: fewer than FEWEST cases
    without_at: F64  # [T]


class _Step(NamedTuple):
    """Two measurements of one run that follow each other, on K positions."""

    flops: float  # of the first
    wrong: Bool  # [K] the net
    search_wrong: Bool  # [K]
    next_wrong: Bool  # [K] the net at the second
    mass: F64  # [K]
    search_mass: F64  # [K]
    next_mass: F64  # [K]
    moves: NDArray[np.int64] | None  # [3, K] of net, search and the next net; None: not kept


class _Cases(NamedTuple):
    """Sums over seeds by position, of R rows: a stratum of a measurement each."""

    at: NDArray[np.intp]  # [R], the measurement
    pushed: F64  # [R, K] cases
    followed: F64  # [R, K] of them
    others: F64  # [R, K] chances without a push
    met: F64  # [R, K] of them


def search_pushes(groups: Sequence[Group], sources: Sources | None) -> tuple[Push, ...]:
    """Of every group whose runs keep answers of net and search at two measurements or more."""
    return tuple(push for group in groups for push in _pushes(group, sources))


def _pushes(group: Group, sources: Sources | None) -> Iterator[Push]:
    seeds = [_steps(run, sources) for run in group.runs]
    seeds = [steps for steps in seeds if steps]
    sizes = {len(step.mass) for steps in seeds for step in steps.values()}
    if not seeds or len(sizes) > 1:
        return
    (count,) = sizes
    times = sorted({at for steps in seeds for at in steps})
    flops = np.array([np.mean([s[at].flops for s in seeds if at in s]) for at in times])
    digest = next(r.points.redraws.positions for r in group.runs if r.points.redraws.positions)
    drawn = position_weights(digest, count)
    told = group.label, len(seeds), count
    rows = None if sources is None else sources.searched(count)
    legal = None if rows is None or sources is None else sources.legal[rows]
    for kind, cases in _asked(seeds, times, legal):
        yield from _shares(kind, cases, told, flops, drawn)
    mass = _slopes(seeds, times, told, flops, drawn)
    if mass is not None:
        yield mass


def _steps(run: Run, sources: Sources | None) -> dict[int, _Step]:
    """By the place of the first of two measurements."""
    kept = {
        place: answers
        for place, answers in run.points.redraws.answers.items()
        if answers.mistakes.keys() >= {NET, SEARCH}
    }
    steps = {}
    for place in sorted(kept):
        if place + 1 in kept:
            step = _step(float(run.points.flops[place]), kept[place], kept[place + 1], sources)
            if step is not None:
                steps[place] = step
    return steps


def _step(flops: float, now: Answers, then: Answers, sources: Sources | None) -> _Step | None:
    """None where it is not known which positions were searched."""
    count, every = len(now.mass[SEARCH]), len(now.mass[NET])
    rows: NDArray[np.intp] | None = np.arange(every)
    if count < every:
        rows = None if sources is None else sources.searched(count)
    if rows is None or len(then.mass[NET]) != every:
        return None
    moves = None
    if now.moves.keys() >= {NET, SEARCH} and NET in then.moves:
        moves = np.stack([now.moves[NET][rows], now.moves[SEARCH], then.moves[NET][rows]])
    return _Step(
        flops=flops,
        wrong=now.mistakes[NET][rows],
        search_wrong=now.mistakes[SEARCH],
        next_wrong=then.mistakes[NET][rows],
        mass=now.mass[NET][rows].astype(np.float64),
        search_mass=now.mass[SEARCH].astype(np.float64),
        next_mass=then.mass[NET][rows].astype(np.float64),
        moves=None if moves is None else moves.astype(np.int64),
    )


def _asked(
    seeds: Sequence[dict[int, _Step]], times: Sequence[int], legal: NDArray[np.int64] | None
) -> Iterator[tuple[Kind, _Cases]]:
    """The questions that are of shares."""
    by_time = [[steps[at] for steps in seeds if at in steps] for at in times]
    kept = all(step.moves is not None for steps in by_time for step in steps)
    if kept and legal is not None:
        yield "moves", _stacked([[_third_moves(steps, legal)] for steps in by_time])
        yield "changes", _stacked([[_changes(steps, legal)] for steps in by_time])
    yield "mended", _stacked([_matched(steps, err=True) for steps in by_time])
    yield "spoiled", _stacked([_matched(steps, err=False) for steps in by_time])


_Parts = tuple[F64, F64, F64, F64]  # of a row of _Cases, [K] each


def _third_moves(steps: Sequence[_Step], legal: NDArray[np.int64]) -> _Parts:
    parts = []
    for step in steps:
        assert step.moves is not None
        net, search, then = step.moves
        pushed = (net != search) & (legal > 2)
        elsewhere = (then != net) & (then != search)
        parts.append([pushed, pushed & (then == search), pushed * (legal - 2), pushed & elsewhere])
    return _summed(parts)


def _changes(steps: Sequence[_Step], legal: NDArray[np.int64]) -> _Parts:
    parts = []
    for step in steps:
        assert step.moves is not None
        net, search, then = step.moves
        pushed, agreed = net != search, net == search
        parts.append(
            [pushed, pushed & (then == search), agreed * (legal - 1), agreed & (then != net)]
        )
    return _summed(parts)


def _matched(steps: Sequence[_Step], err: bool) -> list[_Parts]:
    """A row a stratum of the net's mass, whose borders are those of the cases."""
    of_cases = [step.mass[(step.wrong == err) & (step.search_wrong != err)] for step in steps]
    known = np.concatenate(of_cases)
    if not len(known):
        return []
    borders = np.quantile(known, np.arange(1, STRATA) / STRATA)
    strata = [np.searchsorted(borders, step.mass) for step in steps]
    rows = []
    for stratum in range(STRATA):
        parts = []
        for step, places in zip(steps, strata, strict=True):
            here = (step.wrong == err) & (places == stratum)
            pushed, left = here & (step.search_wrong != err), here & (step.search_wrong == err)
            moved = step.next_wrong != err
            parts.append([pushed, pushed & moved, left, left & moved])
        rows.append(_summed(parts))
    return rows


def _summed(parts: Sequence[Sequence[NDArray[np.generic]]]) -> _Parts:
    """Over the seeds."""
    one, two, three, four = (
        np.sum([part[i].astype(np.float64) for part in parts], axis=0) for i in range(4)
    )
    return one, two, three, four


def _stacked(rows: Sequence[Sequence[_Parts]]) -> _Cases:
    """Without the rows in which nothing stands against the cases."""
    kept = [(at, row) for at, rows_at in enumerate(rows) for row in rows_at]
    kept = [(at, row) for at, row in kept if row[0].any() and row[2].any()]
    columns = [np.array([row[i] for _, row in kept], np.float64) for i in range(4)]
    return _Cases(np.array([at for at, _ in kept], np.intp), *columns)


def _shares(
    kind: Kind, cases: _Cases, told: tuple[str, int, int], flops: F64, drawn: NDArray[np.float32]
) -> Iterator[Push]:
    """Nothing where there are too few cases."""
    if cases.pushed.sum() < FEWEST:
        return
    whole = [part.sum(axis=1)[:, None] for part in cases[1:]]
    followed, without = (float(each[0]) for each in _pooled(*whole))
    weights = drawn.astype(np.float64)
    replicates = _pooled(*(part @ weights for part in cases[1:]))
    at = np.full((2, len(flops)), np.nan)
    for time in np.unique(cases.at):
        rows = cases.at == time
        if whole[0][rows].sum() >= FEWEST:
            at[:, time] = [each[0] for each in _pooled(*(part[rows] for part in whole))]
    yield _push(kind, told, int(cases.pushed.sum()), (followed, without), replicates, flops, at)


def _pooled(pushed: F64, followed: F64, others: F64, met: F64) -> tuple[F64, F64]:
    """[B] f64 each, of sums [R, B]: the shares with and without a push, at equal weight of rows."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.nan_to_num(met / others)
    total = pushed.sum(axis=0)
    return followed.sum(axis=0) / total, (pushed * rate).sum(axis=0) / total


def _slopes(
    seeds: Sequence[dict[int, _Step]],
    times: Sequence[int],
    told: tuple[str, int, int],
    flops: F64,
    drawn: NDArray[np.float32],
) -> Push | None:
    """The next mass on that of the net, of its search and of the next seed's search.

    None where several seeds have no measurement in common.
    """
    products = []  # [T] of [F, K]
    for at in times:
        here = [steps[at] for steps in seeds if at in steps]
        parts = []
        for i, step in enumerate(here):
            columns = [step.mass, step.search_mass]
            if len(seeds) > 1:  # a seed that is alone at this measurement is set beside nobody
                if len(here) < 2:
                    continue
                columns.append(here[(i + 1) % len(here)].search_mass)
            table = np.stack([*columns, step.next_mass])
            table -= table.mean(axis=1, keepdims=True)
            parts.append((table[:, None] * table[None]).reshape(-1, table.shape[1]))
        products.append(np.sum(parts, axis=0) if parts else None)
    known = [each for each in products if each is not None]
    if not known:
        return None
    whole = np.sum(known, axis=0)
    value = _solved(whole.sum(axis=1)[:, None])
    replicates = _solved(whole.astype(np.float32) @ drawn)
    at_times = np.full((2, len(times)), np.nan)
    for i, each in enumerate(products):
        if each is not None:
            at_times[:, i] = [slope[0] for slope in _solved(each.sum(axis=1)[:, None])]
    cases = sum(len(step.mass) for steps in seeds for step in steps.values())
    followed, without = (float(each[0]) for each in value)
    return _push("mass", told, cases, (followed, without), replicates, flops, at_times)


def _solved(products: F64) -> tuple[F64, F64]:
    """[B] f64 each, the slopes on own and on another's search of sums of products [F * F, B]."""
    size = math.isqrt(len(products))
    table = np.moveaxis(products.reshape(size, size, -1), -1, 0).astype(np.float64)
    square, right = table[:, :-1, :-1], table[:, :-1, -1:]
    square = square + 1e-9 * np.trace(square, axis1=1, axis2=2)[:, None, None] * np.eye(size - 1)
    slopes = (np.linalg.pinv(square) @ right)[..., 0]
    other = slopes[:, 2] if size > 3 else np.full(len(slopes), np.nan)
    return slopes[:, 1], other


def _push(
    kind: Kind,
    told: tuple[str, int, int],
    cases: int,
    value: tuple[float, float],
    replicates: tuple[F64, F64],
    flops: F64,
    at: F64,
) -> Push:
    label, seeds, positions = told
    known = not math.isnan(value[1])
    unknown = Interval(math.nan, math.nan, math.nan)
    return Push(
        *(label, kind, seeds, positions, cases),
        followed=interval(value[0], replicates[0]),
        without=interval(value[1], replicates[1]) if known else unknown,
        difference=(
            interval(value[0] - value[1], replicates[0] - replicates[1]) if known else unknown
        ),
        flops=flops,
        followed_at=at[0],
        without_at=at[1],
    )
