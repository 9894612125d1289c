"""What imitation is charged, looks at, and refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import assert_same_arrays, exact_qvalues, row, wide
from tiny_runs import (
    FORWARD,
    GAME,
    TINY,
    TWO_LAYERS,
    no_runs,
    train_tiny,
)

import envs
from selfplay.config import parse_config
from selfplay.data.dataset import open_data
from selfplay.data.generate import GamesOrder, generate
from selfplay.learning.learner import Learner
from selfplay.regimes.epochs import EpochsLoop
from selfplay.regimes.imitation import ExpertStock
from selfplay.regimes.stakes import stakes
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Training
from selfplay.truth.positions import write_positions
from selfplay.truth.solver import solver_for


def test_the_expert_is_charged_once_for_the_share_that_was_used(
    perfect_games: Path, tmp_path: Path
) -> None:
    """Half a second for each position, the first time that it is learned."""
    data = Path(shutil.copytree(perfect_games, tmp_path / "data"))
    manifest = json.loads((data / "manifest.json").read_text())
    known = open_data(data, GAME)
    manifest["source"]["expert_s"] = 0.5 * len(known)
    (data / "manifest.json").write_text(json.dumps(manifest))
    train = len(known.rows("train"))
    for positions, seconds in ((1024, 512), (3 * train, train / 2)):
        outcome = train_tiny(
            tmp_path / str(positions),
            regime={"kind": "imitation", "data": str(data), "positions": 512},
            net=TWO_LAYERS,
            budget={"positions": positions},
        )
        assert outcome.scalars["cost/expert_s"] == pytest.approx(seconds)
        assert not [*outcome.folder.glob("games/*")]  # it plays none


def test_games_kept_aside_are_looked_at_with_every_measurement(
    perfect_games: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And at no other time; what they tell stands beside strength and costs, charged to nobody."""
    looks: list[int] = []
    judge = Learner.judge

    def counting(self: Learner, samples: Any) -> Any:
        looks.append(len(samples.actions))
        return judge(self, samples)

    monkeypatch.setattr(Learner, "judge", counting)
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "imitation", "data": str(perfect_games), "positions": 256},
        net=TWO_LAYERS,
        strength={"per_decade": 4},
        budget={"positions": 20_480},
    )
    aside = len(open_data(perfect_games, GAME).rows("validation"))
    lines = read_metrics(outcome.folder)
    measured = [line for line in lines if line["phase"] == "strength"]
    assert looks == [aside] * len(measured)
    assert aside == 17
    assert len(measured) >= 8  # two decades of 80 iterations, the first and the last
    for line in measured:
        # the one move played is all of the target, the one result too: they have no entropy
        assert line["validation/policy_kl"] == pytest.approx(line["validation/policy_loss"])
        assert line["validation/value_kl"] == pytest.approx(line["validation/value_loss"])
        assert line["cost/flops"] == 3 * FORWARD * line["step"]
    told = [name for line in lines if line["phase"] == "learn" for name in line]
    assert not [name for name in told if name.startswith("validation/")]
    assert measured[-1]["validation/policy_loss"] < measured[0]["validation/policy_loss"]


def test_data_of_nothing_but_test_positions_teach_nothing(tmp_path: Path) -> None:
    path, data = tmp_path / "positions.csv", tmp_path / "data"
    generate(GamesOrder("solver", "tictactoe", 20, 0.0), GAME, data, no_runs)
    known = open_data(data, GAME)
    games = known.take(np.arange(len(known)))
    begin = np.searchsorted(games.game, games.game).tolist()
    moves = [games.action[first:row].tolist() for row, first in enumerate(begin)]
    write_positions(GAME, path, ["all"] * len(moves), moves, solver_for(GAME).scores(games.state))
    with pytest.raises(ValueError, match="nothing is left to learn: all positions are ones that"):
        train_tiny(
            tmp_path / "run",
            regime={"kind": "imitation", "data": str(data)},
            strength={"positions": str(path)},
            budget={"positions": 1000},
        )


def test_data_of_another_game_or_board_are_refused(perfect_games: Path, tmp_path: Path) -> None:
    small = "connect4?width=4&height=4"
    generate(GamesOrder("minimax:2", small, 10, 0.0), envs.make(small), tmp_path / "4x4", no_runs)
    for data, game, sentence in (
        (perfect_games, small, r"holds tictactoe \(9 actions\); you asked for connect4-4x4-4 \(4"),
        (tmp_path / "4x4", "connect4", r"connect4-4x4-4 \(4 actions\); you asked for connect4 \(7"),
    ):
        plain = {"game": game, "regime": {"kind": "imitation", "data": str(data)}}
        config = parse_config({**TINY, **plain, "budget": {"positions": 1000}})
        with pytest.raises(ValueError, match=sentence):
            Training(RunFolder(tmp_path / "run"), config)


def test_a_run_does_not_go_on_with_other_data(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "run"
    for player, budget in (("minimax:2", 1000), ("minimax:1", 30_000)):
        shutil.rmtree(data, ignore_errors=True)
        generate(GamesOrder(player, "tictactoe", 40, 0.0), GAME, data, no_runs)
        regime = {"kind": "imitation", "data": str(data)}
        plain = {**TINY, "regime": regime, "budget": {"positions": budget}}
        if player == "minimax:2":
            Training(RunFolder(folder), parse_config(plain)).run()
    before = sorted(path.stat().st_mtime_ns for path in folder.rglob("*"))
    with pytest.raises(ValueError, match="the run learned from other positions than there are now"):
        Training(RunFolder(folder), parse_config(plain))
    assert sorted(path.stat().st_mtime_ns for path in folder.rglob("*")) == before


def stock_of(data: Path, folder: Path, seed: int = 0, **regime: Any) -> ExpertStock:
    """What a run learns from; nothing is learned."""
    plain = {"kind": "imitation", "data": str(data), **regime}
    config = parse_config({**TINY, "regime": plain, "seed": seed, "budget": {"positions": 1000}})
    loop = Training(RunFolder(folder), config).loop
    assert isinstance(loop, EpochsLoop)
    assert isinstance(loop._stock, ExpertStock)
    return loop._stock


def test_every_seed_has_a_draw_of_its_own(perfect_games: Path, tmp_path: Path) -> None:
    """Unless all are to learn from the same one; of a seed the fewer are among the more."""

    def drawn(seed: int, games: int = 200, **regime: Any) -> set[int]:
        stock = stock_of(perfect_games, tmp_path / "x", seed, games=games, **regime)
        return set(stock._rows.tolist())

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert drawn(1, 50) < drawn(1)
    assert drawn(1, draw=5) == drawn(2, draw=5) != drawn(2, draw=6)
    aside = [stock_of(perfect_games, tmp_path / "x", seed).aside for seed in (1, 2)]
    assert_same_arrays(*aside)


def test_a_checkpoint_of_before_goes_on_with_the_draw_that_all_seeds_had(
    perfect_games: Path, tmp_path: Path
) -> None:
    before = stock_of(perfect_games, tmp_path / "x", 0, games=50, draw=0)._rows.tolist()
    plain = {"kind": "imitation", "data": str(perfect_games), "games": 50}
    config = parse_config({**TINY, "regime": plain, "seed": 3, "budget": {"positions": 1000}})
    training = Training(RunFolder(tmp_path / "x"), config)
    loop = training.loop
    assert isinstance(loop, EpochsLoop)
    assert isinstance(loop._stock, ExpertStock)
    now = loop.state_dict()
    loop.load_state_dict(now)
    assert loop._stock._rows.tolist() != before
    loop.load_state_dict({"epoch": 1, "used": 30})
    assert loop._stock._rows.tolist() == before
    assert loop.state_dict() == {"epoch": 1, "used": 30, "draw": 0, "held": loop._held()}
    assert now["draw"] == training.parts.seed


def test_soft_targets_and_exact_results(perfect_games: Path, tmp_path: Path) -> None:
    """Every move that is no mistake, and the result of perfect play, by an independent search."""
    stock = stock_of(perfect_games, tmp_path / "x", target="optimal", value="scores")
    rows = np.arange(0, len(stock), 40)
    samples, state = stock.samples(rows), stock.data.take(stock._rows[rows]).state
    policy = wide(samples.actions, samples.policy, 9)
    known: dict[bytes, float] = {}
    for i in range(len(rows)):
        truth = exact_qvalues(GAME, row(state, i), known)
        best = max(truth.values())
        right = [action for action, value in truth.items() if value == best]
        expected = np.zeros(9)
        expected[right] = 1 / len(right)
        np.testing.assert_allclose(policy[i], expected, atol=1e-6)
        assert samples.value[i].tolist() == [best == 1, best == 0, best == -1]
    assert (samples.policy_weight == 1).all()


def test_stakes_by_hand() -> None:
    nan = np.nan
    scores = np.float32(
        [[3, -1, nan], [5, 2, 1], [0, -2, nan], [0, 0, 0], [1, 0, -9], [nan, -4, -5]]
    )
    assert stakes(scores).tolist() == [1, 0, 0.5, 0, 1, 0]


@pytest.mark.parametrize("least", [0.0, 0.25])
def test_positions_weigh_what_is_at_stake(
    least: float, perfect_games: Path, tmp_path: Path
) -> None:
    """The policy's weight by an independent search; values and what is kept aside weigh alike."""
    options = {"weigh": "stakes", "least_weight": least}
    stock = stock_of(perfect_games, tmp_path / "x", **options)
    rows = np.arange(0, len(stock), 40)
    samples, state = stock.samples(rows), stock.data.take(stock._rows[rows]).state
    known: dict[bytes, float] = {}
    for i in range(len(rows)):
        results = exact_qvalues(GAME, row(state, i), known).values()
        spread = (max(results) - min(results)) / 2
        assert samples.policy_weight[i] == pytest.approx(least + (1 - least) * spread)
    assert len(set(samples.policy_weight.tolist())) == 3
    assert (samples.value_weight == 1).all()
    assert stock.aside is not None
    assert (stock.aside.policy_weight == 1).all()


@pytest.mark.parametrize(
    ("regime", "said"),
    [
        ({"target": "optimal"}, 'without what regime.target = "optimal" learns'),
        ({"target": "values"}, 'without what regime.target = "values" learns'),
        ({"value": "scores"}, 'without what regime.value = "scores" learns'),
        ({"weigh": "stakes"}, 'without what regime.weigh = "stakes" learns'),
    ],
)
def test_what_the_data_do_not_tell_cannot_be_learned(
    regime: dict[str, Any], said: str, tmp_path: Path
) -> None:
    generate(GamesOrder("minimax:1", "tictactoe", 40, 0.0), GAME, tmp_path / "data", no_runs)
    with pytest.raises(ValueError, match=said):
        stock_of(tmp_path / "data", tmp_path / "x", **regime)
