"""The experiments that ship: their sweeps can be read, and treat their regimes alike."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from selfplay.regimes.prove import Prove
from selfplay.sweep.plan import Cell, read_plan

FOLDER = Path(__file__).parents[2] / "configs" / "regimes"
PROVING = {"proving", "matchmaker"}
NAMES = sorted({file.stem for file in FOLDER.glob("*.toml")} - PROVING)


def cells_of(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Cell, ...]:
    """The cells of a sweep, read in a folder that has but the games of WTHOR, which do not ship."""
    monkeypatch.chdir(folder)
    (folder / "runs" / "data" / "wthor").mkdir(parents=True)
    return read_plan(FOLDER / f"{name}.toml").cells


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_up_is_over_before_anything_is_measured(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten steps at most; a hundred were most of what the shortest runs had."""
    cells = cells_of(name, tmp_path, monkeypatch)
    assert len(cells) >= 10
    assert max(cell.config.learner.warmup_steps for cell in cells) <= 10
    # a constant rate: each point of a curve is what a run of that budget would have reached
    assert {cell.config.learner.final_lr for cell in cells} == {1.0}


def test_how_problems_are_served_is_judged_on_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = cells_of("matchmaker", tmp_path, monkeypatch)
    served: dict[bool, list[int]] = {}
    for cell in cells:
        regime = cell.config.regime
        assert isinstance(regime, Prove)
        served.setdefault(regime.matchmaker, []).append(cell.config.seed % regime.folds)
        assert cell.config.strength.problems >= 1626
    assert served == {True: [0, 1, 2, 3, 4], False: [0, 1, 2, 3, 4]}


def test_every_regime_has_as_many_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = cells_of("tuning", tmp_path, monkeypatch)
    trials = Counter((str(cell.config.regime.kind), cell.config.budget.flops) for cell in cells)
    kinds = ("selfplay", "imitation", "policy_gradient")
    assert trials == {(kind, flops): n for kind in kinds for flops, n in ((2e12, 8), (1e13, 3))}


@pytest.mark.parametrize("name", ["exchange", "teachers", "sizes", "search", "othello"])
def test_what_is_compared_is_measured_and_opened_alike(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And every seed of imitation draws its own games."""
    cells = cells_of(name, tmp_path, monkeypatch)
    assert len({repr(cell.config.strength) for cell in cells}) == 1
    for cell in cells:
        regime = cell.config.regime
        assert (cell.config.actor.opening_share, cell.config.actor.opening_plies) == (0.9, 20)
        if regime.kind == "imitation":
            assert getattr(regime, "draw", None) == -1
            assert cell.config.budget.patience > 1
