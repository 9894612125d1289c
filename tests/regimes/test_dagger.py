"""DAgger learns tic-tac-toe where the net goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_runs import Truth, assert_goes_on, assert_ledger, judged, train_tiny

SHORT = {"kind": "dagger", "games": 32, "labels": 100}


def test_dagger_learns_where_the_net_itself_goes(truth: Truth, tmp_path: Path) -> None:
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "dagger", "games": 64, "labels": 256, "openings": 4},
        learner={"reuse": 8},
        budget={"positions": 20_000},
    )
    found = judged(outcome.folder, truth)
    assert found.mistakes < 0.02
    assert found.unbeaten_by_random > 0.97
    assert found.unbeaten_by_perfect > 0.85


def test_its_ledger_is_what_was_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_ledger(monkeypatch, tmp_path / "run", SHORT, plays=True, asks=True)


def test_stopped_and_resumed_it_is_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_goes_on(monkeypatch, tmp_path, SHORT)
