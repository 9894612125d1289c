"""Policy gradients learn tic-tac-toe from their own games without search."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_runs import Truth, assert_goes_on, assert_ledger, judged, train_tiny

SHORT = {"kind": "policy_gradient", "games": 32, "pool_every": 2}


def test_policy_gradient_does_not_lose(truth: Truth, tmp_path: Path) -> None:
    """In over 95% of its games against the random player, from both seats, without search."""
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "policy_gradient", "games": 512, "openings": 2},
        budget={"positions": 200_000},
    )
    found = judged(outcome.folder, truth)
    assert found.unbeaten_by_random > 0.95
    assert found.unbeaten_by_perfect > 0.85
    assert found.mistakes < 0.1


def test_its_ledger_is_what_was_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_ledger(monkeypatch, tmp_path / "run", SHORT, plays=True, asks=False)


def test_stopped_and_resumed_it_is_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_goes_on(monkeypatch, tmp_path, SHORT)
