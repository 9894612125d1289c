"""Search at training and at test: planted planes found again, and held by their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from test_compare_curves import group_of, run_of

from selfplay.compare.analysis.plane import RUNG, search_planes
from selfplay.compare.compute import DEVICE_S
from selfplay.compare.groups import Group
from selfplay.compare.records import F64, Run
from selfplay.compare.redraws import Redraws

RATE = "strength/mistake_rate"
TRAIN = 10 ** np.arange(10.0, 13.01, 0.25)
FORWARD = 2e6  # FLOPs of a position
LADDER = (0, 1, 4, 16, 64, 256)
PLANE = (15.0, -1.2, -0.8)  # log-odds: constant, a tenfold of training, of search
SLOPE = -1.5  # of lines of equal strength: -1.2 / 0.8


def odds(plane: tuple[float, ...], train: F64, simulations: float) -> F64:
    """Mistake rates [P] that lie in a plane."""
    log = plane[0] + plane[1] * np.log10(train) + plane[2] * np.log10(FORWARD * (simulations + 1))
    return np.asarray(1 / (1 + np.exp(-log)))


def run_in(plane: tuple[float, ...], seed: int = 0, noise: F64 | None = None) -> Run:
    """A run judged with 64 simulations all along, and with the ladder at its end.

    ``noise`` [Q, D]: how far draws of positions move the rates; the first is what was measured.
    """
    rates = {RATE: odds(plane, TRAIN, 64)}
    for rung in LADDER:
        end = np.full(len(TRAIN), np.nan)
        end[-1] = odds(plane, TRAIN[-1:], rung)[0] if rung else 0.7  # the net alone is out of plane
        rates[f"{RUNG}{rung}"] = end
    moves = {}
    if noise is not None:
        for name, rate in rates.items():
            moves[name] = (rate[:, None] * noise).astype(np.float32)
            rates[name] = rate + moves[name][:, 0]
    run = run_of(TRAIN, rates, seed)
    samples = TRAIN / (4 * FORWARD)
    points = run.points._replace(
        samples=samples, learning=3 * FORWARD * samples, redraws=Redraws("0" * 16, moves)
    )
    return run._replace(points=points)


def group_in(planes: list[tuple[float, ...]], **changes: object) -> Group:
    return group_of("a", [run_in(plane, i) for i, plane in enumerate(planes)])


def test_a_plane_is_found_and_the_net_alone_is_not_of_it() -> None:
    (plane,) = search_planes([group_in([PLANE])])
    assert (plane.constant, plane.training, plane.testing) == pytest.approx(PLANE)
    assert plane.slope.value == pytest.approx(SLOPE)
    assert np.isnan(plane.slope.low)  # one seed
    assert plane.error == pytest.approx(0, abs=1e-6)
    # the last two decades with 64 simulations, and four other searches at the end
    assert len(plane.train) == 9 + 4
    assert plane.train.min() == pytest.approx(1e11)
    assert set(plane.simulations) == {1, 4, 16, 64, 256}
    assert plane.test[plane.simulations == 16] == pytest.approx(17 * FORWARD)
    # ten times the training and 10 ** -1.5 of the search are as strong
    rate = float(odds(PLANE, np.array([1e12]), 99)[0])
    assert plane.test_at(rate, np.array([1e12, 1e13])) == pytest.approx(
        np.array([100, 100 * 10**SLOPE]) * FORWARD
    )


def test_intervals_hold_the_planted_slope() -> None:
    """Seeds spread in all three numbers of their plane."""
    rng, held, widths = np.random.default_rng(0), 0, []
    for _ in range(60):
        off = rng.standard_normal((5, 3)) * (0.2, 0.03, 0.02)
        (plane,) = search_planes([group_in([tuple(PLANE + each) for each in off])], 400)
        held += plane.slope.low <= SLOPE <= plane.slope.high
        widths.append(plane.slope.high - plane.slope.low)
    assert held >= 53  # of 60: at 95% it is 57
    assert np.median(widths) < 0.2


def test_draws_of_the_positions_count_where_seeds_are_equal() -> None:
    """All runs are judged on the same positions, whose chance no seed averages out."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(40):
        # draw by draw one factor for training's measurements, another for those of the ladder
        noise = 0.05 * rng.standard_normal((len(TRAIN), 400))
        group = group_of("a", [run_in(PLANE, seed, noise) for seed in range(2)])
        (plane,) = search_planes([group], 400)
        assert plane.slope.high - plane.slope.low > 0.01
        held += plane.slope.low <= SLOPE <= plane.slope.high
    assert held >= 34


def test_groups_that_do_not_tell_enough_have_no_plane() -> None:
    run = run_in(PLANE)
    strength = run.points.strength
    poor = {
        "no ladder": {name: x for name, x in strength.items() if not name.startswith(RUNG)},
        "one search": {name: strength[name] for name in (RATE, f"{RUNG}64", f"{RUNG}0")},
        "no search": {name: x for name, x in strength.items() if name != RATE},
        "of equal rates": dict.fromkeys(strength, np.zeros(len(TRAIN))),
        "measured late": {name: np.where(TRAIN < 5e12, np.nan, x) for name, x in strength.items()},
    }
    for columns in poor.values():
        other = run._replace(points=run.points._replace(strength=columns))
        assert search_planes([group_of("a", [run, other])]) == ()
    # a run that goes on climbs the ladder later
    growing = other._replace(finished=False)
    (plane,) = search_planes([group_of("a", [run, growing])])
    assert plane.slope.value == pytest.approx(SLOPE)
    assert search_planes([group_of("a", [growing])]) == ()
    seconds = run._replace(points=run.points._replace(compute=DEVICE_S))
    assert search_planes([group_of("a", [seconds])]) == ()
    unknown = run._replace(points=run.points._replace(learning=np.zeros(1)))
    assert search_planes([group_of("a", [unknown])]) == ()
