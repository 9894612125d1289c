"""The sentence in all its cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import expert_data, power, write_run
from test_compare_curves import flat, group_of, run_of

from selfplay.compare.analysis.curves import Crossing, Curve, curves
from selfplay.compare.analysis.sentence import choose_pair, spell_flops, write_sentence
from selfplay.compare.comparison import compare, write_answer
from selfplay.stats import Interval

RATE = "strength/mistake_rate"

FOUND = Crossing(
    a="a", b="b", metric=RATE, charged=False, state="crosses", flops=3.14e14, low=2.2e14,
    high=4.4e14, sure=4.5e14, first=1e12, last=1e15, gap=Interval(0.02, 0.01, 0.03), lead=0.02,
)  # fmt: skip


def pair() -> tuple[Curve, Curve]:
    own, taught = (flat(name, (1e12, 1e15)) for name in "ab")
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


def test_one_regime_alone() -> None:
    flops = np.array([1e12, 1e15])
    runs = [run_of(flops, {RATE: np.array([0.5, rate])}, i) for i, rate in enumerate((0.02, 0.03))]
    sentence = write_answer(curves([group_of("a", runs)], RATE))
    assert sentence.startswith("self-play comes to mistake rate = 0.025 (95%: ")
    assert sentence.endswith("at 1.0e15 FLOPs; there is no other regime to compare it with")


def test_one_seed_is_said_and_nothing_invented(tmp_path: Path) -> None:
    write_run(tmp_path / "a", power(1e9, 0.3), finished=False)
    taught = {"regime": {"data": "d", "games": 10}, "data": expert_data(10)}
    write_run(tmp_path / "b", power(1e9, 0.1), kind="imitation", **taught)  # type: ignore[arg-type]
    found = compare([tmp_path])
    free = found.views[0].free
    assert free.sentence.endswith("there is no interval, which needs two seeds of each")
    assert all(curve.low is None for curve in free.curves)
    assert f"{tmp_path / 'a'} is not finished" in found.notes
    assert "self-play: one seed, so its interval is missing" in found.notes
