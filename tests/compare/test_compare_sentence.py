"""The sentence in all its cases, and a whole comparison of planted runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import CROSSING, expert_data, power, write_run, write_sweep
from test_compare_curves import group_of, planted, run_of

from selfplay.compare.analysis.crossing import Crossing, crossing
from selfplay.compare.analysis.curves import Curve, curves
from selfplay.compare.analysis.sentence import choose_pair, spell_flops, write_sentence
from selfplay.compare.comparison import Comparison, compare
from selfplay.stats import Interval

RATE = "strength/mistake_rate"

FOUND = Crossing(
    a="a", b="b", metric=RATE, charged=False, state="crosses", flops=3.14e14, low=2.2e14,
    high=4.4e14, sure=4.5e14, first=1e12, last=1e15, gap=Interval(0.02, 0.01, 0.03), lead=0.02,
)  # fmt: skip


def pair() -> tuple[Curve, Curve]:
    flops = np.array([1e12, 1e15])
    own, taught = (group_of(name, [run_of(flops, {RATE: np.ones(2) / 2})]) for name in "ab")
    taught = taught._replace(kind="imitation", games=10_000, expert="solver, temperature 0")
    a, b = curves([own, taught], RATE)
    return a, b


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {},
            "self-play overtakes imitation of 10,000 perfect games at 3.1e14 FLOPs "
            "(95%: 2.2e14-4.4e14)",
        ),
        (
            {"low": None, "charged": True},
            "self-play overtakes imitation of 10,000 perfect games at 3.1e14 FLOPs "
            "(95%: below 1.0e12-4.4e14), the expert's seconds charged",
        ),
        (
            {"flops": None, "low": None},
            "self-play is ahead of imitation of 10,000 perfect games on the whole range of "
            "1.0e12-1.0e15 FLOPs, and with probability over 0.975 from 4.5e14 FLOPs on",
        ),
        (
            {"state": "ahead"},
            "self-play is better than imitation of 10,000 perfect games at every compute "
            "measured, 1.0e12-1.0e15 FLOPs; at the largest by 2.0 points of mistake rate "
            "(95%: 1.0 to 3.0)",
        ),
        (
            {"state": "behind", "gap": Interval(-0.02, -0.04, -0.01)},
            "self-play does not overtake imitation of 10,000 perfect games within "
            "1.0e12-1.0e15 FLOPs: at the largest compute in common imitation of 10,000 perfect "
            "games is better by 2.0 points of mistake rate (95%: 1.0 to 4.0)",
        ),
        (
            {"state": "undecided", "gap": Interval(0.01, -0.01, 0.03)},
            "whether self-play overtakes imitation of 10,000 perfect games within "
            "1.0e12-1.0e15 FLOPs is not certain: at the largest compute in common its lead is "
            "1.0 points of mistake rate (95%: -1.0 to 3.0)",
        ),
        (
            {"state": "unknown", "gap": None},
            "self-play overtakes imitation of 10,000 perfect games at 3.1e14 FLOPs; there is no "
            "interval, which needs two seeds of each",
        ),
        (
            {"state": "unknown", "gap": None, "flops": None, "lead": -0.02},
            "imitation of 10,000 perfect games is ahead of self-play at 1.0e15 FLOPs; there is "
            "no interval, which needs two seeds of each",
        ),
        (
            {"state": "apart"},
            "self-play and imitation of 10,000 perfect games have no compute in common, so that "
            "nothing can be compared",
        ),
    ],
)
def test_every_case_has_its_sentence(changes: dict[str, object], sentence: str) -> None:
    assert write_sentence(*pair(), FOUND._replace(**changes)) == sentence  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("flops", "text"), [(3.14e14, "3.1e14"), (9.97e9, "1.0e10"), (1e15, "1.0e15")]
)
def test_flops_are_written_short(flops: float, text: str) -> None:
    assert spell_flops(flops) == text


@pytest.mark.parametrize("state", ["crosses", "ahead", "behind", "undecided"])
def test_what_is_found_can_be_said(state: str) -> None:
    a, b = planted(state)
    assert "%" in write_sentence(a, b, crossing(a, b))


def test_a_pair_has_compute_in_common() -> None:
    """Of own games the better of two that overlap with the rival; the best where none does."""

    def curve(name: str, flops: tuple[float, float], rate: float) -> Curve:
        points = np.array(flops)
        group = group_of(name, [run_of(points, {RATE: np.full(2, rate)})])
        if name == "taught":
            group = group._replace(kind="imitation")
        (found,) = curves([group], RATE)
        return found

    cheap, good = curve("cheap", (1e9, 1e10), 0.1), curve("good", (1e12, 1e13), 0.2)
    poor, taught = curve("poor", (1e12, 1e13), 0.3), curve("taught", (3e12, 1e14), 0.2)
    for own, expected in (([cheap, good, poor], good), ([cheap], cheap)):
        pair = choose_pair([*own, taught])
        assert pair is not None
        assert [each.label for each in pair] == [expected.label, "taught"]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compare([write_sweep(tmp_path_factory.mktemp("runs") / "sweep")])


def test_a_sweep_is_compared_as_planted(sweep: Comparison) -> None:
    assert sweep.views[0].free.sentence.startswith(
        "self-play overtakes imitation of 10,000 games (solver, temperature 1) at "
    )
    (found,) = (
        each
        for each in sweep.views[0].free.crossings
        if each.a.startswith("self-play") and each.b.startswith("imitation, 10,000")
    )
    assert found.low is not None
    assert found.high is not None
    assert found.low < CROSSING < found.high
    behind = [
        each for each in sweep.views[0].free.crossings if each.a.startswith("policy gradient")
    ]
    assert {each.state for each in behind} == {"behind"}


def test_charging_the_expert_moves_its_curves(sweep: Comparison) -> None:
    assert sweep.flop_rate == pytest.approx(1e10)
    moved = {curve.label: curve for curve in sweep.views[0].charged.curves}
    for curve in sweep.views[0].free.curves:
        start = 1e10 * (1 + (curve.group.games or 0) / 100 if curve.group.expert else 1)
        assert start <= moved[curve.label].flops[0] * 1.0001 < start * 10**0.06
    assert "the expert's seconds charged" in sweep.views[0].charged.sentence


def test_the_exponent_of_data_is_found(sweep: Comparison) -> None:
    (fit,) = (fit for fit in sweep.fits if fit.of == "D" and fit.form == "floor")
    spread = fit.parameter("exponent").interval
    assert spread is not None
    assert spread.low <= 0.3 <= spread.high
    assert sweep.matrix is not None
    assert (np.diff(sweep.matrix.value, axis=0) < 0).all()  # planted: better data teach more
    assert len(sweep.elasticities) == 7


def test_one_regime_alone(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path / f"{seed}", power(1e9, 0.3), seed=seed)
    found = compare([tmp_path])
    assert found.views[0].free.sentence.startswith("self-play comes to mistake rate = 0.0")
    assert found.views[0].free.sentence.endswith(
        "FLOPs; there is no other regime to compare it with"
    )
    assert found.views[0].charged.curves == ()
    assert found.matrix is None


def test_one_seed_is_said_and_nothing_invented(tmp_path: Path) -> None:
    write_run(tmp_path / "a", power(1e9, 0.3), finished=False)
    write_run(
        tmp_path / "b",
        power(1e9, 0.1),
        kind="imitation",
        regime={"data": "d", "games": 10},
        data=expert_data(10),
    )
    found = compare([tmp_path])
    assert found.views[0].free.sentence.endswith(
        "there is no interval, which needs two seeds of each"
    )
    assert all(curve.low is None for curve in found.views[0].free.curves)
    assert f"{tmp_path / 'a'} is not finished" in found.notes
    assert "self-play: one seed, so its interval is missing" in found.notes


def test_an_unknown_metric_names_those_there_are(tmp_path: Path) -> None:
    write_run(tmp_path / "a", power(1e9, 0.3))
    with pytest.raises(ValueError, match="no run has 'strength/elo'; there are: strength/mistake"):
        compare([tmp_path], metric="strength/elo")
    with pytest.raises(ValueError, match="power laws are of losses"):
        compare([tmp_path], loss="strength/optimal_mass")
