"""Bands and crossings: closed forms, and how often intervals hold planted truths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from synthetic_study import NET, draw_positions, planted_run

from selfplay.compare.analysis.bootstrap import interval, seed_weights, shared_moves, welch
from selfplay.compare.analysis.curves import Curve, crossing, curves, onset, track
from selfplay.compare.groups import Group, group_runs
from selfplay.compare.records import F64, Points, Run, Settings
from selfplay.compare.redraws import redraws_of
from selfplay.measure.answers import Answers
from selfplay.stats import wilson

RATE = "strength/mistake_rate"
MASS = "strength/optimal_mass"


def run_of(flops: F64, columns: dict[str, F64], seed: int = 0, expert_s: float = 0.0) -> Run:
    zero = np.zeros(len(flops))
    points = Points(flops, zero + expert_s, flops / 1e10, zero, zero, columns)
    settings = Settings("tictactoe", 64, "")
    return Run(
        Path(str(seed)), settings, "selfplay", seed, "", None, None, "mlp", 1, "", None, (), True,
        points,
    )  # fmt: skip


def group_of(label: str, runs: list[Run]) -> Group:
    return Group(label, "selfplay", "", None, None, 1, None, tuple(runs))


def flat(label: str, *flops: tuple[float, float], rates: tuple[float, ...] = (0.5, 0.5)) -> Group:
    """Runs from one compute to another, at a rate each."""
    columns = ({RATE: np.full(2, rate)} for rate in rates)
    runs = zip(flops, columns, strict=False)
    return group_of(label, [run_of(np.array(ends), each, i) for i, (ends, each) in enumerate(runs)])


def noisy(
    label: str, law: Callable[[F64], F64], seeds: int, spread: float, n: int,
    rng: np.random.Generator,
) -> Group:  # fmt: skip
    """Runs whose rates follow a law; all are measured on the same n positions."""
    flops = 10 ** np.arange(11, 14.01, 0.25)
    difficulty = np.sort(rng.random(n))
    runs = []
    for seed in range(seeds):
        rate = law(flops) * np.exp(spread * rng.standard_normal())
        shares = [wilson(float(k), n) for k in np.searchsorted(difficulty, rate)]
        value, low, high = np.array(shares).T
        runs.append(run_of(flops, {RATE: value, f"{RATE}_low": low, f"{RATE}_high": high}, seed))
    return group_of(label, runs)


def test_the_interval_of_a_mean_is_students() -> None:
    values = np.array([1.0, 2.0, 6.0])
    drawn = seed_weights([3], 200_000, np.random.default_rng(0)) @ values
    spread = stats.t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([3 - spread, 3 + spread], rel=0.03)


def test_weights_sum_to_one_in_each_group_and_one_seed_has_no_spread() -> None:
    weights = seed_weights([3, 1, 2], 50, np.random.default_rng(0))
    np.testing.assert_allclose(np.add.reduceat(weights, [0, 3, 4], axis=1), 1.0)
    with pytest.raises(ValueError, match="two seeds"):
        seed_weights([1, 1], 10, np.random.default_rng(0))


def test_degrees_of_freedom_are_welchs() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(4), 3 * rng.standard_normal(6)
    expected = stats.ttest_ind(a, b, equal_var=False).df
    assert welch(a[:, None], b[:, None]) == pytest.approx(expected)


def test_a_curve_is_straight_in_the_logarithm_and_ends_with_its_run() -> None:
    run = run_of(np.array([1.1e10, 1e12]), {RATE: np.array([0.5, 0.1])})
    found = track(run, RATE)
    at = 10 ** ((found.first + np.arange(len(found.value))) / 20)
    assert at[0] == pytest.approx(10**10.05)  # the first on the grid from 1.1e10 on
    assert at[-1] == pytest.approx(1e12)
    share = np.log(at / 1.1e10) / np.log(1e12 / 1.1e10)
    np.testing.assert_allclose(found.value, 0.5 - 0.4 * share)


def test_the_mean_is_there_where_every_seed_is() -> None:
    together = flat("a", (1e10, 1e12), (1e11, 1e13), rates=(0.2, 0.4))
    apart = flat("b", (1e10, 1e12), (1e13, 1e14))
    late = flat("c", (1e14, 1e15))
    curve, nothing, other = curves([together, apart, late], RATE)
    assert crossing(curve, other).state == "apart"
    assert (curve.flops[0], curve.flops[-1]) == pytest.approx((1e11, 1e12))
    np.testing.assert_allclose(curve.mean, 0.3)
    assert len(nothing.flops) == 0


def test_a_single_seed_has_no_band_and_the_expert_is_charged_by_the_second() -> None:
    run = run_of(np.array([1e10, 1e12]), {RATE: np.array([0.5, 0.1])}, expert_s=9e3)
    (curve,) = curves([group_of("a", [run])], RATE, rate=1e7)
    assert (curve.low, curve.high) == (None, None)
    assert curve.charged
    assert curve.flops[0] == pytest.approx(1e11)


def test_equal_seeds_still_differ_in_their_positions() -> None:
    """The band is that of the positions, which all seeds share: Wilson's interval."""
    share = wilson(60, 600)
    flops = np.array([1e10, 1e12])
    columns = {name: np.full(2, value) for name, value in share.scalars(RATE).items()}
    runs = [run_of(flops, columns, i) for i in range(3)]
    (curve,) = curves([group_of("a", runs)], RATE, replicates=50_000)
    assert curve.low is not None
    assert curve.high is not None
    assert (curve.low[0], curve.high[0]) == pytest.approx(share[1:], abs=5e-4)


def test_onset_is_where_the_lead_stays() -> None:
    leads = np.array([
        [-1.0, 1.0, 1.0, 1.0],
        [1.0, -1.0, 1.0, 1.0],  # the second time counts
        [-1.0, -3.0, -1.0, 3.0],
        [1.0, 1.0, 1.0, 1.0],
        [1.0, 1.0, 1.0, -1.0],
    ])  # fmt: skip
    found = onset(leads, np.array([1e1, 1e2, 1e3, 1e4]))
    np.testing.assert_allclose(found, [10**1.5, 10**2.5, 10**3.25, 0, np.inf])


def pair(flops: F64, a: F64, b: F64, metric: str = RATE, seeds: int = 3) -> tuple[Curve, Curve]:
    """Two curves through these values, with little noise."""
    noise = iter(1e-3 * np.random.default_rng(0).standard_normal(2 * seeds))
    first, second = (
        group_of("ab", [run_of(flops, {metric: mean + next(noise)}, i) for i in range(seeds)])
        for mean in (a, b)
    )
    one, other = curves([first, second], metric)
    return one, other


def planted(kind: str, seeds: int = 3) -> tuple[Curve, Curve]:
    """a falls from 0.5 to 0.05, b is where ``kind`` says."""
    flops = 10 ** np.arange(11, 14.01, 0.25)
    fall = np.linspace(0.5, 0.05, len(flops))
    level = {"crosses": 0.3, "ahead": 0.9, "behind": 0.01, "undecided": 0.05}[kind]
    return pair(flops, fall, np.full(len(flops), level), seeds=seeds)


@pytest.mark.parametrize("state", ["crosses", "ahead", "behind", "undecided"])
def test_each_state_is_told(state: str) -> None:
    found = crossing(*planted(state))
    assert found.state == state
    assert (found.first, found.last) == pytest.approx((1e11, 1e14))
    assert found.gap is not None
    assert found.gap.low <= found.lead <= found.gap.high
    if state == "crosses":
        truth = 10 ** (11 + 3 * (0.5 - 0.3) / 0.45)
        assert found.flops == pytest.approx(truth, rel=0.05)
        assert found.low is not None
        assert found.high is not None
        assert found.sure is not None
        assert found.low < truth < found.high <= found.sure * 10**0.05
    else:
        assert (found.low, found.high) == (None, None) or state == "undecided"
        assert found.sure == (pytest.approx(1e11) if state == "ahead" else None)


def test_a_crossing_of_single_seeds_has_no_interval() -> None:
    found = crossing(*planted("crosses", seeds=1))
    assert (found.state, found.low, found.high, found.gap) == ("unknown", None, None, None)
    assert found.flops is not None


def test_what_is_better_the_higher_it_is() -> None:
    rise, level = np.array([0.1, 0.9]), np.array([0.5, 0.5])
    found = crossing(*pair(np.array([1e11, 1e14]), rise, level, MASS))
    assert found.state == "crosses"
    assert found.flops == pytest.approx(10**12.5, rel=0.05)


@pytest.mark.parametrize(("seeds", "spread"), [(3, 0.15), (5, 0.05)])
@pytest.mark.parametrize(
    ("repeats", "least", "most"),
    [(40, 0.85, 1.0), pytest.param(200, 0.90, 0.99, marks=pytest.mark.slow)],
)
def test_the_interval_of_the_crossing_holds_the_truth(
    seeds: int, spread: float, repeats: int, least: float, most: float
) -> None:
    """At 1e12.5 FLOPs the planted laws cross; repeats with noise of seeds and positions."""
    held, truth = 0, 10**12.5
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        a = noisy("a", lambda c: 0.05 * (truth / c) ** 0.4, seeds, spread, 6000, rng)
        b = noisy("b", lambda c: 0.05 * (truth / c) ** 0.1, seeds, spread, 6000, rng)
        found = crossing(*curves([a, b], RATE, replicates=2), replicates=400)
        held += (found.low or 0) <= truth <= (found.high or np.inf)
    assert least <= held / repeats <= most


def test_replicates_beyond_the_range_count() -> None:
    spread = interval(1.0, np.array([0.0] * 10 + [1.0] * 80 + [np.inf] * 10))
    assert (spread.low, spread.high) == (0.0, np.inf)


def test_an_option_that_older_runs_do_not_know_is_told_where_nothing_else_differs() -> None:
    def labels(rate: str) -> set[str]:
        run = run_of(np.array([1e12]), {})
        older = run._replace(options=(("learner.lr", "0.003"),))
        newer = run._replace(options=(("learner.clip", "0.2"), ("learner.lr", rate)))
        return {group.label for group in group_runs([older, newer])}

    assert labels("0.002") == {"self-play, learner.lr 0.003", "self-play, learner.lr 0.002"}
    assert labels("0.003") == {"self-play", "self-play, learner.clip 0.2"}


def test_the_seconds_of_the_search_are_charged_as_those_of_the_expert() -> None:
    run = run_of(np.array([1e10, 1e12]), {RATE: np.array([0.5, 0.1])}, expert_s=4e3)
    run = run._replace(points=run.points._replace(tree_s=np.full(2, 5e3)))
    (free,), (charged,) = (curves([group_of("a", [run])], RATE, rate) for rate in (None, 1e7))
    assert free.flops[0] == pytest.approx(1e10)
    assert charged.flops[0] == pytest.approx(1e11)


def test_a_run_that_stopped_early_is_level_up_to_the_longest() -> None:
    stopped, whole = (
        flat("a", (1e10, 1e12), (1e10, 1e11), rates=(0.2, 0.4)),
        flat("b", (1e10, 1e13)),
    )
    runs = [run._replace(points=run.points._replace(stopped=True)) for run in stopped.runs]
    early, cut, _ = curves([stopped._replace(runs=tuple(runs)), stopped, whole], RATE)
    assert cut.flops[-1] == pytest.approx(1e11)
    assert early.flops[-1] == pytest.approx(1e13)
    np.testing.assert_allclose(early.mean, 0.3)


def test_what_draws_move_of_single_seeds_is_left_to_their_spread() -> None:
    """Draws move all seeds by N(0, 2) and each by N(0, 1): N(0, 2) is left beside the spread."""
    rng = np.random.default_rng(0)
    together = rng.normal(0, 2, (20_000, 1))
    runs = [together + rng.normal(0, 1, (20_000, 3)) for _ in range(4)]
    assert shared_moves(runs).std(axis=0) == pytest.approx(np.full(3, 2.0), rel=0.03)
    assert shared_moves(runs[:1]).tolist() == runs[0].tolist()


def test_seeds_that_err_elsewhere_make_the_mean_surer_than_one_of_them() -> None:
    """Three seeds of one rate that err nowhere together: no draw of positions moves them all."""
    wrong = np.zeros((3, 600), np.bool_)
    for seed in range(3):
        wrong[seed, 60 * seed : 60 * (seed + 1)] = True
    (apart,), (alike,), (plain,) = (
        curves([group_of("a", answered(rows))], RATE, replicates=4000) for rows in
        (wrong, wrong[[0, 0, 0]], None)
    )  # fmt: skip
    assert apart.low is not None
    assert apart.high is not None
    assert alike.low is not None
    assert alike.high is not None
    share = wilson(60, 600)
    assert (alike.low[0], alike.high[0]) == pytest.approx(share[1:], abs=4e-3)
    assert apart.high[0] - apart.low[0] < 0.1 * (alike.high[0] - alike.low[0])
    assert plain.redrawn is None


def answered(wrong: np.ndarray | None) -> list[Run]:
    """Runs that made these mistakes [S, M] at both of two measurements; 10% without answers."""
    flops, runs = np.array([1e10, 1e12]), []
    rows = np.zeros((3, 1), np.bool_) if wrong is None else wrong
    for seed, row in enumerate(rows):
        share = wilson(60, 600) if wrong is None else wilson(float(row.sum()), len(row))
        columns = {name: np.full(2, value) for name, value in share.scalars(RATE).items()}
        run = run_of(flops, columns, seed)
        if wrong is not None:
            told = Answers("0" * 16, {"search": row}, {"search": 1 - row.astype(np.float32)})
            redraws = redraws_of({0: told, 1: told}, 2)
            run = run._replace(points=run.points._replace(redraws=redraws))
        runs.append(run)
    return runs


@pytest.mark.parametrize(
    ("repeats", "within"), [(40, 0.5), pytest.param(300, 0.15, marks=pytest.mark.slow)]
)
def test_the_standard_error_of_a_lead_is_how_far_it_is_off(repeats: int, within: float) -> None:
    """Of regimes that err on the same positions the paired lead is surer, and as sure as told."""
    off, told, unpaired = [], [], []
    flops = np.array([1e11, 1e12])
    for repeat in range(repeats):
        positions = draw_positions(1000, np.random.default_rng(repeat))
        for answered in (True, False):
            one, other = (
                group_of(name, [
                    planted_run(positions, regime, flops, np.full(2, rate), seed, answered=answered)
                    for seed in range(4)
                ])
                for name, rate in (("a", 0.15), ("b", 0.20))
                for regime in [positions.regime()]
            )  # fmt: skip
            found = crossing(*curves([one, other], NET, replicates=2), replicates=50)
            assert found.error is not None
            assert found.paired == answered
            if answered:
                off.append(found.lead - 0.05)
                told.append(found.error)
            else:
                unpaired.append(found.error)
    assert np.sqrt(np.mean(np.square(told))) == pytest.approx(np.std(off), rel=within)
    assert np.mean(told) < 0.85 * np.mean(unpaired)


def test_both_moved_by_the_same_draw_of_positions_leave_the_lead_where_it_is() -> None:
    """a errs wherever b does, and on 30 positions more: the draws move the lead by those alone."""
    wrong = np.zeros((2, 600), np.bool_)
    wrong[:, :150] = True
    more = wrong.copy()
    more[:, 150:180] = True
    a, b = (group_of(name, answered(rows)) for name, rows in (("a", more), ("b", wrong)))
    found = crossing(*curves([a, b], RATE))
    assert found.error == pytest.approx(np.sqrt(0.05 * 0.95 / 600), rel=0.1)
    assert found.lead == pytest.approx(-0.05)
    assert found.state == "behind"
