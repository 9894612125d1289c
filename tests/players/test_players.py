"""Players on positions whose best moves are known."""

from __future__ import annotations

import numpy as np
import pytest
from reference import reach

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Coins, Nim, WinnerLoser
from selfplay.lines import every_line as lookahead
from selfplay.lines.openings import random_positions
from selfplay.players import players
from selfplay.players.limits import Limit
from selfplay.players.players import MinimaxPlayer, NetPlayer, RandomPlayer, RolloutEvaluator
from selfplay.search import Gumbel, Puct
from selfplay.truth.solver import solver_for
from selfplay.types import Evaluation, Game, Player, State


def favourite(game: Game, state: State) -> Evaluation:
    """Logits 0, 1, 2, ... for the actions, value 0.25."""
    batch = len(game.legal(state))
    logits = np.tile(np.arange(game.num_actions, dtype=np.float32), (batch, 1))
    return Evaluation(logits, np.full(batch, 0.25, np.float32), np.zeros(batch, np.float32))


def test_random_plays_every_legal_move_alike() -> None:
    game = Connect4()
    full = reach(game, "444444", copies=6000)
    decision = RandomPlayer().decide(game, full, np.random.default_rng(0))
    np.testing.assert_allclose(decision.policy[0], [1 / 6] * 3 + [0] + [1 / 6] * 3)
    counts = np.bincount(decision.action, minlength=7)
    assert counts[3] == 0
    expected, spread = 1000, np.sqrt(6000 * 5 / 36)
    assert (np.abs(np.delete(counts, 3) - expected) < 4 * spread).all()
    assert np.isnan(decision.qvalues).all()


def test_minimax_finds_a_mate_in_two() -> None:
    game, rng = Connect4(), np.random.default_rng(0)
    state = reach(game, "4433", copies=200)  # two in the lowest row: 2 and 5 make it open-ended
    blind = MinimaxPlayer(2).decide(game, state, rng)
    assert blind.value.tolist() == [0] * 200
    seeing = MinimaxPlayer(3).decide(game, state, rng)
    assert seeing.value.tolist() == [1] * 200
    assert seeing.policy[0].tolist() == [0, 0.5, 0, 0, 0.5, 0, 0]
    assert 60 < (seeing.action == 1).sum() < 140  # ties are broken at random
    assert set(seeing.action.tolist()) == {1, 4}


def test_minimax_prefers_the_sooner_win_and_blocks() -> None:
    game, rng = TicTacToe(), np.random.default_rng(0)
    win = MinimaxPlayer(5).decide(game, reach(game, "1253"), rng)  # 9 wins, 4 would win later
    assert win.action.tolist() == [8]
    block = MinimaxPlayer(2).decide(game, reach(game, "512"), rng)  # X has 5 and 2
    assert block.action.tolist() == [7]


def test_deep_minimax_knows_what_the_solver_knows() -> None:
    game, rng = TicTacToe(), np.random.default_rng(0)
    state = random_positions(game, np.arange(200) % 8, rng).state
    decision = MinimaxPlayer(9).decide(game, state, rng)
    np.testing.assert_array_equal(decision.qvalues, np.sign(solver_for(game).scores(state)))


@pytest.mark.parametrize("game", [WinnerLoser(), Nim(10), Nim(11, take=2, again=True)])
def test_minimax_of_full_depth_has_the_planted_value(game: Game) -> None:
    state = game.init(np.random.default_rng(0), 3)
    decision = MinimaxPlayer(game.max_moves).decide(game, state, np.random.default_rng(0))
    np.testing.assert_array_equal(decision.value, game.value(state))  # type: ignore[attr-defined]


def test_minimax_decides_alike_in_one_go_and_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    game = Connect4()
    state = random_positions(game, np.full(20, 10), np.random.default_rng(0)).state
    whole = MinimaxPlayer(3).decide(game, state, np.random.default_rng(0))
    monkeypatch.setattr(players, "EDGES_AT_ONCE", 1000)
    parts = MinimaxPlayer(3).decide(game, state, np.random.default_rng(0))
    np.testing.assert_array_equal(whole.policy, parts.policy)
    np.testing.assert_array_equal(whole.qvalues, parts.qvalues)


def test_the_solver_plays_only_the_best_moves() -> None:
    game = TicTacToe()
    state = reach(game, "1", copies=50)
    decision = players.SolverPlayer(game).decide(game, state, np.random.default_rng(0))
    assert decision.action.tolist() == [4] * 50
    assert decision.value.tolist() == [0] * 50
    expected = [np.nan, -1, -1, -1, 0, -1, -1, -1, -1]
    np.testing.assert_array_equal(decision.qvalues[0], expected)


def test_rollouts_are_worth_what_random_play_brings() -> None:
    n = 20_000
    evaluator = RolloutEvaluator(np.random.default_rng(0))
    game = TicTacToe()
    found = evaluator(game, game.init(np.random.default_rng(0), n))
    # random tic-tac-toe: the first player wins 737 of 1260 games, the second 363, 160 are drawn
    shares = [(found.value == value).mean() for value in (1, -1, 0)]
    for share, expected in zip(shares, (737 / 1260, 363 / 1260, 160 / 1260), strict=True):
        assert abs(share - expected) < 3 * np.sqrt(expected * (1 - expected) / n)
    assert not found.logits.any()
    coins = Coins(8)  # each of eight coins is taken with probability 1/2
    mean = evaluator(coins, coins.init(np.random.default_rng(0), n)).value.mean()
    assert abs(mean - 0.5) < 3 * np.sqrt(8 * 0.25) / 8 / np.sqrt(n)


def test_a_rollout_of_a_decided_position_is_its_result() -> None:
    game, evaluator = WinnerLoser(), RolloutEvaluator(np.random.default_rng(0))
    for line, result in (("", 1), ("1", -1)):
        assert evaluator(game, reach(game, line, copies=5)).value.tolist() == [result] * 5


def test_search_with_rollouts_blocks_and_forks() -> None:
    game, player, rng = Connect4(), players.RolloutPlayer(300), np.random.default_rng(0)
    assert player.name == "mcts:300"
    fork = player.decide(game, reach(game, "4433", copies=8), rng)
    assert set(fork.action.tolist()) <= {1, 4}
    block = player.decide(game, reach(game, "17273", copies=8), rng)  # X has 1 2 3
    assert block.action.tolist() == [3] * 8
    once, again = (player.decide(game, reach(game, "44"), np.random.default_rng(5)) for _ in "12")
    np.testing.assert_array_equal(once.visits, again.visits)


def test_minimax_too_deep_for_the_game_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    game, rng = TicTacToe(), np.random.default_rng(0)
    start = game.init(rng, 2)
    assert MinimaxPlayer(5000).decide(game, start, rng).value.tolist() == [0, 0]
    monkeypatch.setattr(lookahead, "MAX_EDGES", 600)
    assert MinimaxPlayer(3).decide(game, start, rng).value.tolist() == [0, 0]  # 9 + 72 + 504 moves
    words = r"^minimax:50 looks too far .* tictactoe: it has more than"
    with pytest.raises(ValueError, match=words):
        MinimaxPlayer(50).decide(game, start, rng)


@pytest.mark.parametrize("search", [Gumbel(simulations=8), Puct(simulations=8)])
def test_a_search_keeps_its_memory_bounded_and_its_decisions(
    search: Gumbel | Puct, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def counted(game: Game, state: State) -> Evaluation:
        sizes.append(len(game.legal(state)))
        return favourite(game, state)

    game = TicTacToe()
    state = random_positions(game, np.arange(50) % 5, np.random.default_rng(3)).state
    player = players.SearchPlayer("searcher", search, counted)
    together = player.decide(game, state, np.random.default_rng(0))
    assert max(sizes) == 50
    sizes.clear()
    monkeypatch.setattr(players, "NODES_AT_ONCE", 100)
    apart = player.decide(game, state, np.random.default_rng(0))
    assert max(sizes) == 12  # trees of 8 leaves within 100 nodes
    for mine, theirs in zip(apart, together, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    monkeypatch.setattr(players, "NODES_AT_ONCE", 1)
    sizes.clear()
    player.decide(game, state, np.random.default_rng(0))
    assert max(sizes) == 1


def test_the_net_alone_is_its_softmax_over_legal_moves() -> None:
    game = Connect4(3, 2, run=3)
    decision = NetPlayer("net", favourite).decide(game, reach(game, "33"), np.random.default_rng(0))
    e = np.exp(1)
    np.testing.assert_allclose(decision.policy, [[1 / (1 + e), e / (1 + e), 0]], rtol=1e-6)
    assert decision.action.tolist() == [1]
    assert decision.value.tolist() == [0.25]
    assert decision.visits.tolist() == [[0, 0, 0]]


def test_a_search_player_corrects_its_evaluator() -> None:
    game = TicTacToe()
    player = players.SearchPlayer("searcher", Gumbel(simulations=16), favourite)
    decision = player.decide(game, reach(game, "1425", copies=4), np.random.default_rng(0))
    assert decision.action.tolist() == [2] * 4  # the third of the upper row, not the favourite 9
    assert player.evaluator is favourite


def load_run(run: str, step: int | None, limit: Limit) -> Player:
    if run in ("lost", "nim", "minmax"):
        raise ValueError(f"there is no run {run!r}")
    time = "" if limit.seconds is None else f"|{limit.seconds:g} s"
    return NetPlayer(f"{run}|{step}|{limit.simulations}{time}", favourite)


def test_players_by_name() -> None:
    for name in ("random", "minimax:3", "mcts:50", "solver"):
        assert players.make_player(name, TicTacToe(), load_run).name == name
    for name, expected in (
        ("runs/a", "runs/a|None|None"),
        ("runs/a@500", "runs/a|500|None"),
        ("runs/a:64", "runs/a|None|64"),
        ("runs/a@500:0", "runs/a|500|0"),
        ("C:/a", "C:/a|None|None"),
        ("runs/a:2s", "runs/a|None|None|2 s"),
        ("runs/a@500:0.5s", "runs/a|500|None|0.5 s"),
        ("C:/games", "C:/games|None|None"),
    ):
        assert players.make_player(name, TicTacToe(), load_run).name == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minimax", "'minimax' needs a whole number above 0, as in minimax:4"),
        ("mcts:0", "'mcts:0' needs a whole number above 0, as in mcts:100"),
        ("mcts:200000", "^a search takes 1 to 100,000 simulations a move; you asked for 200,000$"),
        ("mcts:many", "'mcts:many' needs a whole number"),
        ("random:5", "the player 'random' stands alone, without ':5'"),
        ("a@last", "'a@last': after @ stands the step of a checkpoint, not 'last'"),
        ("lost", "there is no run 'lost'$"),
        ("a:0s", "^'0' is not a time a move in seconds, above 0 and up to a day$"),
        ("a:-1s", "'-1' is not a time a move"),
        ("a:nans", "'nan' is not a time a move"),
        ("a:1e9s", "'1e9' is not a time a move"),
        ("nim", "there is no run 'nim'$"),
        ("minmax:3", r"there is no run 'minmax' \(did you mean the player 'minimax'\?\)"),
    ],
)
def test_a_wrong_name_is_one_sentence(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        players.make_player(name, TicTacToe(), load_run)
