"""Power laws: how the loss falls with data, size and compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selfplay.compare.analysis.best import best_of
from selfplay.compare.analysis.bootstrap import REPLICATES, draws_of, interval, moved
from selfplay.compare.analysis.laws import (
    EFFICIENCY,
    LAWS,
    TIGHT,
    Form,
    best_fit,
    predict,
    refits,
    reported,
    starts,
)
from selfplay.compare.groups import Group, spell_kind
from selfplay.compare.records import F64
from selfplay.stats import Z95, Interval

HALF_DECADE = 10**0.5
USUAL_SPREAD = 0.1  # of ln L between seeds, where there is one seed only
_ELSEWHERE = [0, -1]  # starts beside the fit to all: no floor and flat, a floor and steep
FEWEST = 3  # different values of x that a law is fitted to


class LawPoint(NamedTuple):
    """Runs at the same place, which differ in their seed."""

    x: tuple[float, ...]  # > 0: D, N or C, or (N, D)
    loss: F64  # [S] > 0
    below: float  # how far another draw of test positions may move ln L down; 0: not known
    above: float  # and up
    redrawn: F64 | None = None  # [B] how draws of the positions, the same for all, move ln L


class LawFit(NamedTuple):
    """A law fitted to all samples, and how well it foretold those it had not seen.

    power: L = (scale / x) ** exponent.  floor: L = floor + (scale / x) ** exponent.
    nested (Kaplan et al. 2020, eq. 1.5): L = ((scale_n / N) ** (exponent_n / exponent_d)
    + scale_d / D) ** exponent_d.  additive (Hoffmann et al. 2022, eq. 2): L = floor
    + (scale_n / N) ** exponent_n + (scale_d / D) ** exponent_d.
    """

    label: str  # whose loss it is: "imitation of solver, 1,996 parameters"
    of: str  # "D", "N", "C" or "N, D": what x is
    form: Form
    parameters: dict[str, Interval]  # by the names of LAWS; ends are NaN with fewer than two seeds
    held_out: float | None  # mean |ln predicted - ln measured| in the largest half-decade of x
    # (of N times D), of a fit to the rest; None: too few points are left
    cells: tuple[LawPoint, ...]
    theta: F64  # [P] as laws.py has it
    centre: F64  # [V] mean of ln x

    def predict(self, x: F64) -> F64:
        """[M] f64, the loss at x [M] or [M, V]."""
        u = np.log(x.reshape(len(x), -1)) - self.centre
        loss: F64 = np.exp(predict(self.form, self.theta[None], u)[0][0])
        return loss


class Elasticity(NamedTuple):
    """d ln L / d ln x while all else is fixed: -0.3 means that ten times x halves the loss."""

    label: str  # whose: "frozen, made by 508 parameters, D = 1,000"
    of: str  # "N" or "D": x
    value: float
    interval: Interval | None  # None with fewer than two seeds
    x: F64  # [K] the values of x that it was measured over


def fit_laws(
    label: str, of: str, cells: Sequence[LawPoint], shifts: F64 | None = None
) -> tuple[LawFit, ...]:
    """Both forms for ``cells``, first the one that foretells the held-out cells better.

    ``shifts`` [B, G]: how far bootstrap replicates move ln L of each of the G cells.
    """
    forms: tuple[Form, ...] = ("nested", "additive") if of == "N, D" else ("power", "floor")
    fits = [
        fit_law(form, label, of, cells, shifts) for form in forms if len(cells) >= len(LAWS[form])
    ]
    return tuple(sorted(fits, key=lambda fit: np.inf if fit.held_out is None else fit.held_out))


def fit_law(
    form: Form, label: str, of: str, cells: Sequence[LawPoint], shifts: F64 | None = None
) -> LawFit:
    """One form, its parameters with intervals, and its error in the largest half-decade."""
    u, centre, log_loss = _samples(cells)
    delta = _delta(cells)
    theta = best_fit(form, u, log_loss, delta)
    values = reported(form, theta, centre)
    parameters = [Interval(float(value), np.nan, np.nan) for value in values]
    if shifts is not None:
        first = np.concatenate([theta[None], starts(form, log_loss)[_ELSEWHERE]])
        moves = np.repeat(shifts, [len(cell.loss) for cell in cells], axis=1)
        again = refits(form, u, log_loss + moves, delta, first)
        columns = reported(form, again, centre).T
        parameters = [interval(float(v), c) for v, c in zip(values, columns, strict=True)]
    named = dict(zip(LAWS[form], parameters, strict=True))
    error = _held_out(form, cells, delta)
    return LawFit(label, of, form, named, error, tuple(cells), theta, centre)


def seed_shifts(cells: Sequence[LawPoint], replicates: int = REPLICATES) -> F64 | None:
    """[B, G] f64, how far the replicates move ln L of each cell; None with fewer than two seeds.

    Seeds are taken to spread alike (in ln L) in all cells, so that the spread is learned from all
    of them; what a mean of few seeds may be off by follows Student's t.  Then the test positions:
    see bootstrap.py.
    """
    sizes = np.array([len(cell.loss) for cell in cells])
    if sizes.min() < 2:
        return None
    rng = np.random.default_rng(0)
    freedom = sizes.sum() - len(sizes)
    wide = np.sqrt(freedom / rng.chisquare(freedom, (replicates, 1)))
    error = _spread(cells) / np.sqrt(sizes * EFFICIENCY)
    off: F64 = rng.standard_normal((replicates, len(cells))) * wide * error
    below, above = np.array([(cell.below, cell.above) for cell in cells]).T
    shift = moved(below, above, rng.standard_normal((replicates, len(cells))))
    for column, cell in enumerate(cells):
        if cell.redrawn is not None:
            shift[:, column] = draws_of(cell.redrawn, replicates)
    return off + shift


def data_and_size_fits(groups: Sequence[Group], metric: str) -> tuple[LawFit, ...]:
    """L(D) of the largest net, L(N) on the most data, and L(N, D), of each regime and expert."""
    fits: list[LawFit] = []
    for of, free in (("D", OF_DATA_ALONE), ("N", _OF_SIZE), ("N, D", _OF_DATA + _OF_SIZE)):
        largest: dict[tuple[object, ...], list[Group]] = {}
        for bundle in bundles(groups, free).values():
            kin = family(bundle[0])
            wider = _extent(bundle) > _extent(largest.get(kin, []))
            if wider and _spans(_cells(bundle, of, metric)):
                largest[kin] = bundle
        for bundle in largest.values():
            cells = _cells(bundle, of, metric)
            fits += fit_laws(title(bundle, of), of, cells, seed_shifts(cells))
    return tuple(fits)


def elasticities(groups: Sequence[Group], metric: str) -> tuple[Elasticity, ...]:
    """Of N at each D and of D at each N, of each regime, expert and maker of frozen data."""
    return tuple(
        _elasticity(title(bundle, of), of, cells)
        for of, free in (("N", _OF_SIZE), ("D", OF_DATA_ALONE))
        for bundle in bundles(groups, free).values()
        if (cells := _cells(bundle, of, metric)) and bundle[0].data is not None
        if len({cell.x for cell in cells}) > 1
    )


def _elasticity(label: str, of: str, cells: Sequence[LawPoint]) -> Elasticity:
    """The slope of ln L over ln x, by least squares over the cells' means."""
    x = np.array([cell.x[0] for cell in cells])
    u = np.log(x) - np.log(x).mean()
    slope = float(u @ np.array([np.log(cell.loss).mean() for cell in cells]) / (u @ u))
    shifts = seed_shifts(cells)
    spread = None if shifts is None else interval(slope, slope + shifts @ u / (u @ u))
    return Elasticity(label, of, slope, spread, x)


_OF_DATA = ("regime.games", "regime.data", "regime.unique")
# L(D) is of each run's least loss, which few data reach with little compute
OF_DATA_ALONE = (*_OF_DATA, "budget.")
_OF_SIZE = ("net.",)


def bundles(
    groups: Sequence[Group], free: tuple[str, ...]
) -> dict[tuple[object, ...], list[Group]]:
    """The groups that agree in all options but those that begin with one of ``free``."""
    alike: dict[tuple[object, ...], list[Group]] = {}
    for group in groups:
        fixed = tuple(each for each in group.runs[0].options if not each[0].startswith(free))
        alike.setdefault((group.kind, group.expert, fixed), []).append(group)
    return alike


def best_cell(group: Group, x: tuple[float, ...], metric: str) -> LawPoint | None:
    """The best loss of each run of a group (it stops early); None where one has none above 0."""
    best = best_of(group, metric)
    if best is None or not best.value.min() > 0:
        return None
    value = best.value
    below = -np.log1p(-np.minimum(best.below / value, 0.9))
    above = np.log1p(best.above / value)
    drawn = best.redrawn
    if drawn is not None:
        drawn = np.log1p(np.maximum(drawn / value.mean(), -0.9))
    return LawPoint(x, value, float(below.mean()), float(above.mean()), drawn)


def _cells(bundle: Sequence[Group], of: str, metric: str) -> list[LawPoint]:
    """One cell a group, by ascending x."""
    cells = []
    for group in bundle:
        place = {"N": float(group.parameters), "D": float(group.data or 0)}
        x = tuple(place[name] for name in of.split(", "))
        if min(x) > 0 and (cell := best_cell(group, x, metric)) is not None:
            cells.append(cell)
    return sorted(cells, key=lambda cell: cell.x)


def _spans(cells: Sequence[LawPoint]) -> bool:
    """True where there are enough places to see a law; of a grid, two each way and six."""
    counts = [len(set(column)) for column in zip(*(cell.x for cell in cells), strict=True)]
    if len(counts) == 2:
        return min(counts) > 1 and len(cells) >= 2 * FEWEST
    return max(counts, default=0) >= FEWEST


def _extent(bundle: Sequence[Group]) -> tuple[int, int, int]:
    """What makes one bundle the one to show: more groups, more data, larger nets."""
    data, sizes = [group.data or 0 for group in bundle], [group.parameters for group in bundle]
    return len(bundle), max(data, default=0), max(sizes, default=0)


def family(group: Group) -> tuple[object, ...]:
    """Equal for groups whose laws are one: the regime, and who made its data."""
    return group.kind, group.expert, group.maker_parameters


def title(bundle: Sequence[Group], of: str) -> str:
    """Whose loss it is: the regime, its expert, and what is fixed."""
    group = bundle[0]
    words = spell_kind(group.kind) + (f" of {group.expert}" if group.expert else "")
    if group.maker_parameters is not None:
        words += f", made by {group.maker_parameters:,} parameters"
    if of in ("N", "C") and group.data is not None:
        words += f", {group.data:,} {'games' if group.games is not None else 'positions'}"
    if of == "D":
        words += f", {group.parameters:,} parameters"
    return words


def _samples(cells: Sequence[LawPoint]) -> tuple[F64, F64, F64]:
    """ln x less its mean [M, V], that mean [V] and ln L [M] of each run."""
    log_x = np.log([cell.x for cell in cells for _ in cell.loss])
    centre = log_x.mean(axis=0)
    return log_x - centre, centre, np.log(np.concatenate([cell.loss for cell in cells]))


def _spread(cells: Sequence[LawPoint]) -> float:
    """The standard deviation of ln L over seeds, from all cells."""
    squares = [((log := np.log(cell.loss)) - log.mean()) ** 2 for cell in cells]
    freedom = sum(len(each) - 1 for each in squares)
    return float(np.sqrt(np.concatenate(squares).sum() / freedom)) if freedom else USUAL_SPREAD


def _delta(cells: Sequence[LawPoint]) -> float:
    """The residual of ln L beyond which a run counts as an outlier."""
    from_positions = np.mean([(cell.below + cell.above) / 2 for cell in cells]) / Z95
    return max(1e-3, TIGHT * float(np.hypot(_spread(cells), from_positions)))


def _held_out(form: Form, cells: Sequence[LawPoint], delta: float) -> float | None:
    sizes = np.array([np.prod(cell.x) for cell in cells])
    edge = sizes.max() / HALF_DECADE * (1 + 1e-9)  # what lies at it is seen
    seen = [cell for cell, size in zip(cells, sizes, strict=True) if size < edge]
    if len({cell.x for cell in seen}) < len(LAWS[form]):
        return None
    u, centre, log_loss = _samples(seen)
    theta = best_fit(form, u, log_loss, delta)
    far, there, measured = _samples(
        [cell for cell, size in zip(cells, sizes, strict=True) if size >= edge]
    )
    predicted = predict(form, theta[None], far + there - centre)[0][0]
    return float(np.abs(predicted - measured).mean())
