"""What is compared where nobody says what, and what is said where nothing can be compared."""

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
from test_compare_curves import group_of, run_of

from selfplay.compare.analysis.curves import crossing, curves
from selfplay.compare.analysis.sentence import write_sentence
from selfplay.compare.comparison import View, compare, make_views, write_answer
from selfplay.compare.groups import group_runs
from selfplay.compare.metrics import choose_loss, choose_metric
from selfplay.compare.publish import Request, publish
from selfplay.compare.records import read_runs
from selfplay.compare.report.canvas import STYLE, log_y, new_axes
from selfplay.compare.report.console import print_comparison
from selfplay.compare.report.draw_strength import draw_groups, draw_regimes

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


def test_a_score_has_no_power_law() -> None:
    scores = [["strength/vs_solver"]]
    assert choose_loss(scores, None, "strength/vs_solver") == ""
    own = [["strength/own_mistake_rate", "strength/own_policy_cross_entropy"]]
    assert choose_loss(own, None, "strength/own_mistake_rate") == own[0][1]
    assert choose_loss([[RATE]], None, RATE) == RATE
    with pytest.raises(ValueError, match=r"vs_solver is better the higher it is; .* leave --loss"):
        choose_loss(scores, "strength/vs_solver", "strength/vs_solver")


@pytest.mark.parametrize("baseline", ["solver", "random", "minimax_at_4"])
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
    print_comparison(done)
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


def test_apart_with_the_expert_charged_says_so() -> None:
    """Free they share their compute; what the expert cost is more than all of it."""
    flops = np.array([1e12, 1e13])
    own, taught = (group_of(name, [run_of(flops, {RATE: np.ones(2) / 2})]) for name in "ab")
    points = taught.runs[0].points._replace(expert_s=np.array([1e6, 1e6]))
    taught = taught._replace(
        kind="imitation", games=10, runs=(taught.runs[0]._replace(points=points),)
    )
    for rate, words in ((None, ""), (1e9, "no compute in common once the expert's seconds are")):
        pair = curves([own, taught], RATE, rate)
        sentence = write_sentence(*pair, crossing(*pair))
        assert words in sentence
        assert ("no compute in common" in sentence) == bool(words)
    assert "the expert's seconds charged" in write_answer(curves([own], RATE, 1e9))


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
