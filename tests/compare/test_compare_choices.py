"""What is compared where nobody says what, and the sentence in all its cases."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from synthetic_runs import expert_data, power, write_run
from test_compare_curves import flat, group_of, run_of
from verbs.test_ranges import BEYOND, assert_refused

from selfplay.compare.analysis.curves import Crossing, Curve, crossing, curves
from selfplay.compare.analysis.sentence import choose_pair, spell_flops, write_sentence
from selfplay.compare.comparison import View, compare, make_views, write_answer
from selfplay.compare.groups import group_runs
from selfplay.compare.metrics import choose_loss, choose_metric, spell_title
from selfplay.compare.publish import Request, publish
from selfplay.compare.records import read_runs
from selfplay.compare.report.canvas import STYLE, log_y, new_axes
from selfplay.compare.report.draw_strength import draw_groups, draw_regimes
from selfplay.compare.report.tables import print_comparison
from selfplay.stats import Interval

RATE = "strength/mistake_rate"
SHOWN = power(3e9, 0.3)


def measured_as(folder: Path, **of: Callable[[float], float]) -> Path:
    """The run with other metrics: each ``strength/NAME`` as a function of the mistake rate."""
    rows = []
    for text in (folder / "metrics.jsonl").read_text().splitlines():
        line = json.loads(text)
        rate = line.get(RATE)
        line = {name: value for name, value in line.items() if not name.startswith("strength/")}
        if rate is not None:
            line |= {f"strength/{name.replace('_at_', ':')}": f(rate) for name, f in of.items()}
        rows.append(json.dumps(line) + "\n")
    (folder / "metrics.jsonl").write_text("".join(rows))
    return folder


def two_regimes(place: Path, **of: Callable[[float], float]) -> Path:
    """Two seeds of self-play and of imitation, measured as told."""
    for seed in (0, 1):
        measured_as(write_run(place / f"own-{seed}", SHOWN, seed=seed), **of)
        taught = write_run(
            place / f"taught-{seed}", power(3e9, 0.25), kind="imitation", seed=seed,
            regime={"data": "d", "games": 30}, data=expert_data(30),
        )  # fmt: skip
        measured_as(taught, **of)
    return place


def views_of(place: Path, metric: str) -> tuple[View, ...]:
    """The views alone, without the laws."""
    return make_views(group_runs(read_runs([place]).runs), metric, None)


FOUND = Crossing(
    a="a", b="b", metric=RATE, charged=False, state="crosses", flops=3.14e14, low=2.2e14,
    high=4.4e14, sure=4.5e14, first=1e12, last=1e15, gap=Interval(0.02, 0.01, 0.03), lead=0.02,
)  # fmt: skip


@pytest.mark.parametrize(
    ("have", "first"),
    [
        (["strength/vs_random", RATE, "strength/own_mistake_rate"], RATE),
        (["strength/proved", "strength/unproved"], "strength/unproved"),
        (["strength/vs_solver", "strength/own_mistake_rate"], "strength/own_mistake_rate"),
        (["strength/vs_random", "strength/vs_solver"], "strength/vs_solver"),
        (["strength/vs_minimax:2", "strength/vs_minimax:4"], "strength/vs_minimax:4"),
        (["strength/vs_random", "strength/vs_random_low"], "strength/vs_random"),
    ],
)
def test_the_metric_is_the_first_that_the_runs_have(have: list[str], first: str) -> None:
    assert choose_metric([have, have], None) == first
    shared = [*have, RATE], have  # what some lack comes after what all have
    assert choose_metric(shared, None) == first


@pytest.mark.parametrize(
    ("metric", "title"),
    [
        ("mistake_rate", "mistake rate, 64 leaves"),
        ("own_net_mistake_rate", "own mistake rate, net alone"),
        ("optimal_mass", "optimal mass, 64 leaves"),
        ("net_optimal_mass", "optimal mass, net alone"),
        ("validation_mistake_rate", "validation mistake rate, net alone"),
        ("policy_cross_entropy", "policy cross entropy, net alone"),
    ],
)
def test_a_title_says_who_was_judged(metric: str, title: str) -> None:
    assert spell_title(f"strength/{metric}", "64 leaves") == title


def test_a_score_has_no_power_law() -> None:
    scores = [["strength/vs_solver"]]
    assert choose_loss(scores, None, "strength/vs_solver") == ""
    own = [["strength/own_mistake_rate", "strength/own_policy_cross_entropy"]]
    assert choose_loss(own, None, "strength/own_mistake_rate") == own[0][1]
    assert choose_loss([[RATE]], None, RATE) == RATE
    with pytest.raises(ValueError, match=r"vs_solver is better the higher it is; .* leave --loss"):
        choose_loss(scores, "strength/vs_solver", "strength/vs_solver")


@pytest.mark.parametrize("baseline", ["solver", "minimax_at_4"])
def test_runs_that_only_played_baselines_are_compared(baseline: str, tmp_path: Path) -> None:
    place = two_regimes(tmp_path, **{f"vs_{baseline}": lambda rate: 1 - rate})
    spelled = baseline.replace("_at_", ":")
    found = compare([place])
    assert (found.metric, found.loss) == (f"strength/vs_{spelled}", "")
    assert (found.fits, found.frontiers) == ((), ())
    (note,) = (each for each in found.notes if "power laws" in each)
    assert note == (
        f"no power laws: they are of losses, and strength/vs_{spelled} is better the higher it is"
    )
    assert f"points of score against {spelled}" in found.views[0].free.sentence


def test_without_a_loss_no_laws_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = two_regimes(tmp_path, vs_random=lambda rate: 1 - rate)
    done = publish(Request((str(place),), None, None, None, None, None, "selfplay compare"))
    print_comparison(done.comparison)
    assert "Power laws" not in capsys.readouterr().out
    assert "There are no power laws" in done.report.read_text()


def test_own_games_are_compared_by_every_kind_of_search(tmp_path: Path) -> None:
    names = ("own_mistake_rate", "own_net_mistake_rate", "own_value_mistake_rate")
    found = compare([two_regimes(tmp_path, **dict.fromkeys(names, lambda rate: rate))])
    assert found.metric == found.loss == "strength/own_mistake_rate"
    assert [view.title for view in found.views] == [
        "own mistake rate, 64 simulations a move",
        "own mistake rate, net alone",
        "own mistake rate, value one move ahead",
    ]


def test_measured_once_is_said_and_not_that_there_is_no_other(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / f"own-{seed}", SHOWN, seed=seed)
        for games in (30, 300):
            write_run(
                tmp_path / f"taught-{games}-{seed}", SHOWN, kind="imitation", seed=seed,
                regime={"data": "d", "games": games}, data=expert_data(games),
                flops=np.array([3.1e10]),
            )  # fmt: skip
    found = compare([tmp_path])
    assert "no other regime" not in found.views[0].free.sentence
    assert found.views[0].free.sentence.endswith(
        "; imitation of 300 games (solver, temperature 1) (nor 1 more) cannot be compared with "
        "it, since 2 of its 2 runs were measured only once (see strength.per_decade and "
        "strength.every_s)"
    )
    told = [note for note in found.notes if "no curve" in note]
    assert [note.partition(",")[0] for note in told] == ["imitation", "imitation"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "{us} overtakes {them} at 3.1e14 FLOPs (95%: 2.2e14-4.4e14)"),
        (
            {"low": None, "charged": True},
            "{us} overtakes {them} at 3.1e14 FLOPs (95%: below 1.0e12-4.4e14), the seconds "
            "of expert and search charged",
        ),
        (
            {"flops": None, "low": None},
            "{us} is ahead of {them} on the whole range of 1.0e12-1.0e15 FLOPs, and with "
            "probability over 0.975 from 4.5e14 FLOPs on",
        ),
        (
            {"state": "ahead"},
            "{us} is better than {them} at every compute measured, 1.0e12-1.0e15 FLOPs; at the "
            "largest by 2.0 points of mistake rate (95%: 1.0 to 3.0)",
        ),
        (
            {"state": "behind", "gap": Interval(-0.02, -0.04, -0.01)},
            "{us} does not overtake {them} within 1.0e12-1.0e15 FLOPs: at the largest compute in "
            "common {them} is better by 2.0 points of mistake rate (95%: 1.0 to 4.0)",
        ),
        (
            {"state": "undecided", "gap": Interval(0.01, -0.01, 0.03)},
            "whether {us} overtakes {them} within 1.0e12-1.0e15 FLOPs is not certain: at the "
            "largest compute in common its lead is 1.0 points of mistake rate (95%: -1.0 to 3.0)",
        ),
        (
            {"state": "unknown", "gap": None},
            "{us} overtakes {them} at 3.1e14 FLOPs; there is no interval, which needs two seeds "
            "of each",
        ),
        (
            {"state": "unknown", "gap": None, "flops": None, "lead": -0.02},
            "{them} is ahead of {us} at 1.0e15 FLOPs; there is no interval, which needs two seeds "
            "of each",
        ),
        (
            {"state": "apart"},
            "{us} and {them} have no compute in common, so that nothing can be compared",
        ),
    ],
)
def test_every_case_has_its_sentence(changes: dict[str, object], sentence: str) -> None:
    own, taught = (flat(name, (1e12, 1e15)) for name in "ab")
    taught = taught._replace(kind="imitation", games=10_000, expert="solver, temperature 0")
    said = write_sentence(*curves([own, taught], RATE), FOUND._replace(**changes))  # type: ignore[arg-type]
    assert said == sentence.format(us="self-play", them="imitation of 10,000 perfect games")


def test_flops_are_written_short() -> None:
    assert [*map(spell_flops, (3.14e14, 9.97e9, 1e15))] == ["3.1e14", "1.0e10", "1.0e15"]


def test_a_pair_has_compute_in_common() -> None:
    """Of own games the better of two that overlap with the rival; the best where none does."""

    def curve(name: str, flops: tuple[float, float], rate: float) -> Curve:
        group = flat(name, flops, rates=(rate,))
        (found,) = curves([group._replace(kind="imitation") if name == "taught" else group], RATE)
        return found

    cheap, good = curve("cheap", (1e9, 1e10), 0.1), curve("good", (1e12, 1e13), 0.2)
    poor, taught = curve("poor", (1e12, 1e13), 0.3), curve("taught", (3e12, 1e14), 0.2)
    for own, expected in (([cheap, good, poor], good), ([cheap], cheap)):
        pair = choose_pair([*own, taught])
        assert pair is not None
        assert [each.label for each in pair] == [expected.label, "taught"]


def test_of_equal_data_the_rival_is_the_better_one_at_equal_compute() -> None:
    """The longer arm ends lower and the other is ahead wherever both were measured."""

    def curve(name: str, end: float, exponent: float, kind: str = "imitation") -> Curve:
        flops = np.array([1e11, end])
        rates = 0.5 * (1e11 / flops) ** exponent
        group = group_of(name, [run_of(flops, {RATE: rates}, i) for i in range(2)])
        (found,) = curves(
            [group._replace(kind=kind, games=None if kind == "selfplay" else 2000)], RATE
        )
        return found

    own = curve("own", 1e14, 0.2, "selfplay")
    longer, better = curve("longer", 1e14, 0.15), curve("better", 1e12, 0.3)
    assert longer.mean[-1] < better.mean[-1]
    pair = choose_pair([own, longer, better])
    assert pair is not None
    assert [each.label for each in pair] == ["own", "better"]


def test_one_regime_alone() -> None:
    flops = np.array([1e12, 1e15])
    runs = [run_of(flops, {RATE: np.array([0.5, rate])}, i) for i, rate in enumerate((0.02, 0.03))]
    sentence = write_answer(curves([group_of("a", runs)], RATE))
    assert sentence.startswith("self-play comes to mistake rate = 0.025 (95%: ")
    assert sentence.endswith("at 1.0e15 FLOPs; there is no other regime to compare it with")


def test_one_seed_is_said_and_nothing_invented(tmp_path: Path) -> None:
    write_run(tmp_path / "a", power(1e9, 0.3), finished=False)
    write_run(
        tmp_path / "b", power(1e9, 0.1), kind="imitation",
        regime={"data": "d", "games": 10}, data=expert_data(10),
    )  # fmt: skip
    found = compare([tmp_path])
    free = found.views[0].free
    assert free.sentence.endswith("there is no interval, which needs two seeds of each")
    assert all(curve.low is None for curve in free.curves)
    assert f"{tmp_path / 'a'} is not finished" in found.notes
    assert "self-play: one seed, so its interval is missing" in found.notes


def test_apart_with_the_expert_charged_says_so() -> None:
    """Free they share their compute; what the expert cost is more than all of it."""
    flops, columns = np.array([1e12, 1e13]), {RATE: np.ones(2) / 2}
    own = group_of("a", [run_of(flops, columns)])
    taught = group_of("b", [run_of(flops, columns, expert_s=1e6)])
    taught = taught._replace(kind="imitation", games=10)
    for rate, words in (
        (None, ""),
        (1e9, "no compute in common once the seconds of expert and search are"),
    ):
        pair = curves([own, taught], RATE, rate)
        sentence = write_sentence(*pair, crossing(*pair))
        assert words in sentence
        assert ("no compute in common" in sentence) == bool(words)
    assert "the seconds of expert and search charged" in write_answer(curves([own], RATE, 1e9))


def test_an_axis_holds_zero() -> None:
    axes = new_axes(Figure(), 50, 36, 10, 10)
    log_y(axes, 0.01, 0.5, percent=True, zero=True)
    drawn = [float(axes.transData.transform((1, y))[1]) for y in (0.0, 0.01, 0.1, 0.5)]
    assert drawn == sorted(drawn)
    assert drawn[0] == pytest.approx(float(axes.transAxes.transform((0, 0))[1]))
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == "0%"
    assert "1%" in labels
    assert len(labels) == len(set(labels))


def test_zero_is_drawn_where_a_regime_comes_to_it(tmp_path: Path) -> None:
    of = {"own_mistake_rate": lambda rate: 0.0 if rate < 0.3 else rate}
    (view, *_) = views_of(two_regimes(tmp_path, **of), "strength/own_mistake_rate")
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # it wants literal keys
        drawn = draw_regimes(view, view.free, "strength")
    assert drawn is not None
    assert re.search(r">\s*0%\s*<", drawn.svg)


def test_only_the_two_of_the_sentence_have_bands(tmp_path: Path) -> None:
    two_regimes(tmp_path, mistake_rate=lambda rate: rate)
    for seed in (0, 1):
        for kind in ("policy_gradient", "dagger", "imitation_then_selfplay"):
            write_run(tmp_path / f"{kind}-{seed}", power(3e9, 0.2), kind=kind, seed=seed)
    (view, *_) = views_of(tmp_path, RATE)
    drawn = draw_regimes(view, view.free, "strength")
    assert drawn is not None
    assert drawn.svg.count("FillBetweenPolyCollection") == 2
    assert "of the two that the sentence names" in drawn.caption
    assert len(view.free.curves) == 5
    assert draw_groups(view) is None  # one group a regime: all are shown


@pytest.mark.parametrize("option", ["--pool", "--pool-simulations"])
@pytest.mark.parametrize("value", BEYOND)
def test_numbers_have_an_end(option: str, value: str, tmp_path: Path) -> None:
    assert_refused(tmp_path, f"compare run {option}", value)
