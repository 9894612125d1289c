"""Imitation first, self-play after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_runs import Truth, assert_goes_on, assert_ledger, judged, train_tiny

from selfplay.training.metrics_file import read_metrics


def short(data: Path) -> dict[str, Any]:
    of_data = {"data": str(data), "positions": 512}
    return {"kind": "imitation_then_selfplay", "share": 0.5, **of_data}


def test_the_mixture_goes_beyond_its_imitation(
    perfect_games: Path, truth: Truth, tmp_path: Path
) -> None:
    few = {"data": str(perfect_games), "games": 100, "positions": 2048}
    both = train_tiny(
        tmp_path / "both",
        regime={"kind": "imitation_then_selfplay", "share": 0.4, **few},
        learner={"reuse": 3},
        budget={"positions": 60_000},
    )
    phases = [line["phase"] for line in read_metrics(both.folder)]
    first = phases.index("selfplay")
    assert phases[1:first] == ["learn"] * 12  # of 2,048 positions: 40% of the budget
    alone = train_tiny(
        tmp_path / "alone",
        regime={"kind": "imitation", **few},
        budget={"positions": 60_000},
    )
    found = judged(both.folder, truth)
    assert found.mistakes < 0.12
    assert found.mistakes < 0.6 * judged(alone.folder, truth).mistakes


def test_its_ledger_is_what_was_run(
    perfect_games: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_ledger(monkeypatch, tmp_path / "run", short(perfect_games), plays=True, asks=True)


def test_stopped_and_resumed_it_is_the_same_run(
    perfect_games: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_goes_on(monkeypatch, tmp_path, short(perfect_games))
