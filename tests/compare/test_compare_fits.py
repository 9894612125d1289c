"""Power laws: planted exponents found again, and held by their intervals as often as they say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from synthetic_study import NET, draw_positions, planted_run
from test_compare_curves import group_of, run_of

from selfplay.compare.analysis.best import best_of
from selfplay.compare.analysis.fits import (
    LawPoint,
    best_cell,
    data_and_size_fits,
    elasticities,
    fit_law,
    fit_laws,
    seed_shifts,
)
from selfplay.compare.analysis.frontier import frontiers
from selfplay.compare.analysis.laws import (
    Form,
    best_fit,
    huber,
    predict,
    refits,
    reported,
    starts,
)
from selfplay.compare.analysis.matrix import make_matrix
from selfplay.compare.groups import Group
from selfplay.compare.records import F64
from selfplay.stats import wilson

X = 10 ** np.arange(2, 4.6, 0.5)
LOSS = "strength/policy_cross_entropy"
RATE = "strength/mistake_rate"

# theta as laws.py has it, and what it means in plain numbers
PLANTED: dict[Form, tuple[list[float], Callable[[F64], F64]]] = {
    "power": ([0.3, np.log(0.4)], lambda x: np.exp(0.3) * x[:, 0] ** -0.4),
    "floor": (
        [-1.0, np.log(0.5), -2.0],
        lambda x: np.exp(-2.0) + np.exp(-1.0) * x[:, 0] ** -0.5,
    ),
    "nested": (
        [-1.0, np.log(0.3), -0.5, np.log(0.6)],
        lambda x: (np.exp(-1.0 / 0.6) * x[:, 0] ** -0.5 + np.exp(-0.5 / 0.6) / x[:, 1]) ** 0.6,
    ),
    "additive": (
        [-1.5, np.log(0.3), -1.0, np.log(0.5), -2.0],
        lambda x: np.exp(-2.0) + np.exp(-1.5) * x[:, 0] ** -0.3 + np.exp(-1.0) * x[:, 1] ** -0.5,
    ),
}


def grid(form: Form) -> F64:
    """ln x of three runs each on a line or a square of places, around 0."""
    line = np.log(10) * np.arange(-1, 1.1, 0.5)
    axes = [line] * (2 if form in ("nested", "additive") else 1)
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes)], axis=1).repeat(3, axis=0)


def test_huber_is_a_parabola_then_straight_and_scales_are_in_units_of_x() -> None:
    assert huber(np.array([0.5, -1.0, 3.0]), 1.0).tolist() == [0.125, 0.5, 2.5]
    theta = np.array([0.5 * (np.log(20) - 3), np.log(0.5)])  # L = (20 / x) ** 0.5 around ln x = 3
    assert reported("power", theta, np.array([3.0])) == pytest.approx([20, 0.5])


@pytest.mark.parametrize("form", PLANTED)
def test_laws_and_their_slopes(form: Form) -> None:
    theta, law = PLANTED[form]
    u = grid(form)
    value, slope = predict(form, np.array([theta]), u)
    np.testing.assert_allclose(value[0], np.log(law(np.exp(u))))
    for i in range(0, len(u), 7):
        numeric = approx_fprime(
            np.array(theta), lambda t, i=i: predict(form, t[None], u)[0][0, i], 1e-7
        )
        np.testing.assert_allclose(slope[0, i], numeric, atol=1e-5)


@pytest.mark.parametrize("form", PLANTED)
def test_fits_and_refits_reach_the_least_sum_of_huber_losses(form: Form) -> None:
    """Refits side by side end where scipy ends, and no lower point is near."""
    _, law = PLANTED[form]
    u, rng = grid(form), np.random.default_rng(0)
    log_loss = np.log(law(np.exp(u))) + 0.1 * rng.standard_t(3, (12, len(u)))
    alone = np.stack([best_fit(form, u, row, 0.13) for row in log_loss])
    together = refits(form, u, log_loss, 0.13, starts(form, log_loss[0]))

    def cost(theta: F64, row: F64) -> float:
        return float(huber(predict(form, theta[None], u)[0][0] - row, 0.13).sum())

    for one, other, row in zip(alone, together, log_loss, strict=True):
        assert cost(other, row) <= cost(one, row) + 1e-6
        lower = minimize(cost, other, (row,), method="Nelder-Mead", options={"maxiter": 300})
        assert lower.fun >= cost(other, row) - 1e-3


def cells_of(
    law: Callable[[float], float], seeds: int, spread: float, n: int, rng: np.random.Generator
) -> list[LawPoint]:
    """Runs on X: seeds spread by exp(N(0, spread)), all measured on the same n positions."""
    cells = []
    for x in map(float, X):
        share = wilson(float(rng.binomial(n, law(x))), n) if n else None
        loss = (share.value if share else law(x)) * np.exp(spread * rng.standard_normal(seeds))
        reach = (0.0, 0.0)
        if share:
            reach = float(np.log(share.value / share.low)), float(np.log(share.high / share.value))
        cells.append(LawPoint((x,), loss, *reach))
    return cells


LAW_OF: dict[Form, tuple[Callable[[float], float], dict[str, float]]] = {
    "power": (lambda x: (10 / x) ** 0.35, {"scale": 10, "exponent": 0.35}),
    "floor": (
        lambda x: 0.03 + (10 / x) ** 0.6,
        {"scale": 10, "exponent": 0.6, "floor": 0.03},
    ),
}


@pytest.mark.parametrize("form", LAW_OF)
@pytest.mark.parametrize("n", [0, 1000])
@pytest.mark.parametrize(
    ("repeats", "least", "most"),
    [(12, 0.74, 1.0), pytest.param(200, 0.90, 0.99, marks=pytest.mark.slow)],
)
def test_the_interval_of_the_exponent_holds_the_truth(
    form: Form, n: int, repeats: int, least: float, most: float
) -> None:
    """95 of 100 times, of three seeds at six amounts of data."""
    law, truth = LAW_OF[form]
    held = dict.fromkeys(truth, 0)
    for repeat in range(repeats):
        cells = cells_of(law, 3, 0.1, n, np.random.default_rng(repeat))
        fit = fit_law(form, "planted", "D", cells, seed_shifts(cells, 200))
        for name, value in truth.items():
            spread = fit.parameters[name]
            held[name] += spread.low <= value <= spread.high
    assert all(least <= count / repeats <= most for count in held.values()), held


@pytest.mark.parametrize("form", LAW_OF)
def test_without_noise_the_law_is_found_exactly_and_foretells(form: Form) -> None:
    law, truth = LAW_OF[form]
    cells = [LawPoint((x,), np.full(2, law(x)), 0.0, 0.0) for x in X.tolist()]
    first, second = fit_laws("planted", "D", cells)
    assert first.form == form  # the form that foretells comes first
    values = {name: each.value for name, each in first.parameters.items()}
    assert values == pytest.approx(truth, rel=1e-4)
    np.testing.assert_allclose(first.predict(X), [law(x) for x in X.tolist()], rtol=1e-6)
    assert first.held_out is not None
    assert second.held_out is not None
    assert first.held_out <= second.held_out


def test_the_largest_half_decade_is_foretold_and_one_seed_gives_no_interval() -> None:
    """A power law that ends ten times higher at the last place is off by ln 10 there."""
    cells = [LawPoint((float(x),), np.array([x**-0.5]), 0.0, 0.0) for x in X]
    cells[-1] = LawPoint(cells[-1].x, 10 * cells[-1].loss, 0.0, 0.0)
    assert seed_shifts(cells) is None
    fit = fit_law("power", "planted", "D", cells)
    assert fit.held_out == pytest.approx(np.log(10), rel=1e-4)
    assert all(np.isnan(each[1:]).all() for each in fit.parameters.values())


def arms(
    kind: str, sizes: dict[int, float], games: tuple[int, ...], seeds: int, maker: int | None = None
) -> list[Group]:
    """Groups of all sizes and games: L = 2 N ** -0.3 D ** -0.2 (1e10 / C) ** 0.1, without noise."""
    flops = 10 ** np.arange(10, 13.01, 0.25)
    groups = []
    for (size, width), count in product(sizes.items(), games):
        loss = 2 * size**-0.3 * count**-0.2 * (1e10 / flops) ** 0.1
        options = (("net.width", str(width)), ("regime.games", str(count)))
        run = run_of(flops, {LOSS: loss, RATE: loss})._replace(options=options)
        group = group_of(f"{kind} {size} {count}", [run._replace(seed=i) for i in range(seeds)])
        group = group._replace(kind=kind, parameters=size, games=count, maker_parameters=maker)
        groups.append(group)
    return groups


def test_elasticities_are_the_exponents() -> None:
    found = elasticities(arms("frozen", {1000: 1, 4000: 2}, (100, 1000), 2), LOSS)
    assert {each.of for each in found} == {"N", "D"}
    assert len(found) == 4
    for each in found:
        assert each.value == pytest.approx({"N": -0.3, "D": -0.2}[each.of])
        assert each.interval is not None


def test_laws_of_data_size_and_both() -> None:
    groups = arms("imitation", {1000: 1, 4000: 2, 16000: 3}, (100, 1000, 10_000), 1)
    fits = data_and_size_fits(groups, LOSS)
    exponents = {fit.of: fit.parameters["exponent"].value for fit in fits if fit.form == "power"}
    assert exponents == pytest.approx({"D": 0.2, "N": 0.3}, rel=1e-4)
    (data,) = (fit for fit in fits if fit.of == "D" and fit.form == "power")
    assert data.label == "imitation, 16,000 parameters"
    assert {fit.form for fit in fits if fit.of == "N, D"} == {"nested", "additive"}


def test_budgets_may_differ_in_the_law_of_data_alone() -> None:
    """Few data are learned by heart soon, so that their runs may end early."""
    groups = []
    for group in arms("imitation", {1000: 1, 4000: 2, 16000: 3}, (100, 1000, 10_000), 1):
        budget = ("budget.flops", str(group.games))
        runs = [run._replace(options=(*run.options, budget)) for run in group.runs]
        groups.append(group._replace(runs=tuple(runs)))
    fits = data_and_size_fits(groups, LOSS)
    assert {fit.of for fit in fits} == {"D", "N"}
    (data,) = (fit for fit in fits if fit.of == "D" and fit.form == "power")
    assert data.parameters["exponent"].value == pytest.approx(0.2, rel=1e-4)


@pytest.mark.parametrize(
    ("repeats", "within"), [(10, 0.06), pytest.param(40, 0.03, marks=pytest.mark.slow)]
)
def test_the_frontier_is_judged_by_other_seeds_than_it_is_chosen_by(
    repeats: int, within: float
) -> None:
    """Two arms of pure noise: the least of both would be below 1, the choice of others is not."""
    rng = np.random.default_rng(0)
    flops = 10 ** np.arange(10, 10.71, 0.05)  # too short for a law to be fitted
    least, judged = [], []
    for _ in range(repeats):
        groups = []
        for size in (1000, 4000):
            noise = np.exp(0.2 * rng.standard_normal((2, len(flops))))
            runs = [
                run_of(flops, {LOSS: row}, i)._replace(options=(("net.width", str(size)),))
                for i, row in enumerate(noise)
            ]
            groups.append(group_of(f"{size}", runs)._replace(parameters=size))
        (found,), _ = frontiers(groups, LOSS, replicates=8)
        assert found.arms == 2
        judged.append(np.log(found.loss).mean())
        logs = [np.mean([np.log(r.points.of(LOSS)) for r in g.runs], axis=0) for g in groups]
        least.append(np.min(logs, axis=0).mean())
    assert abs(np.mean(judged)) < within
    assert np.mean(least) < -0.05


def test_the_frontier_takes_the_better_size_and_its_law() -> None:
    small, large = arms("selfplay", {1000: 1, 4000: 2}, (100,), 2)
    (found,), fits = frontiers([small, large], LOSS)
    assert (found.parameters == 4000).all()
    truth = 2 * 4000**-0.3 * 100**-0.2 * (1e10 / found.flops) ** 0.1
    np.testing.assert_allclose(found.loss, truth, rtol=1e-3)  # straight between measurements
    (power,) = (fit for fit in fits if fit.form == "power")
    assert power.parameters["exponent"].value == pytest.approx(0.1, rel=1e-3)
    assert power.of == "C"


def test_a_size_cannot_be_chosen_with_one_seed() -> None:
    assert frontiers(arms("selfplay", {1000: 1, 4000: 2}, (100,), 1), LOSS) == ((), ())


def test_the_matrix_holds_the_last_values() -> None:
    groups = [
        *arms("frozen", {1000: 1, 4000: 2}, (100,), 2, maker=1000),
        *arms("frozen", {4000: 2}, (100,), 1, maker=4000),
    ]
    matrix = make_matrix(groups, RATE)
    assert matrix is not None
    assert (matrix.makers, matrix.learners) == ((1000, 4000), (1000, 4000))
    last = 2 * 100**-0.2 * (1e10 / 1e13) ** 0.1
    expected = [[last * 1000**-0.3, last * 4000**-0.3], [np.nan, last * 4000**-0.3]]
    np.testing.assert_allclose(matrix.value, expected)
    assert matrix.seeds.tolist() == [[2, 2], [0, 1]]
    assert np.isnan(matrix.low[1]).all()
    assert (matrix.low[0] <= matrix.value[0] + 1e-12).all()
    assert make_matrix(arms("imitation", {1000: 1}, (100,), 2), RATE) is None


def constant(rate: float, rng: np.random.Generator, **judged: bool) -> Group:
    """3 runs that make no progress, measured 15 times on 400 positions."""
    positions = draw_positions(400, rng)
    flops, regime = 10 ** np.linspace(10, 13, 15), positions.regime()
    runs = [planted_run(positions, regime, flops, np.full(15, rate), i, **judged) for i in range(3)]
    return group_of("a", runs)


@pytest.mark.parametrize(
    ("chosen", "judged"),
    [("validation", {}), ("halves", {"validated": False})],
)
def test_the_best_checkpoint_is_judged_on_other_positions(
    chosen: str, judged: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 15 equal checkpoints the least on the same positions is far below what they are."""
    monkeypatch.setattr("synthetic_study.SHARES", (0.1, 0.1, 0.1))  # so that checkpoints differ
    values, least = [], []
    for repeat in range(25):
        group = constant(0.2, np.random.default_rng(repeat), **judged)
        found = best_of(group, NET)
        assert found is not None
        assert set(found.chosen) == {chosen}
        values.append(found.value.mean())
        least.append(np.mean([run.points.of(NET).min() for run in group.runs]))
        cell = best_cell(group, (1.0,), NET)
        assert cell is not None
        assert cell.loss.tolist() == found.value.tolist()
    assert np.mean(values) == pytest.approx(0.2, abs=0.008)
    assert np.mean(least) < 0.18


def test_without_validation_and_answers_it_is_said_to_be_judged_by_what_chose_it() -> None:
    group = constant(0.2, np.random.default_rng(0), validated=False, answered=False)
    found = best_of(group, NET)
    assert found is not None
    assert set(found.chosen) == {"itself"}
    assert found.value.tolist() == [run.points.of(NET).min() for run in group.runs]


def test_the_best_that_came_last_is_told() -> None:
    falling = run_of(np.array([1e10, 1e11, 1e12]), {RATE: np.array([0.3, 0.2, 0.1])})
    rising = run_of(np.array([1e10, 1e11, 1e12]), {RATE: np.array([0.3, 0.1, 0.2])})
    stopped = falling._replace(points=falling.points._replace(stopped=True))
    found = best_of(group_of("a", [falling, rising, stopped]), RATE)
    assert found is not None
    assert found.late.tolist() == [True, False, False]


def test_the_frontier_holds_the_best_up_to_each_compute() -> None:
    """A loss that turns up after 1e12 FLOPs: more compute does not make the best any worse."""
    flops = 10 ** np.arange(10, 14.01, 0.25)
    loss = np.where(flops <= 1e12, (1e10 / flops) ** 0.2, 0.4 * (flops / 1e12) ** 0.3)
    runs = [run_of(flops, {LOSS: loss}, i) for i in range(2)]
    (found,), _ = frontiers([group_of("a", runs)], LOSS)
    at = found.flops <= 1.01e12
    np.testing.assert_allclose(found.loss[at], (1e10 / found.flops[at]) ** 0.2, rtol=2e-3)
    np.testing.assert_allclose(found.loss[~at], 0.01**0.2, rtol=1e-6)


def test_an_arm_that_ended_stays_what_was_best() -> None:
    """Of a small net that is better and ends at 1e11 FLOPs, and a large one that goes on."""
    groups = []
    for size, end, level in ((1000, 11.01, 0.3), (4000, 12.01, 0.5)):
        flops = 10 ** np.arange(10, end, 0.25)
        run = run_of(flops, {LOSS: np.full(len(flops), level)})
        run = run._replace(options=(("net.width", str(size)),))
        runs = [run, run._replace(seed=1)]
        groups.append(group_of(f"{size}", runs)._replace(parameters=size))
    (found,), _ = frontiers(groups, LOSS)
    assert found.flops[-1] == pytest.approx(1e12)
    np.testing.assert_allclose(found.loss, 0.3)
    assert (found.parameters == 1000).all()


def test_draws_of_positions_that_all_share_leave_an_exponent_surer() -> None:
    """All cells err on the same positions, so that another draw moves their losses alike."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 0.1, 1000)
    loss = [np.array([x**-0.3, 1.02 * x**-0.3, 0.98 * x**-0.3]) for x in X.tolist()]
    reach = 0.196  # of a normal error of 0.1
    plain = [LawPoint((float(x),), each, reach, reach) for x, each in zip(X, loss, strict=True)]
    paired = [cell._replace(redrawn=shared) for cell in plain]
    widths = []
    for cells in (plain, paired):
        spread = fit_law("power", "planted", "D", cells, seed_shifts(cells)).parameters["exponent"]
        assert spread.low <= 0.3 <= spread.high
        widths.append(spread.high - spread.low)
    assert widths[1] < widths[0] / 3
