"""Early stop: when a run has waited long enough for what it watches, by hand and as it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_runs import TWO_LAYERS, no_runs, train_tiny

from envs.tictactoe import TicTacToe
from selfplay.config import parse_config
from selfplay.data.generate import GamesOrder, generate
from selfplay.regimes.ledger import Budget
from selfplay.training.metrics_file import read_metrics
from selfplay.training.patience import Patience
from selfplay.training.run import Outcome


def patience(factor: float, watch: str = "validation/policy_kl", gain: float = 0.0) -> Patience:
    return Patience(Budget(positions=1, patience=factor, watch=watch, gain=gain))


def over_after(waiting: Patience, watch: str, told: list[tuple[float, float]]) -> list[bool]:
    """Whether the run is to end, after each measurement at so many FLOPs."""
    over = []
    for flops, value in told:
        waiting.note({watch: value, "cost/flops": flops})
        over.append(waiting.over)
    return over


def test_compute_has_to_grow_by_the_factor_since_the_best() -> None:
    """What was told before any compute was used is no best to wait from."""
    watch = "validation/policy_kl"
    told = [(0, 0.1), (10, 0.9), (20, 0.5), (50, 0.6), (59, 0.5), (60, 0.7)]
    assert over_after(patience(3), watch, told) == [False] * 5 + [True]
    better = [*told[:-1], (60, 0.4), (179, 0.4), (180, 0.4)]
    assert over_after(patience(3), watch, better) == [False] * 7 + [True]
    assert over_after(patience(0), watch, [*told, (1e9, 9.0)]) == [False] * 7


def test_what_creeps_on_by_less_than_the_gain_is_no_better() -> None:
    """By a thousandth from 20 on: together it is better by the gain at 50."""
    watch = "validation/policy_kl"
    told = [(10, 0.5), (20, 0.4), (40, 0.399), (50, 0.389), (99, 0.38), (100, 0.38)]
    assert over_after(patience(2, gain=0.01), watch, told[:3]) == [False, False, True]
    assert over_after(patience(3, gain=0.01), watch, told) == [False] * 6
    assert over_after(patience(2.5, gain=0.01), watch, told[:3]) == [False] * 3
    assert over_after(patience(2, gain=0.01), watch, [*told[:2], *told[3:]])[-2:] == [False, True]


def test_a_run_that_has_not_begun_to_learn_waits() -> None:
    """The first steps of a small learning rate move nothing; from 40 on it learns, up to 80."""
    watch = "validation/policy_kl"
    told = [(10, 0.797), (20, 0.7975), (40, 0.7965), (80, 0.7), (159, 0.6995), (160, 0.6999)]
    assert over_after(patience(2, gain=0.001), watch, told) == [False] * 5 + [True]
    worse = [(10, 0.5), (20, 0.52)]  # that is no waiting: it has moved the wrong way
    assert over_after(patience(2, gain=0.01), watch, worse) == [False, True]


def test_of_a_metric_that_is_to_rise_the_highest_is_the_best() -> None:
    watch = "strength/optimal_mass"
    told = [(10, 0.5), (19, 0.6), (37, 0.55), (38, 0.6)]
    assert over_after(patience(2, watch), watch, told) == [False, False, False, True]


@pytest.mark.parametrize("watch", ["strength/nothing", "cost/games", ""])
def test_only_what_has_a_better_way_can_be_watched(watch: str) -> None:
    with pytest.raises(ValueError, match="is no metric that has a better way; 'selfplay config"):
        patience(2, watch)
    assert not patience(0, watch).over  # nothing is watched


@pytest.mark.parametrize("factor", [0.5, 1])
def test_a_factor_is_more_than_one(factor: float) -> None:
    with pytest.raises(ValueError, match="patience is a factor of more than 1, or 0 for none"):
        parse_config({"budget": {"positions": 1, "patience": factor}})


@pytest.fixture(scope="module")
def few_games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Games of a weak expert, of which the results are soon learned by heart."""
    out = tmp_path_factory.mktemp("data") / "few"
    order = GamesOrder("minimax:1", "tictactoe", 300, 1.0, openings=5)
    generate(order, TicTacToe(), out, no_runs)
    return out


def stopped_run(data: Path, folder: Path, **budget: Any) -> Outcome:
    return train_tiny(
        folder,
        regime={"kind": "imitation", "data": str(data), "games": 30, "positions": 256},
        strength={"per_decade": 8},
        budget={"positions": 200_000, **budget},
    )


def test_a_run_ends_when_it_learns_by_heart(few_games: Path, tmp_path: Path) -> None:
    """Long before its budget, at the first measurement that the rule names; it says so, is done,
    and does nothing when it is called again."""
    folder = tmp_path / "run"
    options = {"watch": "validation/value_kl", "patience": 3}
    outcome = stopped_run(few_games, folder, **options)
    assert outcome.finished
    assert outcome.positions < 100_000
    measured = [line for line in read_metrics(folder) if line["phase"] == "strength"]
    assert [line.get("cost/stopped") for line in measured] == [None] * (len(measured) - 1) + [1]
    used = [line for line in measured if line["cost/flops"] > 0]
    best = min(used, key=lambda line: line["validation/value_kl"])
    assert used[-1]["cost/flops"] >= 3 * best["cost/flops"] > used[-2]["cost/flops"]
    assert (
        "minutes. It stopped early, by `validation/value_kl`.\n"
        in (folder / "report.md").read_text()
    )
    again = stopped_run(few_games, folder, **options)
    assert (again.finished, again.positions) == (True, outcome.positions)
    assert [line for line in read_metrics(folder) if line["phase"] == "strength"] == measured
    more = outcome.positions + 2560
    assert again.scalars["cost/stopped"] == 1
    longer = stopped_run(few_games, folder, watch="", patience=0, positions=more)
    assert longer.positions == more
    assert "cost/stopped" not in longer.scalars
    report = (folder / "report.md").read_text()
    assert "stopped early" not in report
    assert "cost/stopped" not in report


def test_what_is_not_measured_cannot_be_waited_for(few_games: Path, tmp_path: Path) -> None:
    said = (
        "budget.patience waits for strength/optimal_mass, which this run does not measure; it "
        "measures validation/policy_kl, validation/value_kl, validation/accuracy: name one of them"
    )
    with pytest.raises(ValueError, match=said):
        stopped_run(few_games, tmp_path / "run", watch="strength/optimal_mass", patience=2)


def test_a_run_without_patience_says_nothing_of_it(few_games: Path, tmp_path: Path) -> None:
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "imitation", "data": str(few_games), "positions": 256},
        net=TWO_LAYERS,
        budget={"positions": 1000},
    )
    assert outcome.finished
    assert "cost/stopped" not in outcome.scalars
    assert "stopped early" not in (outcome.folder / "report.md").read_text()


def test_a_measurement_that_cannot_tell_counts_as_none() -> None:
    """Only what no measurement has told is refused, a resumed run's earlier ones included."""
    watch = "strength/own_mistake_rate"
    waiting = patience(3, watch)
    nothing = {"cost/flops": 10.0, "strength/vs_random": 0.5}
    with pytest.raises(ValueError, match=f"waits for {watch}, which this run does not measure"):
        waiting.refuse_unmeasured(nothing)
    assert over_after(waiting, watch, [(0, 0.1), (20, 0.5)]) == [False, False]
    waiting.refuse_unmeasured(nothing)
    waiting.note({**nothing, "cost/flops": 1e9})
    assert not waiting.over
    assert over_after(waiting, watch, [(59, 0.5), (60, 0.5)]) == [False, True]
