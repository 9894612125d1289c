"""Every regime learns tic-tac-toe, counts what it uses, and goes on from a stop as it would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_runs import (
    FORWARD,
    TINY,
    TWO_LAYERS,
    Truth,
    assert_same_run,
    judged,
    stop_after,
    train_tiny,
)

from selfplay.learning.steps import Descent
from selfplay.nets.evaluator import NetEvaluator
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Outcome

OF_DATA = {"data": "perfect_games", "positions": 512}


@pytest.mark.parametrize(
    ("regime", "plays", "asks"),
    [  # positions go through the net to make data; an expert is paid
        ({"kind": "selfplay", "positions": 256}, True, False),
        ({"kind": "dagger", "games": 32, "labels": 100}, True, True),
        ({"kind": "policy_gradient", "games": 32, "pool_every": 2}, True, False),
        ({"kind": "frozen", "run": "selfplayed", "positions": 512, "unique": 300}, False, False),
        ({"kind": "imitation", **OF_DATA}, False, True),
        ({"kind": "imitation_then_selfplay", "share": 0.5, **OF_DATA}, True, True),
    ],
    ids=lambda regime: regime["kind"] if isinstance(regime, dict) else "",
)
def test_its_ledger_is_what_was_run_and_a_stop_changes_nothing(
    regime: dict[str, Any],
    plays: bool,
    asks: bool,
    perfect_games: Path,
    selfplayed: Outcome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What goes through a net of two layers is counted; FLOPs by hand."""
    folders = {"data": str(perfect_games), "run": str(selfplayed.folder)}
    options = {
        "regime": regime | {name: folders[name] for name in regime if name in folders},
        "net": TWO_LAYERS,
        "learner": {"batch": 128},
        "budget": {"positions": 2500},
    }
    monkeypatch.setitem(TINY, "checkpoint_s", 0.001)
    evaluated, learned = [0], [0]
    forward, loss = NetEvaluator._forward, Descent.loss

    def counting_forward(self: NetEvaluator, obs: object, count: int) -> Any:
        evaluated[0] += count
        return forward(self, obs, count)

    def counting_loss(self: Descent, samples: Any) -> Any:
        learned[0] += len(samples.actions)
        return loss(self, samples)

    with monkeypatch.context() as patch:
        patch.setattr(NetEvaluator, "_forward", counting_forward)
        patch.setattr(Descent, "loss", counting_loss)
        straight = train_tiny(tmp_path / "straight", **options)
    scalars = straight.scalars
    assert scalars["cost/samples"] == learned[0] > 0
    assert scalars["cost/flops_learn"] == 3 * FORWARD * learned[0]
    assert scalars["cost/flops_generate"] == FORWARD * evaluated[0]
    assert scalars["cost/flops"] == FORWARD * (3 * learned[0] + evaluated[0])
    assert (evaluated[0] > 0) == plays
    assert (scalars["cost/expert_s"] > 0) == asks
    assert scalars["cost/effective_epochs"] == learned[0] / scalars["cost/positions_unique"]
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        assert not train_tiny(tmp_path / "stopped", **options).finished
    assert train_tiny(tmp_path / "stopped", **options).finished
    assert_same_run(straight.folder, tmp_path / "stopped")


def test_frozen_learns_what_another_run_played(
    selfplayed: Outcome, truth: Truth, tmp_path: Path
) -> None:
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "frozen", "run": str(selfplayed.folder), "positions": 4096},
        budget={"positions": 100_000},
    )
    assert judged(selfplayed.folder, truth).mistakes < 0.04
    assert judged(outcome.folder, truth).mistakes < 0.05


@pytest.mark.parametrize(
    ("target", "value", "most"), [("move", "outcome", 0.2), ("policy", "scores", 0.13)]
)
def test_imitation_learns_from_a_perfect_player(
    target: str, value: str, most: float, perfect_games: Path, truth: Truth, tmp_path: Path
) -> None:
    """All the best moves of a position teach more than the one that was played."""
    data = {"data": str(perfect_games), "positions": 4096}
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "imitation", "target": target, "value": value, **data},
        budget={"positions": 150_000},
    )
    found = judged(outcome.folder, truth)
    assert found.mistakes < most
    assert found.unbeaten_by_random > 0.95
    assert found.unbeaten_by_perfect > 0.85


def test_dagger_learns_where_the_net_itself_goes(truth: Truth, tmp_path: Path) -> None:
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "dagger", "games": 64, "labels": 256, "openings": 4},
        learner={"reuse": 8},
        budget={"positions": 12_000},
    )
    found = judged(outcome.folder, truth)
    assert found.mistakes < 0.02
    assert found.unbeaten_by_random > 0.97
    assert found.unbeaten_by_perfect > 0.85


def test_the_mixture_goes_beyond_its_imitation(
    perfect_games: Path, truth: Truth, tmp_path: Path
) -> None:
    few = {"data": str(perfect_games), "games": 100, "positions": 2048}
    budget = {"positions": 40_000}
    mixture = {"kind": "imitation_then_selfplay", "share": 0.4, **few}
    both = train_tiny(tmp_path / "both", regime=mixture, learner={"reuse": 3}, budget=budget)
    phases = [line["phase"] for line in read_metrics(both.folder)]
    first = phases.index("selfplay")
    assert phases[1:first] == ["learn"] * 8  # of 2,048 positions: 40% of the budget
    alone = train_tiny(tmp_path / "alone", regime={"kind": "imitation", **few}, budget=budget)
    found = judged(both.folder, truth)
    assert found.mistakes < 0.12
    assert found.mistakes < 0.6 * judged(alone.folder, truth).mistakes


def test_policy_gradient_does_not_lose(truth: Truth, tmp_path: Path) -> None:
    """In over 95% of its games against the random player, from both seats, without search."""
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "policy_gradient", "games": 512, "openings": 2},
        budget={"positions": 100_000},
    )
    found = judged(outcome.folder, truth)
    assert found.unbeaten_by_random > 0.95
    assert found.unbeaten_by_perfect > 0.85
    assert found.mistakes < 0.1


def test_a_short_run_learns_at_its_full_rate(selfplayed: Outcome, tmp_path: Path) -> None:
    """31 steps, with a warm-up of 100: it is over within a fiftieth of the budget of FLOPs."""
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "frozen", "run": str(selfplayed.folder), "positions": 128},
        net=TWO_LAYERS,
        learner={"batch": 128, "warmup_steps": 100, "lr": 0.004, "final_lr": 1.0},
        budget={"flops": 31 * 3 * 128 * FORWARD},
    )
    rates = [line["learn/lr"] for line in read_metrics(outcome.folder) if "learn/lr" in line]
    assert rates == [0.004] * 31
