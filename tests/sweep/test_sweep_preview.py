"""What a sweep says beforehand: how often cells are measured, what strength and experts take."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from program import answer, refused, run

from selfplay.config import parse_config
from selfplay.sweep.expert import expert_seconds, games_of, refuse_too_few_games
from selfplay.sweep.plan import read_plan
from selfplay.sweep.preview import Rates, estimate, points, preview
from selfplay.sweep.slots import Slot

# 1 s and 100 x 2 FLOPs a position played, 1/2 s and 300 FLOPs a sample
RATES = Rates(100.0, 1e9, 4.0, 0.5, 2.0, look_s=10.0)
ONE = """\
[base]
game = "tictactoe"
net.kind = "mlp"
search.simulations = 4
learner.reuse = 2
regime.positions = 100
strength.every_s = 50
budget.positions = 400
[[data]]
out = "runs/data/d"
make = "minimax:2 tictactoe --games 100"
[[arm]]
name = "own"
[[arm]]
name = "taught"
set = { "regime.kind" = "imitation", "regime.data" = "runs/data/d", "regime.positions" = 100 }
grid = { "regime.games" = [GAMES] }
"""


@pytest.mark.parametrize(
    ("strength", "budget", "count"),
    [
        ({"every_s": 50}, {"positions": 400}, 4),  # 800 s, but only four iterations of 100
        ({"every_s": 500}, {"positions": 400}, 2),
        ({"every_s": 1e6}, {"positions": 400}, 1),
        ({"per_decade": 1}, {"positions": 100_000}, 5),  # 8e4 to 8e7 FLOPs: 1 + 3 decades + end
        ({"per_decade": 4}, {"positions": 100_000}, 14),
        ({"per_decade": 4}, {"positions": 100}, 1),
        ({"per_decade": 1}, {"flops": 8e4}, 1),
    ],
)
def test_how_often_a_run_is_measured(
    strength: dict[str, float], budget: dict[str, float], count: int
) -> None:
    config = parse_config(
        {
            "search": {"simulations": 4}, "learner": {"reuse": 2}, "regime": {"positions": 100},
            "strength": strength, "budget": budget,
        }
    )  # fmt: skip
    assert points(config, RATES) == count
    bare = estimate(config, RATES._replace(look_s=0.0))
    told = estimate(config, RATES)
    assert told.seconds == pytest.approx(bare.seconds + 10 * (1 + count))
    assert told.flops == bare.flops


def test_a_budget_of_seconds_holds_its_measurements() -> None:
    config = parse_config({"search": {"simulations": 4}, "budget": {"seconds": 30}})
    assert estimate(config, RATES).seconds == 30


def test_few_measurements_are_told_and_the_expert_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text(ONE.replace("GAMES", "50"))
    plan = read_plan("grid.toml")
    rates = RATES._replace(look_s=0.0)
    found = preview(plan, [Slot()], lambda _: rates, lambda make: 7.0)
    # imitation: 400 samples take 200 s, in four iterations; self-play 400 x (1 + 1) s
    assert found.left_s == pytest.approx(7 + 200 + 800)
    assert found.warnings == ()
    seldom = read_plan(plan.file, ["strength.every_s=1e6"])
    warned = preview(seldom, [Slot()], lambda _: rates, lambda make: float("nan"))
    assert warned.left_s == pytest.approx(200 + 800)
    assert warned.warnings == (
        "own-s0 and 1 more will be measured about once, and a curve needs 3: raise the budget or "
        "strength.per_decade, or lower regime.positions",
    )


@pytest.mark.parametrize("games", [101, 300])
def test_too_few_games_are_refused_before_they_are_made(games: int, tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text(ONE.replace("GAMES", str(games)))
    said = refused(run(tmp_path, "sweep", "grid.toml"))
    assert f"-s0 asks for {games} games, and of the 100 of 'selfplay data minimax" in said
    assert "about 95 are for training" in said
    assert not (tmp_path / "runs").exists()


def test_games_that_are_there_are_counted(tmp_path: Path) -> None:
    words = "data minimax:1 tictactoe --games 40 --processes 1 --out d --json"
    there = answer(run(tmp_path, *words.split()))["counts"]["train"]["games"]
    refuse_too_few_games("c", there, tmp_path / "d", "")
    with pytest.raises(ValueError, match=f"cell c asks for {there + 1} games, and .*d has {there}"):
        refuse_too_few_games("c", there + 1, tmp_path / "d", "")


@pytest.mark.parametrize(
    ("make", "games"),
    [
        ("solver tictactoe", 1000),
        ("solver tictactoe --games 300", 300),
        ("solver tictactoe --games=300 --seed 2", 300),
        ("moves FOLDER --game nim", None),
        ("solver tictactoe --games many", None),
    ],
)
def test_games_of_a_command(make: str, games: int | None) -> None:
    assert games_of(make) == games


def test_an_expert_is_tried_on_a_few_games() -> None:
    assert 0 < expert_seconds("minimax:1 tictactoe --games 4") < 100
    assert math.isnan(expert_seconds("minimax:0 tictactoe"))
