"""Each regime learns tic-tac-toe from its own data; its ledger against counts made elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
from numpy.typing import NDArray
from test_run import assert_same_run, stop_after
from test_training import reachable
from torch.utils.flop_counter import FlopCounterMode

import envs
from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.arrays import concatenate, length, take
from selfplay.config import parse_config
from selfplay.data.dataset import open_data
from selfplay.data.generate import GamesOrder, generate
from selfplay.learning import shards
from selfplay.learning.learner import Learner
from selfplay.learning.samples import blank_targets
from selfplay.lines.keys import canonical_keys
from selfplay.lines.openings import distinct_openings
from selfplay.nets.evaluator import NetEvaluator
from selfplay.players.arena import new_match, play_on
from selfplay.players.players import NetPlayer, RandomPlayer, SolverPlayer
from selfplay.regimes import epochs, frozen
from selfplay.training.agent import load_agent
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Outcome, Training
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import write_positions
from selfplay.truth.solver import solver_for
from selfplay.types import State

GAME = TicTacToe()
BASE: dict[str, Any] = {
    "game": "tictactoe",
    "net": {"kind": "mlp", "width": 64, "layers": 2},
    "search": {"kind": "gumbel", "simulations": 8},
    "actor": {"games": 64, "threads": 1},
    "learner": {"batch": 256, "lr": 0.005, "warmup_steps": 20},
    "evaluator": {"precision": "float32"},
    "strength": {"every_s": 1e6, "own_positions": 0},
}


class Truth(NamedTuple):
    """All positions of the game that are not over, and what is right in them."""

    state: State  # [4520]
    right: NDArray[np.bool_]  # [4520, 9]


class Played(NamedTuple):
    """How a net alone, playing its favourite moves, does."""

    mistakes: float  # share of all positions
    unbeaten_by_random: float  # share of games not lost
    unbeaten_by_perfect: float


@pytest.fixture(scope="module", autouse=True)
def own_labels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Labels of these tests cost what they cost here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("NUMBA_CACHE_DIR", numba.config.CACHE_DIR)  # kernels stay where they are
        yield


@pytest.fixture(scope="module")
def truth() -> Truth:
    state = concatenate(list(reachable(GAME)))
    return Truth(state, optimal_moves(solver_for(GAME).scores(state)))


@pytest.fixture(scope="module")
def perfect_games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 games of the solver, half of them from positions after random moves."""
    out = tmp_path_factory.mktemp("data") / "perfect"
    generate(GamesOrder("solver", "tictactoe", 2000, 0.0, openings=7), GAME, out, no_runs)
    return out


@pytest.fixture(scope="module")
def selfplayed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run that played itself."""
    folder = tmp_path_factory.mktemp("runs") / "selfplay"
    return run(
        folder,
        regime={"kind": "selfplay", "positions": 2048},
        learner={"reuse": 3},
        budget={"positions": 40_000},
    )


def no_runs(run: str, step: int | None, simulations: int | None) -> Any:
    raise AssertionError(run)


def run(folder: Path, **sections: dict[str, Any]) -> Outcome:
    """A run with what these sections say on top of BASE."""
    plain = {**BASE, **{name: {**BASE.get(name, {}), **own} for name, own in sections.items()}}
    return Training(RunFolder(folder), parse_config(plain)).run()


def judged(folder: Path, truth: Truth, games: int = 400) -> Played:
    agent = load_agent(str(folder))
    net = NetPlayer("net", agent.evaluator)
    action = net.decide(GAME, truth.state, np.random.default_rng(0)).action
    mistakes = ~truth.right[np.arange(length(truth.state)), action]
    start = distinct_openings(GAME, 1, 0, np.random.default_rng(0))
    openings = take(start, np.zeros(games // 2, np.int64))
    rng = np.random.default_rng(1)
    players = {"net": net, "random": RandomPlayer(), "solver": SolverPlayer(GAME)}
    matches = [new_match("net", "random"), new_match("net", "solver")]
    played = play_on(GAME, players, matches, openings, rng)
    return Played(float(mistakes.mean()), *(float((m.results >= 0).mean()) for m in played))


# What each learns --------------------------------------------------------------------------------
# an untrained net errs in about 37% of the positions; thresholds leave room for other seeds


@pytest.mark.parametrize(
    ("target", "value", "most"), [("move", "outcome", 0.2), ("policy", "scores", 0.13)]
)
def test_imitation_learns_from_a_perfect_player(
    target: str, value: str, most: float, perfect_games: Path, truth: Truth, tmp_path: Path
) -> None:
    """All the best moves of a position teach more than the one that was played."""
    outcome = run(
        tmp_path / "run",
        regime={
            "kind": "imitation", "data": str(perfect_games), "positions": 4096,
            "target": target, "value": value,
        },
        budget={"positions": 150_000},
    )  # fmt: skip
    found = judged(outcome.folder, truth)
    assert found.mistakes < most
    assert found.unbeaten_by_random > 0.95
    assert found.unbeaten_by_perfect > 0.85


def test_dagger_learns_where_the_net_itself_goes(truth: Truth, tmp_path: Path) -> None:
    outcome = run(
        tmp_path / "run",
        regime={"kind": "dagger", "games": 64, "labels": 256, "openings": 4},
        learner={"reuse": 8},
        budget={"positions": 20_000},
    )
    found = judged(outcome.folder, truth)
    assert found.mistakes < 0.02
    assert found.unbeaten_by_random > 0.97
    assert found.unbeaten_by_perfect > 0.85


def test_policy_gradient_does_not_lose(truth: Truth, tmp_path: Path) -> None:
    """In over 95% of its games against the random player, from both seats, without search."""
    outcome = run(
        tmp_path / "run",
        regime={"kind": "policy_gradient", "games": 512, "openings": 2},
        budget={"positions": 200_000},
    )
    found = judged(outcome.folder, truth)
    assert found.unbeaten_by_random > 0.95
    assert found.unbeaten_by_perfect > 0.85
    assert found.mistakes < 0.1


def test_the_mixture_goes_beyond_its_imitation(
    perfect_games: Path, truth: Truth, tmp_path: Path
) -> None:
    few = {"data": str(perfect_games), "games": 100, "positions": 2048}
    both = run(
        tmp_path / "both",
        regime={"kind": "imitation_then_selfplay", "share": 0.4, **few},
        learner={"reuse": 3},
        budget={"positions": 60_000},
    )
    phases = [line["phase"] for line in read_metrics(both.folder)]
    first = phases.index("selfplay")
    assert phases[1:first] == ["learn"] * 12  # of 2,048 positions: 40% of the budget
    alone = run(
        tmp_path / "alone",
        regime={"kind": "imitation", **few},
        budget={"positions": 60_000},
    )
    found = judged(both.folder, truth)
    assert found.mistakes < 0.12
    assert found.mistakes < 0.6 * judged(alone.folder, truth).mistakes


def test_frozen_learns_what_another_run_played(
    selfplayed: Outcome, truth: Truth, tmp_path: Path
) -> None:
    outcome = run(
        tmp_path / "run",
        regime={"kind": "frozen", "run": str(selfplayed.folder), "positions": 4096},
        budget={"positions": 150_000},
    )
    assert judged(selfplayed.folder, truth).mistakes < 0.04
    assert judged(outcome.folder, truth).mistakes < 0.05


@pytest.mark.parametrize("how", ["missing", "another", "damaged"])
def test_frozen_learns_only_what_was_written_there(how: str, tmp_path: Path) -> None:
    game, folder = TicTacToe(), tmp_path / "made"
    rows = blank_targets(game, 10)
    for i in range(1, 4):
        made = shards.Made(0, i, 10 * (i - 1), 10 * i)
        shards.save_shard(folder / "replay" / f"{i:06}.npz", rows, made)
    paths = sorted(folder.glob("replay/*.npz"))
    assert len(frozen._shards(paths, game)) == 3
    if how == "missing":
        paths[1].unlink()
        said = r"a file before .*000003\.npz is missing: 10 positions"
    elif how == "another":
        shutil.copy(paths[2], paths[1])
        said = r"000002\.npz holds the positions of iteration 3"
    else:
        content = bytearray(paths[1].read_bytes())
        content[len(content) // 2] ^= 1
        paths[1].write_bytes(content)
        said = r"000002\.npz is missing or damaged"
    with pytest.raises(ValueError, match=said):
        frozen._shards(sorted(folder.glob("replay/*.npz")), game)


# The ledger --------------------------------------------------------------------------------------

TWO_LAYERS = {"kind": "mlp", "width": 8, "layers": 1}
FORWARD = 2 * (18 * 8 + 8 * 9 + 8 * 3)  # 2 planes of 9 cells; 9 moves; win, draw, loss


def short(kind: str, data: Path, maker: Path) -> dict[str, Any]:
    """A regime that a second is enough for."""
    of_data = {"data": str(data), "positions": 512}
    options: dict[str, dict[str, Any]] = {
        "selfplay": {"positions": 256},
        "imitation": of_data,
        "imitation_then_selfplay": {**of_data, "share": 0.5},
        "policy_gradient": {"games": 32, "pool_every": 2},
        "dagger": {"games": 32, "labels": 100},
        "frozen": {"run": str(maker), "positions": 512, "unique": 300},
    }
    return {"kind": kind, **options[kind]}


KINDS = (
    "selfplay", "imitation", "imitation_then_selfplay", "policy_gradient", "dagger", "frozen",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_ledger_is_what_was_run(
    kind: str,
    perfect_games: Path,
    selfplayed: Outcome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FLOPs by hand for a net of two layers, times what went through it."""
    evaluated, learned = [0], [0]
    forward, loss = NetEvaluator._forward, Learner._loss

    def counting_forward(self: NetEvaluator, obs: object, count: int) -> Any:
        evaluated[0] += count
        return forward(self, obs, count)

    def counting_loss(self: Learner, samples: Any) -> Any:
        learned[0] += len(samples.legal)
        return loss(self, samples)

    monkeypatch.setattr(NetEvaluator, "_forward", counting_forward)
    monkeypatch.setattr(Learner, "_loss", counting_loss)
    found = run(
        tmp_path / "run",
        regime=short(kind, perfect_games, selfplayed.folder),
        net=TWO_LAYERS,
        learner={"batch": 128},
        budget={"positions": 2000},
    ).scalars
    assert found["cost/samples"] == learned[0] > 0
    assert found["cost/flops_learn"] == 3 * FORWARD * learned[0]
    assert found["cost/flops_generate"] == FORWARD * evaluated[0]
    assert found["cost/flops"] == FORWARD * (3 * learned[0] + evaluated[0])
    assert (evaluated[0] == 0) == (kind in ("imitation", "frozen"))
    asked_an_expert = kind in ("imitation", "imitation_then_selfplay", "dagger")
    assert (found["cost/expert_s"] > 0) == asked_an_expert
    assert found["cost/effective_epochs"] == learned[0] / found["cost/positions_unique"]


def test_torch_counts_a_step_as_three_forwards() -> None:
    """But for the gradient of the first layer's input, which nobody asks for."""
    learner = Learner(
        parse_config({"game": "tictactoe", "net": TWO_LAYERS}).net.build(GAME),
        parse_config({}).learner.model_copy(update={"batch": 64}),
        GAME, "cpu", autocast=False, seed=0,
    )  # fmt: skip
    samples = arrays.concatenate([_one_sample()] * 64)
    with FlopCounterMode(display=False) as counter:
        learner.fit(samples, 5, 0.0)
    assert counter.get_total_flops() == 5 * 64 * (3 * FORWARD - 2 * 18 * 8)


def _one_sample() -> Any:
    from selfplay.lines.games import replay
    from selfplay.regimes.imitation import expert_samples

    games = replay(GAME, np.array([[0, 3, 1, 4, 2]], np.int32))
    return take(expert_samples(GAME, games, "move", 1.0, exact=False), slice(0, 1))


def test_the_expert_is_charged_once_for_the_share_that_was_used(
    perfect_games: Path, tmp_path: Path
) -> None:
    data = open_data(perfect_games, GAME)
    source, train = data.manifest.source, len(data.rows("train"))
    assert source.expert_s > 0
    for positions, share in ((1024, 1024), (3 * train, train)):
        found = run(
            tmp_path / str(positions),
            regime={"kind": "imitation", "data": str(perfect_games), "positions": 512},
            net=TWO_LAYERS,
            budget={"positions": positions},
        ).scalars
        assert found["cost/expert_s"] == pytest.approx(source.expert_s * share / len(data))


def test_looking_at_games_kept_aside_takes_little(
    perfect_games: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set share of the positions that are learned from, however small the iterations."""
    looks: list[int] = []
    judge = Learner.judge

    def counting(self: Learner, samples: Any) -> Any:
        looks.append(len(samples.legal))
        return judge(self, samples)

    monkeypatch.setattr(Learner, "judge", counting)
    monkeypatch.setattr(epochs, "JUDGE_SHARE", 0.01)
    outcome = run(
        tmp_path / "run",
        regime={"kind": "imitation", "data": str(perfect_games), "positions": 256},
        net=TWO_LAYERS,
        budget={"positions": 20_480},
    )
    aside = len(open_data(perfect_games, GAME).rows("validation"))
    assert set(looks) == {aside}
    assert aside == 17
    assert len(looks) == 13  # the first, and then at every 1,700 positions
    lines = [line for line in read_metrics(outcome.folder) if line["phase"] == "learn"]
    assert len(lines) == 80
    assert "learn/validation_accuracy" in lines[0]
    assert sum("learn/validation_policy_loss" in line for line in lines) == len(looks)


# Stops and refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS[1:])  # self-play's own are in test_run.py
def test_stopped_and_resumed_it_is_the_same_run(
    kind: str,
    perfect_games: Path,
    selfplayed: Outcome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: dict[str, Any] = {
        "regime": short(kind, perfect_games, selfplayed.folder),
        "learner": {"batch": 128},
        "budget": {"positions": 2500},
    }
    monkeypatch.setitem(BASE, "checkpoint_s", 0.001)
    straight = run(tmp_path / "straight", **options)
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        assert not run(tmp_path / "stopped", **options).finished
    assert run(tmp_path / "stopped", **options).finished
    assert_same_run(straight.folder, tmp_path / "stopped")


def test_test_positions_in_the_training_data_are_refused_with_their_number(
    perfect_games: Path, tmp_path: Path
) -> None:
    """Three lines that are two positions: two of the corners are images of each other."""
    moves = [[0], [8], [4]]
    state = concatenate(
        [GAME.step(GAME.init(np.random.default_rng(0), 1), np.array(m, np.int32))[0] for m in moves]
    )
    path = tmp_path / "positions.csv"
    write_positions(GAME, path, ["all"] * 3, moves, solver_for(GAME).scores(state))
    with pytest.raises(ValueError, match="2 of the 2 test positions are among the training data"):
        run(
            tmp_path / "run",
            regime={"kind": "imitation", "data": str(perfect_games)},
            strength={"positions": str(path)},
            budget={"positions": 1000},
        )
    out = tmp_path / "without"
    held_out = canonical_keys(GAME, state)
    generate(GamesOrder("solver", "tictactoe", 50, 0.0), GAME, out, no_runs, held_out)
    found = run(
        tmp_path / "run",
        regime={"kind": "imitation", "data": str(out), "positions": 512},
        strength={"positions": str(path)},
        budget={"positions": 1000},
    )
    assert "strength/mistake_rate" in found.scalars


def test_data_of_another_game_or_board_are_refused(perfect_games: Path, tmp_path: Path) -> None:
    small = "connect4?width=4&height=4"
    generate(GamesOrder("minimax:2", small, 10, 0.0), envs.make(small), tmp_path / "4x4", no_runs)
    for data, game, sentence in (
        (perfect_games, small, r"holds tictactoe \(9 actions\); you asked for connect4-4x4-4 \(4"),
        (tmp_path / "4x4", "connect4", r"connect4-4x4-4 \(4 actions\); you asked for connect4 \(7"),
    ):
        plain = {"game": game, "regime": {"kind": "imitation", "data": str(data)}}
        config = parse_config({**BASE, **plain, "budget": {"positions": 1000}})
        with pytest.raises(ValueError, match=sentence):
            Training(RunFolder(tmp_path / "run"), config)
